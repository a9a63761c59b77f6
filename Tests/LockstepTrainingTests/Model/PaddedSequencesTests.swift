import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepOptimization
import LockstepTesting
import LockstepTraining
import Testing

/// Sequences of different lengths: padding never counts, and bits depend on nothing but seed and data.
@Suite struct PaddedSequencesTests {
  /// What a model is made of, and what it predicts.
  enum Case: String, CaseIterable, Sendable {
    case gru, lstm, attention, mean, last, steps, numbers, events

    var labelsPositions: Bool { self == .steps || self == .numbers || self == .events }

    var loss: any LossFunction {
      switch self {
      case .numbers: MeanSquaredError()
      case .events: BinaryCrossEntropy()
      default: SoftmaxCrossEntropy()
      }
    }

    var model: Sequential {
      switch self {
      case .gru: .gruClassifier(hidden: 5, classes: 3)
      case .lstm:
        Sequential {
          LSTM(2, 4, numLayers: 2, bidirectional: true, output: .state)
          Linear(3)
        }
      case .attention:
        Sequential {
          Linear(4)
          TransformerEncoderLayer(4, heads: 2, feedForward: 6, dropout: 0)
          SequencePooling()
          Linear(3)
        }
      case .mean, .last:
        Sequential {
          Linear(4)
          Tanh()
          SequencePooling(self == .mean ? .mean : .last)
          Linear(3)
        }
      case .steps, .numbers, .events:
        Sequential {
          GRU(2, 4, bidirectional: true)
          Linear(self == .steps ? 3 : 1)
        }
      }
    }
  }

  static let lengths = [3, 1, 7, 4, 8, 2, 5, 16, 6, 3, 12, 9]

  static func value(_ index: Int) -> Float { Float((index * 37) % 23) / 11 - 1 }

  /// The steps of sequence `index`, two values each.
  static func steps(_ index: Int) -> [Float] {
    (0..<2 * lengths[index]).map { value($0 + 13 * index) }
  }

  static func labels(_ kind: Case, _ indices: [Int]) -> Dataset.Labels {
    let counts = indices.map { kind.labelsPositions ? lengths[$0] : 1 }
    let numbers = zip(indices, counts).flatMap { index, count in
      (0..<count).map { (index * 5 + $0 * $0) % 3 }
    }
    switch kind {
    case .numbers: return .targets(numbers.map { Float($0) - 0.5 }, width: 1)
    case .events: return .targets(numbers.map { $0 == 1 ? 1 : 0 }, width: 1)
    default: return .classes(numbers.map { Int32($0) }, count: 3)
    }
  }

