import LockstepDatasets
import LockstepEngine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

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

  /// What the threads share. Unchecked: all that changes is guarded by `lock`, but for the values of
  /// a shard that is not ready, which are the worker's, and of one that is, which nobody writes.
  private final class State: @unchecked Sendable {
    private let loader: ExampleLoader
    private let threads: Int
    private let track: Track?
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var slots = [Slot(), Slot()]
    /// The slot that the worker is writing to.
    private var busy: Int?
    private var isOver = false

    init(_ loader: ExampleLoader, threads: Int, track: Track?) {
      self.loader = loader
      self.threads = threads
      self.track = track
      pthread_mutex_init(lock, nil)
      pthread_cond_init(changed, nil)
    }

    deinit {
      pthread_mutex_destroy(lock)
      pthread_cond_destroy(changed)
      lock.deallocate()
      changed.deallocate()
    }

    private func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
      pthread_mutex_lock(lock)
      defer { pthread_mutex_unlock(lock) }
      return try body()
    }

    private func waitForChange() { pthread_cond_wait(changed, lock) }

    func stop() {
      locked {
        isOver = true
        _ = pthread_cond_broadcast(changed)
      }
    }

    // MARK: The computing threads

    func begin(_ batch: StepBatch, _ shards: Range<Int>) {
      locked {
        let index = batch.step & 1
        if slots[index].failure == nil, slots[index].shards == shards, slots[index].holds(batch),
          slots[index].batch!.examples == batch.examples
        {
          return
        }
        slots[index].batch = nil
        while busy == index { waitForChange() }
        fill(&slots[index], batch, shards)
        _ = pthread_cond_broadcast(changed)
      }
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
      let count = (end - slot.first) * loader.dataset.inputSize
      if slot.values.count < count { slot.values = Arena(count: count) }
      slot.batch = batch
    }

    func copy(
      _ positions: Range<Int>, _ shard: Int, _ batch: StepBatch,
      _ inputs: UnsafeMutableBufferPointer<Float>, _ track: Track?
    ) throws -> Bool {
      let index = batch.step & 1
      let values: UnsafePointer<Float>? = try locked {
        guard slots[index].holds(batch), slots[index].shards.contains(shard) else { return nil }
        let held = slots[index].batch!  // the guard has seen it
        guard held.examples(at: positions).elementsEqual(batch.examples(at: positions)) else {
          return nil
        }
        let place = shard - slots[index].shards.lowerBound
        if !slots[index].isDone[place] {
          track.span(.waitForInput, shard) {
            while !slots[index].isDone[place] { waitForChange() }
          }
        }
        if let failure = slots[index].failure, failure.place == place { throw failure.error }
        let offset = (positions.lowerBound - slots[index].first) * loader.dataset.inputSize
        return UnsafePointer(slots[index].values.base + offset)
      }
      guard let values, let to = inputs.baseAddress else { return values != nil }
      track.span(.input, shard) {
        to.update(from: values, count: positions.count * loader.dataset.inputSize)
      }
      return true
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
                ? nil : scratch.buffer(count: loader.dataset.inputSize))
          } catch { failure = error }
        }
        locked {
          slots[task.slot].isDone[task.place] = true
          if let failure, slots[task.slot].failure == nil {
            slots[task.slot].failure = (task.place, failure)
          }
          busy = nil
          _ = pthread_cond_broadcast(changed)
        }
      }
    }

    /// The next shard to make ready, of the earlier step first; nil at the end.
    private func nextAssignment() -> Assignment? {
      locked {
        while true {
          if isOver { return nil }
          let steps = (slots[0].waitingStep, slots[1].waitingStep)
          if min(steps.0, steps.1) < .max {
            let index = steps.0 < steps.1 ? 0 : 1
            return begin(&slots[index], index)
          }
          waitForChange()
        }
      }
    }

    private func begin(_ slot: inout Slot, _ index: Int) -> Assignment {
      let batch = slot.batch!  // only slots with a batch have something waiting
      let place = slot.order[slot.begun]
      slot.begun += 1
      busy = index
      let shard = slot.shards.lowerBound + place
      let positions = batch.positions(ofShard: shard)
      let size = loader.dataset.inputSize
      let start = (positions.lowerBound - slot.first) * size
      return Assignment(
        slot: index, place: place, shard: shard, batch: batch, positions: positions,
        values: .init(rebasing: slot.values.buffer[start..<start + positions.count * size]))
    }
  }
}
