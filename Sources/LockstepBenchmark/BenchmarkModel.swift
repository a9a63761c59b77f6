import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepTraining

/// The models that benchmarks train, on made-up images of ten classes or on made-up tokens.
package enum BenchmarkModel: String, Sendable, CaseIterable {
  /// 784 – 1024 – 1024 – 10 with ReLU, on 1×28×28.
  case mlp
  /// 784 – 6656 – 6656 – 10 with ReLU, 50 million parameters, on 1×28×28.
  case wide
  /// The digits' convolutional network, on 1×28×28.
  case cnn
  /// Residual networks of He et al., on 3×32×32.
  case resnet20, resnet32, resnet56
  /// A language model of characters: vectors of 128, one LSTM of 512, 64 positions.
  case lstm
  /// nanoGPT's recipe for CPUs: 4 blocks of width 128, 4 heads, 64 positions.
  case gpt
  /// A wider one: 6 blocks of width 384, 6 heads, 256 positions.
  case gptWide = "gpt-wide"

  /// The number of positions of an example where no other is asked for; nil for models of images.
  package var sequence: Int? {
    switch self {
    case .lstm, .gpt: 64
    case .gptWide: 256
    case .mlp, .wide, .cnn, .resnet20, .resnet32, .resnet56: nil
    }
  }

  /// The model, for examples of a shape.
  private func model(_ shape: [Int]) -> any Model {
    let vocabulary = BenchmarkTokens.vocabulary
    return switch self {
    case .mlp: Sequential.multilayerPerceptron(sizes: [1024, 1024, 10])
    case .wide: Sequential.multilayerPerceptron(sizes: [6656, 6656, 10])
    case .cnn: Sequential.digitsCNN()
    case .resnet20: ResNet.resNet20()
    case .resnet32: ResNet.resNet32()
    case .resnet56: ResNet.resNet56()
    case .lstm:
      Sequential.characterLSTM(vocabulary: vocabulary, embedding: 128, hidden: 512, layers: 1)
    case .gpt:
      GPT(vocabulary: vocabulary, context: shape[0], width: 128, layers: 4, heads: 4, bias: false)
    case .gptWide:
      GPT(vocabulary: vocabulary, context: shape[0], width: 384, layers: 6, heads: 6, bias: false)
    }
  }

  /// Examples for it, the same for every call.
  ///
  /// - Parameter length: the number of positions of an example; ``sequence`` if nil.
  /// - Throws: ``NoSequence`` where a model of images is given a length.
  package func dataset(count: Int, sequence length: Int? = nil) throws -> any ExampleSource {
    if let positions = sequence {
      return try BenchmarkTokens.windows(count: count, length: length ?? positions)
    }
    guard length == nil else { throw NoSequence(model: rawValue) }
    let shape =
      switch self {
      case .resnet20, .resnet32, .resnet56: [3, 32, 32]
      default: [1, 28, 28]
      }
    return try SyntheticData.images(count: count, shape: shape, classes: 10, seed: 1)
  }

  /// The gradients of the mean cross-entropy, with initial weights.
  package func source(
    on dataset: any ExampleSource, seed: UInt64 = 1, isa: InstructionSet = .detected,
    options: PlanOptions = PlanOptions(), threads: Int = 1
  ) throws -> ModelSource {
    let model = model(dataset.inputFields[0].shape)
    let source = try ModelSource(
      dataset: dataset, seed: seed, isa: isa, options: options, threads: threads,
      trace: Objective.trace(model, loss: SoftmaxCrossEntropy(), on: dataset))
    source.memory.initialize(seed: seed)
    return source
  }

  /// Images have no positions.
  package struct NoSequence: Error, CustomStringConvertible {
    let model: String
    package var description: String {
      let known = BenchmarkModel.allCases.filter { $0.sequence != nil }.map(\.rawValue)
      return "the model '\(model)' reads images: '--sequence' is for "
        + known.joined(separator: ", ")
    }
  }
}
