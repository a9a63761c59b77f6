import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepFold
import LockstepLayers
import LockstepOptimization
import LockstepTrainingTestSupport
import Testing

import LockstepTraining

/// Tokens with a token a position, or a class, to predict.
private struct Tokens: ExampleSource {
  let name = "tokens"
  let count = 40
  let length: Int
  let isOfPositions: Bool
  static let vocabulary = 11

  var inputFields: [ExampleField] {
    [ExampleField("input", [length], .int32(limit: Self.vocabulary))]
  }
  var labelFields: [ExampleField] {
    [ExampleField("label", isOfPositions ? [length] : [], .int32(limit: Self.vocabulary))]
  }
  var fingerprint: Fingerprint { Fingerprint(of: "tokens \(length)") }

  func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Float>
  ) throws {}

  func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
  ) throws {
    let shift = field.name == "label" ? 1 : 0
    for (row, example) in examples.enumerated() {
      for place in 0..<field.size {
        // Some tokens occur several times in an example.
        values[row * field.size + place] = Int32(
          (example * 7 + (place + shift) * (place + shift) * 3) % Self.vocabulary)
      }
    }
  }
}

/// A scale that all features share, through a function of the parameter.
private struct Gated: Layer {
  let identity = LayerIdentity()
  func forward(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    input * scope.parameter("gate", [input.shape[1]], .constant(0.3)).sigmoid()
  }
}

/// Features are scaled by their mean over the batch.
private struct Centred: Model {
  let head = Linear(3)
  func callAsFunction(_ input: Tensor) -> Tensor { head(input - input.mean([0])) }
}

/// 2 x, as an operation that the engine knows nothing of.
private struct Doubling: Float32Operation {
  var name: String { "doubling" }
  var precisionRole: PrecisionRole { .exact }
  func infer(_ inputs: [TensorType]) throws -> [TensorType] { inputs }
  func reverse(inputs: [Tensor], results: [Tensor], gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0].map { $0.apply(Doubling()) }]
  }
  func evaluate(_ inputs: [HostTensor]) throws -> [HostTensor] {
    [HostTensor(inputs[0].shape, inputs[0].values.map { 2 * $0 })]
  }
  func compute(_ inputs: [HostValues], into results: inout [HostValues]) throws {
    for index in inputs[0].values.indices {
      results[0].values[index] = 2 * inputs[0].values[index]
    }
  }
}

private struct Doubled: Model {
  func callAsFunction(_ input: Tensor) -> Tensor { input.apply(Doubling()) }
}

/// One weight that is used twice.
private struct Tied: Model {
  let map = Linear(9)
  let head = Linear(3)
  func callAsFunction(_ input: Tensor) -> Tensor { head(map(map(input).tanh())) }
}

