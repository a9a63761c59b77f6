import LockstepCollective
import LockstepState
import LockstepFold
import Lockstep
import LockstepEngine
import LockstepFiles
import LockstepTraining

/// A trunk and a head.
struct DigitClassifier: Model {
  struct Trunk: Model {
    let conv1 = Conv2d(1, 16, kernel: 3, padding: .same)
    let bn1 = BatchNorm2d(16)
    let conv2 = Conv2d(16, 32, kernel: 3, padding: .same)
    let bn2 = BatchNorm2d(32)
    let pool = MaxPool2d(2)
    func callAsFunction(_ input: Tensor) -> Tensor {
      pool(bn2(conv2(pool(bn1(conv1(input)).relu()))).relu())
    }
  }
  let features = Trunk()
  let head = Linear(1568, 10)
  func callAsFunction(_ input: Tensor) -> Tensor { head(features(input).flattened()) }
}

/// Pre-trains on the digits 0–4 and fine-tunes on a few examples of 5–9, the trunk frozen; beside
/// training from scratch on the same few. Mean accuracy on the test digits 5–9 over five draws.
struct TransferComparison {
  func run() throws {
    let digits = try EmbeddedData.digits()
    func of(_ dataset: Dataset, _ wanted: ClosedRange<Int32>) -> [Int] {
      guard case .classes(let classes, _) = dataset.labels else { return [] }
      return classes.indices.filter { wanted.contains(classes[$0]) }
    }
    let path = "/tmp/lockstep-transfer.safetensors"
    let pretraining = try digits.training.subset(of(digits.training, 0...4))
    let pretrained = try train(pretraining, epochs: 6, seed: 1)
    try Weights(of: pretrained).write(path)
    let test = try digits.test.subset(of(digits.test, 5...9))
    let later = of(digits.training, 5...9)
    print("examples a class\tfrozen trunk\tfine-tuned whole\tfrom scratch")
    for count in [2, 5, 10, 20] {
      var sums = [0.0, 0.0, 0.0]
      for draw in 0..<5 {
        let few = try digits.training.subset(sample(later, digits.training, count, draw))
        let frozen = Freezing(parameters: ["features.*"], batchNorms: ["features.*"])
        let runs: [(Freezing, Bool)] = [
          (frozen, true), (Freezing(batchNorms: ["features.*"]), true), (Freezing(), false),
        ]
        for (index, (freezing, starts)) in runs.enumerated() {
          let source = try train(
            few, epochs: 60, seed: UInt64(draw), freezing: freezing,
            from: starts ? path : nil)
          sums[index] += try accuracy(source, test)
        }
      }
      print(
        "\(count)\t" + sums.map { "\(($0 / 5 * 1000).rounded() / 10) %" }.joined(separator: "\t"))
    }
  }

  /// `count` examples of each class, other ones in each draw.
  private func sample(_ pool: [Int], _ dataset: Dataset, _ count: Int, _ draw: Int) -> [Int] {
    guard case .classes(let classes, _) = dataset.labels else { return [] }
    return (5...9).flatMap { digit in
      pool.filter { classes[$0] == digit }.dropFirst(draw * 20).prefix(count)
    }
  }

  private func train(
    _ dataset: Dataset, epochs: Int, seed: UInt64, freezing: Freezing = Freezing(),
    from path: String? = nil
  ) throws -> ModelSource {
    let source = try ModelSource(
      DigitClassifier(), loss: SoftmaxCrossEntropy(), on: dataset, seed: seed, freezing: freezing)
    if let path {
      try Weights(of: source).load(path, names: NameMap([.init("head.*", to: nil)]), .lenient)
    }
    let shards = dataset.count < 64 ? 1 : 2
    let step = try TrainingStep(
      source: source, update: try source.update(.adam(learningRate: 1e-3)), shards: shards,
      on: SoloCollective())
    let sampler = try Sampler(
      count: dataset.count, batchSize: min(64, dataset.count), seed: seed)
    while sampler.epoch < epochs {
      _ = try step.run(
        StepBatch(
          step: step.completed, epoch: sampler.epoch, examples: try sampler.batch(),
          shards: shards))
      sampler.advance()
    }
    return source
  }

  private func accuracy(_ source: ModelSource, _ test: Dataset) throws -> Double {
    let evaluation = try ModelEvaluator(source, on: test)
      .evaluation("test", shardSize: 100, on: SoloCollective())
    return try evaluation.run()["accuracy"] ?? .nan
  }
}
