import LockstepObservation
import LockstepFold
import LockstepDatasets
import LockstepEngine
import LockstepPlatform

/// Makes the inputs of a rank's shards ready on a thread of its own, a step ahead.
///
/// There are two slots, for the step at hand and the next one: a step's slot is that of its number's
/// parity. A shard is ready as soon as its own inputs are, and the shards that the computing threads
/// begin with come first. What lanes get are the bits that ``ExampleLoader`` gives anywhere.
final class InputAhead {
  private let state: State
  private let thread: RankThread

  /// - Parameters:
  ///   - threads: the number of computing threads, which cut the shards as ``ThreadedFold`` does.
  ///   - timeline: where the thread's time is recorded.
  init(_ loader: ExampleLoader, threads: Int, timeline: Timeline?) {
    let state = State(loader, threads: threads, track: timeline?.input)
    self.state = state
    thread = RankThread { state.work() }
  }

  deinit {
    state.stop()
    thread.join()
  }

  /// Begins to make a batch ready, unless that has begun already.
  func begin(_ batch: StepBatch, shards: Range<Int>) { state.begin(batch, shards) }

  /// Copies the inputs of positions of a shard, waiting for them where they are not ready yet.
  ///
  /// - Returns: false where they are none of those that were begun.
  /// - Throws: ``InputError``, what went wrong with this shard.
  func copy(
    _ positions: Range<Int>, ofShard shard: Int, of batch: StepBatch,
    into inputs: UnsafeMutableBufferPointer<Float>, _ track: Track?
  ) throws -> Bool {
    try state.copy(positions, shard, batch, inputs, track)
  }

  /// One step's inputs.
  private struct Slot {
    var batch: StepBatch?
    var shards = 0..<0
    /// The shards' places among the rank's, in the order in which they are made ready.
    var order: [Int] = []
    /// How many of them have been begun.
    var begun = 0
    /// For each place whether the shard is ready, or has failed.
    var isDone: [Bool] = []
    var failure: (place: Int, error: any Error)?
    /// The first position of the batch that is held.
    var first = 0
    var values = Arena<Float>(count: 0)

    /// The step whose shards are still to be begun; the largest number for none.
    var waitingStep: Int {
      guard let batch, begun < order.count else { return .max }
      return batch.step
    }

    func holds(_ other: StepBatch) -> Bool {
      guard let batch else { return false }
      return batch.step == other.step && batch.epoch == other.epoch
        && batch.shards == other.shards && batch.examples.count == other.examples.count
    }
  }

  /// Both slots, and what the worker is about.
  private struct Slots {
    var slots = [Slot(), Slot()]
    /// The slot that the worker is writing to.
    var busy: Int?
    var isOver = false

    subscript(index: Int) -> Slot {
      get { slots[index] }
      _modify { yield &slots[index] }
    }
  }

  /// What the threads share. Unchecked: all that changes is guarded by the monitor, but for the values of
  /// a shard that is not ready, which are the worker's, and of one that is, which nobody writes.
  private final class State: @unchecked Sendable {
    private let loader: ExampleLoader
    private let threads: Int
    private let track: Track?
    private let slots = Monitor(Slots())

    init(_ loader: ExampleLoader, threads: Int, track: Track?) {
      self.loader = loader
      self.threads = threads
      self.track = track
    }

    func stop() { slots.change { $0.isOver = true } }

    // MARK: The computing threads

    func begin(_ batch: StepBatch, _ shards: Range<Int>) {
      let index = batch.step & 1
      let isNew = slots.withLock { slots in
        let slot = slots[index]
        if slot.failure == nil, slot.shards == shards, slot.holds(batch),
          slot.batch?.examples == batch.examples
        {
          return false
        }
        slots[index].batch = nil
        return true
      }
      guard isNew else { return }
      slots.await { $0.busy == index ? nil : () }
      slots.change { fill(&$0[index], batch, shards) }
    }

