import LockstepDatasets
import LockstepEngine
import LockstepFold
import LockstepObservation
import LockstepPlatform

/// Where the inputs of examples are made ready.
package enum InputPreparation: String, Sendable, CaseIterable {
  /// Ahead where there is more to do than to copy and a processor has nothing else to do, else
  /// directly.
  case automatic
  /// On a thread of their own, a step ahead.
  case ahead
  /// By the threads that compute, where they are needed.
  case direct
}

/// Brings examples to the lanes that compute them: loaded, augmented, made ready a step ahead.
final class InputPipeline {
  /// What a loss that distils learns from.
  var teacher: TeacherLogits?

  /// Random changes to the inputs.
  var augmentation: Augmentation? {
    didSet {
      loader.augmentation = augmentation
      ahead = nil
    }
  }

  /// Whether inputs are made ready on a thread of their own, a step ahead. It changes no bit.
  var preparesAhead = false { didSet { ahead = nil } }

  /// Where the time of that thread is recorded.
  var timeline: Timeline? { didSet { ahead = nil } }

  private let dataset: any ExampleSource
  private let forms: [BatchForm]
  /// The number of computing threads.
  private let threads: Int
  private var loader: ExampleLoader
  private var ahead: InputAhead?
  private var upcoming: StepBatch?

  init(_ model: TracedModel, threads: Int) {
    dataset = model.dataset
    forms = model.forms
    self.threads = threads
    loader = ExampleLoader(
      dataset: dataset, seed: model.seed, preparesInputs: forms.count == 1)
  }

  /// Throws where the changes to inputs were made for inputs of another shape.
  func check() throws { try augmentation?.check(loader.field, of: dataset) }

  /// Decides where inputs are made ready.
  ///
  /// - Parameter ranksOnNode: how many ranks share the node's processors.
  func prepare(_ preparation: InputPreparation, ranksOnNode: Int) {
    switch preparation {
    case .ahead: preparesAhead = loader.field != nil
    case .direct: preparesAhead = false
    case .automatic:
      preparesAhead =
        loader.field != nil && !loader.isTrivial
        && Processors.areFree(besides: threads, ranks: ranksOnNode)
    }
  }

  /// Hears of the step after the one at hand.
  func anticipate(_ batch: () throws -> StepBatch) rethrows {
    if preparesAhead { upcoming = try batch() }
  }

  /// Begins to make the inputs of a step ready, and of the next one where that is known.
  func begin(_ batch: StepBatch, _ shards: Range<Int>) {
    guard preparesAhead, loader.field != nil else { return }
    let ahead = self.ahead ?? InputAhead(loader, threads: threads, timeline: timeline)
    self.ahead = ahead
    ahead.begin(batch, shards: shards)
    if let upcoming, upcoming.step == batch.step + 1 { ahead.begin(upcoming, shards: shards) }
    upcoming = nil
  }

  // MARK: Examples to lanes

  /// Brings the examples at positions of a shard to a lane.
  func load(
    _ shard: Int, _ positions: Range<Int>, of batch: StepBatch, into executor: ShardExecutor,
    _ lane: LaneSet
  ) throws {
    if let form = paddedForm(of: batch) {
      return try executor.loadRest(
        batch.examples(at: positions), of: form.dataset, teacher: teacher, isAll: true)
    }
    if let inputs = executor.ports(for: dataset).prepared {
      try loadInputs(shard, positions, of: batch, into: inputs, lane)
    }
    try loadRest(positions, of: batch, into: executor)
  }

  /// Brings the examples of several shards to a lane, one shard behind the other.
  func load(
    _ shards: Range<Int>, of batch: StepBatch, into executor: ShardExecutor, _ lane: LaneSet
  ) throws {
    let all = batch.positions(ofShards: shards)
    if let form = paddedForm(of: batch) {
      return try executor.loadRest(
        batch.examples(at: all), of: form.dataset, teacher: teacher, isAll: true)
    }
    if let inputs = executor.ports(for: dataset).prepared {
      let size = loader.inputSize
      for shard in shards {
        let positions = batch.positions(ofShard: shard)
        let start = (positions.lowerBound - all.lowerBound) * size
        try loadInputs(
          shard, positions, of: batch,
          into: .init(rebasing: inputs[start..<start + positions.count * size]), lane)
      }
    }
    try loadRest(all, of: batch, into: executor)
  }

  /// Brings labels, a teacher's logits, and the labels of examples that are mixed in.
  private func loadRest(
    _ positions: Range<Int>, of batch: StepBatch, into executor: ShardExecutor
  ) throws {
    let examples = batch.examples(at: positions)
    try executor.loadRest(examples, of: dataset, teacher: teacher)
    guard let ports = executor.mixedPorts else { return }
    guard augmentation?.mixing != nil else {
      throw GraphError("the loss is one of mixed labels, and the augmentation mixes nothing")
    }
    let draws = examples.compactMap { loader.mixture(of: $0, epoch: batch.epoch) }
    try ports.load(draws, of: dataset)
  }

  /// The form of a batch, where there are several.
  private func paddedForm(of batch: StepBatch) -> BatchForm? {
    forms.count == 1 ? nil : forms[forms.form(of: batch.examples, in: dataset)]
  }

  private func loadInputs(
    _ shard: Int, _ positions: Range<Int>, of batch: StepBatch,
    into inputs: UnsafeMutableBufferPointer<Float>, _ lane: LaneSet
  ) throws {
    if let ahead,
      try ahead.copy(positions, ofShard: shard, of: batch, into: inputs, lane.track)
    {
      return
    }
    try makeReady(positions, ofShard: shard, of: batch, into: inputs, lane)
  }

  /// Writes the values of one input for the examples at positions.
  func load(
    _ name: String, of batch: StepBatch, _ positions: Range<Int>,
    into rows: UnsafeMutableBufferPointer<Float>, _ lane: LaneSet
  ) throws {
    guard name == loader.field?.name else {
      guard let field = dataset.inputFields.first(where: { $0.name == name && !$0.isInteger })
      else { throw GraphError("no examples have '\(name)' of their own") }
      return try dataset.read(field, of: batch.examples(at: positions), into: rows)
    }
    try makeReady(positions, ofShard: 0, of: batch, into: rows, lane)
  }

  private func makeReady(
    _ positions: Range<Int>, ofShard shard: Int, of batch: StepBatch,
    into inputs: UnsafeMutableBufferPointer<Float>, _ lane: LaneSet
  ) throws {
    try lane.track.span(.input, shard) {
      try loader.load(
        batch.examples(at: positions), epoch: batch.epoch, into: inputs,
        scratch: augmentation == nil ? nil : lane.inputScratch.buffer(count: loader.scratchSize))
    }
  }
}
