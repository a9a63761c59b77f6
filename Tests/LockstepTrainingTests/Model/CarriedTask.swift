import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepObservation
import LockstepOptimization
import LockstepState
import LockstepTraining
import LockstepTrainingTestSupport

/// A small language model that carries its states, and a text in streams.
struct CarriedTask: Sendable {
  static let vocabulary = 7

  /// The numbers of streams, of windows in each, and of tokens in a window.
  var streams = 8
  var windows = 5
  var length = 4
  var carries = true
  /// `lstm`, `gru` or `rnn`.
  var cell = "lstm"
  var layers = 2
  var dropout: Float = 0.2

  var epochs = 2
  var steps: Int?
  var shards = 4
  var threads = 1
  var microBatches = 1
  var isSharded = false

  /// A text in which what comes next depends on what came before the window.
  static func stream(_ count: Int) -> TokenStream {
    TokenStream(
      (0..<count).map { place in
        UInt16((place / 6 * (place / 6 % 5) + place % 3) % Self.vocabulary)
      }, name: "text")
  }

  func examples(streams: Int? = nil) throws -> TokenWindows {
    try TokenWindows(
      Self.stream(self.streams * windows * length + 1), length: length,
      vocabulary: Self.vocabulary, streams: streams ?? self.streams)
  }

  var model: Sequential {
    let core: any Model =
      switch cell {
      case "gru": GRU(5, 6, numLayers: layers, dropout: dropout, carriesState: carries)
      case "rnn": RNN(5, 6, numLayers: layers, dropout: dropout, carriesState: carries)
      default: LSTM(5, 6, numLayers: layers, dropout: dropout, carriesState: carries)
      }
    return Sequential(named: [
      ("embedding", Embedding(Self.vocabulary, 5)), ("core", core),
      ("head", Linear(6, Self.vocabulary)),
    ])
  }

  var options: TrainingOptions {
    var options = TrainingOptions()
    options.shards = shards
    options.threads = threads
    options.run.steps = steps
    options.run.microBatches = microBatches
    options.run.checkpointEverySteps = 1
    options.run.compareEverySteps = 2
    options.sharing = isSharded ? .sharded : .replicated
    options.evaluationBatchSize = 3
    return options
  }

  func training(
    on examples: (any ExampleSource)? = nil, batchSize: Int? = nil,
    update: Chain = .adam(learningRate: 0.03),
    options: TrainingOptions? = nil, ranks: any Collective = SoloCollective()
  ) throws -> Training {
    try Training(
      model, on: examples ?? self.examples(), loss: SoftmaxCrossEntropy(), update: update,
      batchSize: batchSize ?? streams, epochs: epochs, options: options ?? self.options,
      ranks: ranks)
  }

  /// What a run came to.
  struct Result: Equatable, Sendable {
    var fingerprint: Fingerprint?
    /// Of the steps; on rank 0 only, as all below.
    var losses: [Double] = []
    /// Of the evaluations.
    var evaluated: [Double] = []
  }

  /// Trains, and evaluates a text of one stream at the end of each epoch.
  func run(
    on ranks: any Collective, _ directory: String? = nil, resume: Bool = false
  ) throws -> Result {
    let training = try training(ranks: ranks)
    var result = Result()
    training.listen { event in
      if case .step(let report, _, _) = event { result.losses.append(report.loss) }
    }
    try training.evaluate(on: examples(streams: 1)) { result.evaluated.append($0.loss) }
    result.fingerprint = try training.fit(in: directory, resume: resume, keep: 100).fingerprint
    return result
  }
}

extension Training {
  /// The carried states as they are on this rank, by name.
  func carriedStates() -> [String: [Float]] {
    var states: [String: [Float]] = [:]
    for entry in step.stateEntries {
      if case .arena(let values, let layout) = entry.storage, entry.name == "carried" {
        states[layout.slots[0].name] = Array(values)
      }
    }
    return states
  }
}