    /// Makes a slot stand for a batch of which nothing is ready.
    private func fill(_ slot: inout Slot, _ batch: StepBatch, _ shards: Range<Int>) {
      if slot.shards != shards || slot.order.isEmpty {
        slot.shards = shards
        slot.isDone = Array(repeating: false, count: shards.count)
        let runs = FoldPlan.runs(of: shards.count, over: threads)
        let longest = runs.map(\.count).max() ?? 0
        slot.order = (0..<longest).flatMap { place in
          runs.compactMap { place < $0.count ? $0.lowerBound + place : nil }
        }
      }
      for place in slot.isDone.indices { slot.isDone[place] = false }
      slot.failure = nil
      slot.begun = 0
      slot.first = shards.isEmpty ? 0 : batch.positions(ofShard: shards.lowerBound).lowerBound
      let end = shards.isEmpty ? 0 : batch.positions(ofShard: shards.upperBound - 1).upperBound
      let count = (end - slot.first) * loader.inputSize
      if slot.values.count < count { slot.values = Arena(count: count) }
      slot.batch = batch
    }

    func copy(
      _ positions: Range<Int>, _ shard: Int, _ batch: StepBatch,
      _ inputs: UnsafeMutableBufferPointer<Float>, _ track: Track?
    ) throws -> Bool {
      let index = batch.step & 1
      guard let place = slots.withLock({ place(of: shard, positions, batch, in: $0[index]) })
      else { return false }
      if !slots.withLock({ $0[index].isDone[place] }) {
        track.span(.waitForInput, shard) {
          slots.await { $0[index].isDone[place] ? () : nil }
        }
      }
      let values = try slots.withLock { slots in
        if let failure = slots[index].failure, failure.place == place { throw failure.error }
        let offset = (positions.lowerBound - slots[index].first) * loader.inputSize
        return UnsafePointer(slots[index].values.base + offset)
      }
      guard let to = inputs.baseAddress else { return true }
      track.span(.input, shard) {
        to.update(from: values, count: positions.count * loader.inputSize)
      }
      return true
    }

    /// The place of a shard in a slot that holds these positions of it; nil where it does not.
    private func place(
      of shard: Int, _ positions: Range<Int>, _ batch: StepBatch, in slot: Slot
    ) -> Int? {
      guard slot.holds(batch), slot.shards.contains(shard), let held = slot.batch,
        held.examples(at: positions).elementsEqual(batch.examples(at: positions))
      else { return nil }
      return shard - slot.shards.lowerBound
    }

    // MARK: The thread

    /// One shard to make ready.
    private struct Assignment {
      let slot: Int
      let place: Int
      let shard: Int
      let batch: StepBatch
      let positions: Range<Int>
      let values: UnsafeMutableBufferPointer<Float>
    }

    func work() {
      ComputeLibrary.useSingleThread()
      // The step finds out where that fails: its own threads are of the same kind.
      _ = FloatingPoint.flushDenormals()
      let scratch = InputScratch()
      while let task = nextAssignment() {
        track?.step = Int32(truncatingIfNeeded: task.batch.step + 1)
        var failure: (any Error)?
        track.span(.prepare, task.shard) {
          do {
            try loader.load(
              task.batch.examples(at: task.positions), epoch: task.batch.epoch, into: task.values,
              scratch: loader.augmentation == nil
                ? nil : scratch.buffer(count: loader.scratchSize))
          } catch { failure = error }
        }
        slots.change { slots in
          slots[task.slot].isDone[task.place] = true
          if let failure, slots[task.slot].failure == nil {
            slots[task.slot].failure = (task.place, failure)
          }
          slots.busy = nil
        }
      }
    }

    /// The next shard to make ready, of the earlier step first; nil at the end.
    private func nextAssignment() -> Assignment? {
      slots.await { slots -> Assignment?? in
        if slots.isOver { return .some(nil) }
        let steps = (slots[0].waitingStep, slots[1].waitingStep)
        guard min(steps.0, steps.1) < .max else { return nil }
        let index = steps.0 < steps.1 ? 0 : 1
        slots.busy = index
        return .some(begin(&slots[index], index))
      }
    }

    private func begin(_ slot: inout Slot, _ index: Int) -> Assignment {
      let batch = slot.batch!  // only slots with a batch have something waiting
      let place = slot.order[slot.begun]
      slot.begun += 1
      let shard = slot.shards.lowerBound + place
      let positions = batch.positions(ofShard: shard)
      let size = loader.inputSize
      let start = (positions.lowerBound - slot.first) * size
      return Assignment(
        slot: index, place: place, shard: shard, batch: batch, positions: positions,
        values: .init(rebasing: slot.values.buffer[start..<start + positions.count * size]))
    }
  }
}