@Suite struct ExampleClipTests {
  /// A model on data, and whether the norms of its examples' gradients follow without the gradients.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let model: any Model & Sendable
    let data: any ExampleSource
    var loss: any LossFunction = SoftmaxCrossEntropy()
    var isCheap = true
    var testDescription: String { name }
  }

  private static func images(_ channels: Int, _ size: Int) throws -> Dataset {
    try SyntheticData.images(count: 40, shape: [channels, size, size], classes: 3, seed: 5)
  }
  private static func points(_ features: Int) throws -> Dataset {
    try SyntheticData.blobs(count: 40, features: features, classes: 3, seed: 5)
  }
  private static func series(_ length: Int, _ width: Int) throws -> Dataset {
    try SyntheticData.images(count: 40, shape: [length, width], classes: 3, seed: 5)
  }

  private static func sequential(_ layers: any Model...) -> Sequential { Sequential(layers) }

  static let cases: [Case] = {
    // swift-format-ignore: NeverUseForceTry
    try! [
      Case(
        name: "dense",
        model: sequential(Linear(20), Tanh(), Linear(8, bias: false), ReLU(), Linear(3)),
        data: points(9)),
      Case(
        name: "dense of regression", model: sequential(Linear(20), Tanh(), Linear(1)),
        data: SyntheticData.linear(count: 40, weights: [1, -2, 0.5], noise: 1, seed: 3),
        loss: MeanSquaredError()),
      Case(
        name: "dense on long sequences", model: sequential(Linear(5), Tanh(), Flatten(), Linear(3)),
        data: series(30, 7)),
      Case(
        name: "dense on short sequences",
        model: sequential(Linear(60), Tanh(), Linear(50), Flatten(), Linear(3)), data: series(3, 40)
      ),
      Case(
        name: "convolutions",
        model: sequential(
          Conv2d(5, kernel: 3, padding: .same), ReLU(), MaxPool2d(2),
          Conv2d(17, kernel: 3, stride: 2, bias: false), ReLU(), GlobalAveragePool2d(), Flatten(),
          Linear(3)),
        data: images(2, 13)),
      Case(
        name: "convolutions of blocks",
        model: sequential(
          Conv2d(16, kernel: 3, padding: .same), ReLU(), Conv2d(32, kernel: 3, padding: .same),
          ReLU(),
          Conv2d(32, kernel: 3, padding: .same), GlobalAveragePool2d(), Flatten(), Linear(3)),
        data: images(1, 12)),
      Case(
        name: "grouped convolutions",
        model: sequential(
          Conv2d(12, kernel: 3), ReLU(), Conv2d(12, kernel: 3, groups: 12), ReLU(),
          Conv2d(24, kernel: 1, groups: 3), ReLU(), Flatten(), Linear(3)), data: images(3, 8)),
      Case(
        name: "transposed convolutions",
        model: sequential(
          Conv2d(6, kernel: 3, stride: 2), ReLU(), ConvTranspose2d(4, kernel: 3, stride: 2),
          Flatten(),
          Linear(3)), data: images(1, 9)),
      Case(
        name: "convolutions of series",
        model: sequential(
          Conv1d(8, kernel: 3), ReLU(), MaxPool1d(2), Conv1d(6, kernel: 3), Flatten(), Linear(3)),
        data: series(4, 20)),
      Case(
        name: "group norm",
        model: sequential(
          Conv2d(8, kernel: 3), GroupNorm(2), ReLU(), Flatten(), Linear(3)), data: images(1, 7)),
      Case(
        name: "layer norms",
        model: sequential(Linear(12), LayerNorm(), GELU(), RMSNorm(), Flatten(), Linear(3)),
        data: series(5, 6)),
      Case(
        name: "embedding",
        model: sequential(
          Embedding(Tokens.vocabulary, 6, paddingIndex: 2), LearnedPositions(9), LayerNorm(),
          Flatten(),
          Linear(Tokens.vocabulary)), data: Tokens(length: 7, isOfPositions: false)),
      Case(
        name: "attention",
        model: sequential(
          Embedding(Tokens.vocabulary, 8), SinusoidalPositions(),
          TransformerEncoderLayer(8, heads: 2, feedForward: 12, dropout: 0),
          Linear(Tokens.vocabulary)),
        data: Tokens(length: 6, isOfPositions: true)),
      Case(
        name: "gpt",
        model: GPT(vocabulary: Tokens.vocabulary, context: 6, width: 8, layers: 2, heads: 2),
        data: Tokens(length: 6, isOfPositions: true)),
      Case(
        name: "rnn", model: sequential(RNN(4, 7, output: .state), Linear(3)), data: series(6, 4)),
      Case(
        name: "gru", model: sequential(GRU(4, 7, numLayers: 2), Flatten(), Linear(3)),
        data: series(6, 4)),
      Case(
        name: "lstm",
        model: sequential(LSTM(4, 7, numLayers: 2, bidirectional: true), Flatten(), Linear(3)),
        data: series(6, 4)),
      Case(
        name: "weight norm",
        model: sequential(
          Conv2d(6, kernel: 3, groups: 2, parametrization: .weightNorm), ReLU(), Flatten(),
          Linear(7, bias: false, parametrization: .weightNorm), Tanh(),
          Linear(3, parametrization: .weightNorm)), data: images(2, 7)),
      Case(
        name: "weight standardization",
        model: sequential(
          Conv1d(6, kernel: 3, parametrization: .weightStandardization), GroupNorm(2), ReLU(),
          Flatten(), Linear(3, parametrization: .weightStandardization)), data: series(4, 12)),
      Case(
        name: "spectral norm",
        model: sequential(
          ConvTranspose2d(4, kernel: 2, stride: 2, parametrization: .spectralNorm), ReLU(),
          Conv2d(6, kernel: 3, parametrization: .spectralNorm), ReLU(), Flatten(),
          Linear(3, parametrization: .spectralNorm)), data: images(2, 4)),
      Case(
        name: "a function of a parameter", model: sequential(Gated(), Linear(3)), data: points(9)),
      Case(name: "one weight twice", model: Tied(), data: points(9)),
      Case(
        name: "labels that do not count",
        model: sequential(
          Embedding(Tokens.vocabulary, 8), Linear(Tokens.vocabulary)),
        data: Tokens(length: 9, isOfPositions: true), loss: SoftmaxCrossEntropy(ignoreIndex: 3)),
      Case(
        name: "an operation of its own", model: sequential(Linear(9), Doubled(), Linear(3)),
        data: points(9), isCheap: false),
      Case(
        name: "spectral norm beside an operation of its own",
        model: sequential(
          Linear(9, parametrization: .spectralNorm), Doubled(),
          Linear(3, parametrization: .spectralNorm)), data: points(9), isCheap: false),
    ]
  }()

  private static func source(_ test: Case, _ clip: ExampleClip?) throws -> ModelSource {
    try ModelSource(
      SingleInputModel(test.model), losses: OutputLosses(test.loss), on: test.data, seed: 3,
      exampleClip: clip, admit: { _, _ in })
  }

  /// The leaf and the record of the first examples.
  private static func compute(
    _ source: ModelSource, _ examples: Range<Int>
  ) throws -> (leaf: [Float], record: [Double]) {
    let leaf = Arena<Float>(count: source.layout.count)
    let numbers = Arena<Double>(count: ShardRecord.Column.metrics + source.metricColumns)
    try source.computeShard(
      0, of: StepBatch(step: 0, epoch: 0, examples: Array(examples)[...], shards: 1),
      into: leaf.buffer, record: ShardRecord(values: numbers.buffer))
    return withExtendedLifetime((leaf, numbers)) { (Array(leaf.buffer), Array(numbers.buffer)) }
  }

  /// The number of leading values of a leaf that are gradients; statistics follow.
  private static func gradientSize(_ source: ModelSource) -> Int {
    let slots = source.layout.slots
    return source.gradientSlotCount < slots.count
      ? slots[source.gradientSlotCount].offset : source.layout.count
  }

  /// The norm of a single example's gradient, from a source without a clip.
  private static func norm(_ source: ModelSource, _ example: Int) throws -> Double {
    let (leaf, record) = try compute(source, example..<example + 1)
    let gradient = leaf.prefix(gradientSize(source))
    return gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() / record[1]
  }

  @Test(arguments: cases)
  func normsAreThoseOfExamplesAlone(test: Case) throws {
    let plain = try Self.source(test, nil)
    let norms = try (0..<12).map { try Self.norm(plain, $0) }
    #expect(norms.allSatisfy { $0.isFinite && $0 > 0 })
    // All differ, so that a mean cannot hide that two were exchanged.
    let source = try Self.source(test, ExampleClip(norm: 1e-3))
    #expect(source.computesExamplesAlone != test.isCheap)
    let column = 3 + source.metricColumns - ExampleNorms.columnCount
    for examples in [0..<12, 0..<1, 5..<6, 3..<8] {
      let (_, record) = try Self.compute(source, examples)
      let sum = norms[examples].reduce(0, +)
      #expect(abs(record[column] - sum) <= 1e-6 * sum, "\(examples): \(record[column]), not \(sum)")
      #expect(record[column + 1] == Double(examples.count))
      #expect(record[(column + 2)...].reduce(0, +) == Double(examples.count))
    }
  }

  @Test(arguments: cases)
  func gradientsAreSumsOfLimitedOnes(test: Case) throws {
    let plain = try Self.source(test, nil)
    let all = try (0..<9).map { try Self.compute(plain, $0..<$0 + 1) }
    let norms = try (0..<9).map { try Self.norm(plain, $0) }
    let limit = norms.sorted()[4]
    for source in [
      try Self.source(test, ExampleClip(norm: limit)),
      try Self.source(test, ExampleClip(norm: limit, isPlain: true)),
    ] {
      let (leaf, record) = try Self.compute(source, 0..<9)
      var expected = [Double](repeating: 0, count: leaf.count)
      for (example, (one, _)) in all.enumerated() {
        let coefficient = min(1, limit / norms[example])
        for index in one.indices {
          // Statistics are not limited.
          let factor = index < Self.gradientSize(source) ? coefficient : 1
          expected[index] += factor * Double(one[index])
        }
      }
      let size = Self.gradientSize(source)
      // Winograd's algorithm, which takes batches of several images, rounds ten times as coarsely.
      for part in [0..<size, size..<leaf.count] {
        let largest = expected[part].reduce(0) { max($0, abs($1)) }
        for index in part {
          #expect(abs(Double(leaf[index]) - expected[index]) <= 1e-5 * largest, "\(index)")
        }
      }
      #expect(record[2] == 9)
    }
  }

  /// A limit that nothing reaches changes no bit where gradients are added up as ever.
  @Test(arguments: cases.filter(\.isCheap))
  func aHugeLimitChangesNothing(test: Case) throws {
    let plain = try Self.compute(Self.source(test, nil), 0..<10)
    let clipped = try Self.compute(Self.source(test, ExampleClip(norm: 1e9)), 0..<10)
    #expect(bits(clipped.leaf) == bits(plain.leaf))
    #expect(Array(clipped.record.prefix(plain.record.count)) == plain.record)
  }

  @Test func examplesThatSeeEachOtherAreRefused() throws {
    let clip = ExampleClip(norm: 1)
    let normalized = Case(
      name: "batch norm",
      model: Sequential([Conv2d(4, kernel: 3), BatchNorm2d(), Flatten(), Linear(3)]),
      data: try Self.images(1, 7))
    let centred = Case(name: "centred", model: Centred(), data: try Self.points(4))
    for (test, words) in [
      (normalized, ["batch normalization", "GroupNorm", "freezeBatchNorm"]),
      (centred, ["see each other", "perExample"]),
    ] {
      let error = #expect(throws: GraphError.self) { try Self.source(test, clip) }
      for word in words { #expect(error?.description.contains(word) ?? false, "\(error!)") }
    }
  }
}
