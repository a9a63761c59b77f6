import LockstepDatasets
import LockstepEngine
import LockstepTraining

/// Small models on 12 × 12 grey images of ten classes, written straight in the engine's operations.
public enum SmallModel: String, CaseIterable, Sendable {
  /// 144 → 40 → 10 with dropout.
  case perceptron
  /// 144 → 96 → 64 → 10: two layers whose gradients are more numbers than the factors of some twenty
  /// examples.
  case deep
  /// Convolutions with 10 and 17 channels (padded where primitives block channels), batch
  /// normalisation with running statistics, dropout.
  case convolutional
  /// The same with the statistics of the whole batch.
  case synchronized

  /// Uniform values within ±√(3 / fan-in), or a constant for vectors.
  private struct Scaled: Initializer {
    var constant: Float = 0
    func fill(
      _ values: inout MutableSpan<Float>, shape: [Int],
      using random: inout some RandomNumberGenerator
    ) {
      let inputs = shape.count < 2 ? 0 : shape[1...].reduce(1, *)
      let bound = inputs == 0 ? 0 : (3 / Float(inputs)).squareRoot()
      for i in values.indices {
        values[i] = inputs == 0 ? constant : Float.random(in: -bound...bound, using: &random)
      }
    }
  }

  public static func dataset(count: Int) throws -> Dataset {
    try SyntheticData.images(count: count, shape: [1, 12, 12], classes: 10, seed: 3)
  }

  public func trace(_ count: Int, _ training: Bool) throws -> Objective {
    let graph = Graph(batchCount: count, training: training)
    func parameter(_ name: String, _ shape: [Int], constant: Float = 0) -> Tensor {
      graph.parameter(
        ParameterSpecification(name: name, shape: shape, initializer: Scaled(constant: constant)))
    }
    func linear(_ name: String, _ x: Tensor, _ outputs: Int) -> Tensor {
      x.linear(
        parameter("\(name).weight", [outputs, x.type.shape[1]]),
        parameter("\(name).bias", [outputs]))
    }
    func convolution(_ name: String, _ x: Tensor, _ channels: Int) -> Tensor {
      x.convolved(
        parameter("\(name).weight", [channels, x.type.shape[1], 3, 3]),
        parameter("\(name).bias", [channels]), window: .same(kernel: [3, 3]))
    }
    func normalization(_ name: String, _ x: Tensor) -> Tensor {
      let channels = x.type.shape[1]
      let scale = parameter("\(name).weight", [channels], constant: 1)
      let shift = parameter("\(name).bias", [channels])
      func statistic(_ part: String, _ value: Float) -> Tensor {
        graph.statistic(
          StatisticSpecification(
            name: "\(name).\(part)", shape: [channels], initialValue: value, momentum: 0.1))
      }
      let mean = statistic("running_mean", 0)
      let variance = statistic("running_var", 1)
      guard training else {
        return x.normalized(scale, shift, mean: mean, variance: variance, epsilon: 1e-5)
      }
      if self == .synchronized {
        let observed = x.normalizedOverAllShards(scale, shift, epsilon: 1e-5)
        graph.observe(mean, observed.mean)
        graph.observe(variance, observed.unbiasedVariance)
        return observed.result
      }
      let observed = x.batchNormalized(scale, shift, epsilon: 1e-5)
      let values = Float(x.type.count / channels)
      graph.observe(mean, observed.mean)
      graph.observe(variance, observed.variance, scale: values / (values - 1))
      return observed.result
    }

    let input = graph.input(Objective.Input.examples, [count, 1, 12, 12])
    let labels = graph.input(Objective.Input.labels, [count], .int32)
    let logits: Tensor
    switch self {
    case .perceptron:
      let hidden = linear("fc1", input.flattened(), 40).relu().dropout(rate: 0.25, key: 1)
      logits = linear("fc2", hidden, 10)
    case .deep:
      let hidden = linear("fc1", input.flattened(), 96).relu()
      logits = linear("fc3", linear("fc2", hidden, 64).relu(), 10)
    case .convolutional, .synchronized:
      var x = normalization("bn1", convolution("conv1", input, 10)).relu()
      x = x.maxPooled(Window(kernel: [2, 2], strides: [2, 2]))
      x = normalization("bn2", convolution("conv2", x, 17)).relu()
      logits = linear("fc", x.flattened().dropout(rate: 0.25, key: 2), 10)
    }
    try graph.check()
    return Objective(
      loss: logits.softmaxCrossEntropy(labels: labels),
      metrics: [("accuracy", logits.correctCount(labels: labels))], output: logits)
  }
}