  static func sequences(
    _ kind: Case, _ indices: [Int] = Array(lengths.indices), padding: [Int]
  ) throws -> SequenceDataset {
    try SequenceDataset(
      name: "sequences", width: 2, values: indices.flatMap(steps),
      starts: indices.reduce(into: [0]) { $0.append($0[$0.count - 1] + lengths[$1]) },
      labels: labels(kind, indices), labelsPositions: kind.labelsPositions,
      padding: try #require(PaddedLengths(padding)))
  }

  /// The weights before and after a step of plain descent on a batch of all examples.
  private func step(
    _ kind: Case, _ source: any ExampleSource
  ) throws -> (before: [Float], after: [Float], loss: Double) {
    let training = try Training(
      kind.model, on: source, loss: kind.loss, update: .sgd(learningRate: 0.5),
      batchSize: source.count, epochs: 1, seed: 3)
    let before = Array(training.source.parameters)
    let loss = try ModelEvaluator(training.source, on: source).evaluation(
      "all", shardSize: 5, on: SoloCollective()
    ).run().loss
    try training.fit()
    return (before, withExtendedLifetime(training) { Array(training.source.parameters) }, loss)
  }

  @Test("a padded batch is the mean of its sequences one by one", arguments: Case.allCases)
  func paddingNeverCounts(_ kind: Case) throws {
    let all = try step(kind, try Self.sequences(kind, padding: [16]))
    var (change, loss, weight) = ([Double](repeating: 0, count: all.before.count), 0.0, 0.0)
    for index in Self.lengths.indices {
      let alone = try step(kind, try Self.sequences(kind, [index], padding: [Self.lengths[index]]))
      #expect(alone.before == all.before)
      let share = kind.labelsPositions ? Double(Self.lengths[index]) : 1
      for place in change.indices {
        change[place] += share * Double(alone.after[place] - alone.before[place])
      }
      loss += share * alone.loss
      weight += share
    }
    #expect(abs(loss / weight - all.loss) < 1e-6)
    #expect(change.contains { abs($0) > 0.01 })
    for place in change.indices {
      let found = Double(all.after[place] - all.before[place])
      #expect(abs(found - change[place] / weight) < 2e-6, "\(kind), parameter \(place)")
    }
  }

  @Test("a longer padding changes no prediction", arguments: [Case.gru, .attention, .mean, .last])
  func longerPadding(_ kind: Case) throws {
    func predictions(_ padding: [Int]) throws -> [Float] {
      let examples = try Self.sequences(kind, padding: padding)
      let source = try ModelSource(kind.model, loss: kind.loss, on: examples, seed: 3)
      return try ModelEvaluator(source, on: examples).predictions(
        for: Array(Self.lengths.indices))
    }
    for (short, long) in zip(try predictions([16]), try predictions([40])) {
      #expect(abs(short - long) < 1e-6)
    }
  }

  @Test("the same bits on any number of ranks and threads", arguments: [Case.gru, .steps])
  func ranks(_ kind: Case) throws {
    let difference = try SameBits.difference(ranks: 1...4) { ranks in
      var found: [String] = []
      for threads in [1, 2] {
        var options = TrainingOptions()
        options.threads = threads
        options.shards = 4
        let examples = try Self.sequences(kind, padding: [2, 4, 8, 16])
        let training = try Training(
          kind.model, on: examples, loss: kind.loss,
          update: .adam(learningRate: 0.01).clipped(globalNorm: 1), batchSize: 4, epochs: 3,
          seed: 3, options: options, ranks: ranks)
        try training.evaluate(on: examples)
        let outcome = try training.fit()
        found.append("\(outcome)")
      }
      return found
    }
    #expect(difference == nil)
  }

  @Test("a model that does not heed lengths is refused")
  func heedless() throws {
    let examples = try Self.sequences(.gru, padding: [16])
    let error = #expect(throws: GraphError.self) {
      try ModelSource(
        Sequential {
          Flatten()
          Linear(3)
        }, loss: SoftmaxCrossEntropy(), on: examples, seed: 1)
    }
    #expect("\(try #require(error))".contains("no layer of the model heeds them"))
  }

  @Test("parameters that depend on the length are refused")
  func parametersOfLengths() throws {
    let examples = try Self.sequences(.gru, padding: [8, 16])
    let model = Sequential {
      GRU(2, 3)
      Flatten()
      Linear(3)
    }
    let error = #expect(throws: (any Error).self) {
      try Training(
        model, on: examples, loss: SoftmaxCrossEntropy(), update: .sgd(learningRate: 0.1),
        batchSize: 4
      ).fit()
    }
    #expect("\(try #require(error))".contains("other parameters"))
  }

  @Test("a Hessian-free step takes one padded length")
  func hessianFree() throws {
    let examples = try Self.sequences(.gru, padding: [8, 16])
    var options = TrainingOptions()
    options.hessianFree = HessianFreeOptions()
    let error = #expect(throws: (any Error).self) {
      try Training(
        Case.gru.model, on: examples, loss: SoftmaxCrossEntropy(),
        update: .sgd(learningRate: 0.1), batchSize: 4, options: options
      ).fit()
    }
    #expect("\(try #require(error))".contains("one padded length"))
  }
}
