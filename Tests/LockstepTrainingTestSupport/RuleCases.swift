import LockstepOptimization

/// Update rules that runs must agree on.
public enum RuleCases {
  /// Every optimizer and kind of clip, all of them clipping.
  public static let all: [(name: String, chain: Chain)] = {
    let clip = Chain(ClipByGlobalNorm(0.3))
    return [
      ("sgd", .sgd(learningRate: 0.05)),
      ("sgd clipped", clip + .sgd(learningRate: 0.05)),
      ("nesterov", clip + .sgd(learningRate: 0.02, momentum: 0.9, nesterov: true)),
      ("clip by norm", Chain(ClipByNorm(0.2)) + .sgd(learningRate: 0.05)),
      ("clip by value", Chain(ClipByValue(0.1)) + .sgd(learningRate: 0.05)),
      ("adaptive clip", Chain(AdaptiveClip(0.05)) + .sgd(learningRate: 0.05)),
      ("rmsprop", clip + .rmsprop(momentum: 0.5, centered: true)),
      ("adagrad", clip + .adagrad()), ("adadelta", clip + .adadelta()),
      ("adam", clip + .adam(learningRate: 0.01, amsgrad: true)),
      ("adamW", clip + .adamW(learningRate: 0.01)),
      ("nadam", clip + .nadam()), ("radam", clip + .radam()), ("lion", clip + .lion()),
      ("muon", Chain(ClipByValue(0.1)) + .muon(learningRate: 0.02)),
      ("schedule-free", clip + .scheduleFreeAdamW(learningRate: 0.01)), ("adan", clip + .adan()),
      ("prodigy", clip + .prodigy()), ("adafactor", clip + .adafactor(weightDecay: 0.01)),
      ("shampoo", clip + .shampoo(learningRate: 0.01, momentum: 0.5, preconditionFrequency: 2)),
      ("soap", clip + .soap(learningRate: 0.01, preconditionFrequency: 1)),
      ("adaGC", Chain(AdaGC(relative: 0.9, warmup: 2, absolute: 0.3)) + .sgd(learningRate: 0.05)),
      (
        "spam", clip + .spam(learningRate: 0.01, ScaleBySPAM(threshold: 2, resetEvery: 4, grace: 1))
      ),
      ("stableSPAM", .stableSPAM(learningRate: 0.01, theta: 0.5, resetEvery: 4)),
      ("spectral clip", Chain(SpectralClip(0.1)) + .sgd(learningRate: 0.05)),
      ("lars", clip + .lars()), ("lamb", clip + .lamb()),
    ]
  }()
}
