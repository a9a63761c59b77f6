import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepTraining

/// The models that benchmarks train, on made-up images of ten classes.
package enum BenchmarkModel: String, Sendable, CaseIterable {
  /// 784 – 1024 – 1024 – 10 with ReLU, on 1×28×28.
  case mlp
  /// 784 – 6656 – 6656 – 10 with ReLU, 50 million parameters, on 1×28×28.
  case wide
  /// The digits' convolutional network, on 1×28×28.
  case cnn
  /// Residual networks of He et al., on 3×32×32.
  case resnet20, resnet32, resnet56

  /// The model.
  package var model: any Model {
    switch self {
    case .mlp: Sequential.multilayerPerceptron(sizes: [1024, 1024, 10])
    case .wide: Sequential.multilayerPerceptron(sizes: [6656, 6656, 10])
    case .cnn: Sequential.digitsCNN()
    case .resnet20: ResNet.resNet20()
    case .resnet32: ResNet.resNet32()
    case .resnet56: ResNet.resNet56()
    }
  }

  /// One example's shape.
  package var inputShape: [Int] {
    switch self {
    case .mlp, .wide, .cnn: [1, 28, 28]
    case .resnet20, .resnet32, .resnet56: [3, 32, 32]
    }
  }

  /// Examples for it, the same for every call.
  package func dataset(count: Int) throws -> Dataset {
    try SyntheticData.images(count: count, shape: inputShape, classes: 10, seed: 1)
  }

  /// The gradients of the mean cross-entropy, with initial weights.
  package func source(
    on dataset: Dataset, seed: UInt64 = 1, isa: InstructionSet = .detected,
    options: PlanOptions = PlanOptions(), threads: Int = 1
  ) throws -> ModelSource {
    let source = try ModelSource(
      dataset: dataset, seed: seed, isa: isa, options: options, threads: threads,
      trace: Objective.trace(model, loss: SoftmaxCrossEntropy(), on: dataset))
    source.memory.initialize(seed: seed)
    return source
  }
}
