import LockstepObservation
import LockstepFold
import LockstepEngine
import LockstepPlatform

/// What a crew's threads do together.
protocol CrewWork: AnyObject {
  /// One thread's part. Threads change nothing of each other's.
  func work(thread: Int) throws
}

/// A rank's threads: they do one work together, each with its own number, and wait in between.
///
/// Thread 0 is the caller. All threads flush denormals and keep primitives to themselves, so that
/// a shard has the same bits on any of them.
final class Crew {
  /// The number of threads, the caller included.
  let size: Int

  /// Where the caller's waits for the other threads are seen.
  var track: Track?

  private let state: State
  private var threads: [RankThread] = []

  /// What the threads share. Unchecked: the array of errors has a place a thread, which alone writes it
  /// while there is work; all else is guarded by the monitor.
  private final class State: @unchecked Sendable {
    struct Round {
      var number = 0
      var running = 0
      var isOver = false
      /// Whether all threads that have started flush denormals.
      var flushesDenormals = true
      var work: (any CrewWork)?
    }

    let round = Monitor(Round())
    /// What went wrong, by thread.
    let errors: UnsafeMutableBufferPointer<(any Error)?>

    init(size: Int) {
      errors = .allocate(capacity: size)
      errors.initialize(repeating: nil)
    }

    deinit {
      errors.deinitialize()
      errors.deallocate()
    }

    /// Does a thread's part and keeps its error.
    func attempt(_ work: any CrewWork, _ number: Int) {
      do { try work.work(thread: number) } catch { errors[number] = error }
    }

    func serve(_ thread: Int) {
      ComputeLibrary.useSingleThread()
      if !FloatingPoint.flushDenormals() { round.withLock { $0.flushesDenormals = false } }
      var seen = 0
      while let number = doPart(after: seen, thread) {
        seen = number
        round.change { $0.running -= 1 }
      }
    }

    /// Waits for a round after `seen` and does a thread's part of it; returns the round's number, nil at
    /// the end.
    ///
    /// The work is let go of here, before the caller hears that it is done: it may hold a closure that is
    /// only lent.
    @inline(never)
    private func doPart(after seen: Int, _ thread: Int) -> Int? {
      let next: (number: Int, work: (any CrewWork)?)? = round.await { round in
        if round.number == seen && !round.isOver { return nil }
        return .some(round.isOver ? nil : (round.number, round.work))
      }
      guard let next else { return nil }
      if let work = next.work { attempt(work, thread) }
      return next.number
    }
  }

  /// Starts `size - 1` threads beside the caller.
  init(size: Int) {
    precondition(size > 0, "a crew of nobody")
    self.size = size
    let state = State(size: size)
    self.state = state
    threads = (1..<max(size, 1)).map { number in RankThread { state.serve(number) } }
  }

  deinit {
    state.round.change { $0.isOver = true }
    for thread in threads { thread.join() }
  }

  /// Does a work on all threads at once and returns when it is done. The first thread's error, by
  /// number, is thrown. Allocates nothing.
  ///
  /// - Throws: ``StepError/noFlushToZero`` where a thread cannot flush denormals.
  func run(_ work: any CrewWork) throws {
    guard size > 1 else { return try work.work(thread: 0) }
    state.round.change { round in
      round.work = work
      round.running = size - 1
      round.number += 1
    }
    state.attempt(work, 0)
    let flushes = track.span(.waitForThreads) {
      state.round.await { $0.running > 0 ? nil : .some($0.flushesDenormals) }
    }
    state.round.withLock { $0.work = nil }
    var first: (any Error)? = flushes ? nil : StepError.noFlushToZero
    for number in state.errors.indices {
      if first == nil { first = state.errors[number] }
      state.errors[number] = nil
    }
    if let first { throw first }
  }

  /// Runs a closure on all threads at once, as ``run(_:)-(any CrewWork)``.
  func run(_ body: (Int) throws -> Void) throws {
    guard size > 1 else { return try body(0) }
    try withoutActuallyEscaping(body) { try run(ClosureWork($0)) }
  }

  private final class ClosureWork: CrewWork {
    let body: (Int) throws -> Void
    init(_ body: @escaping (Int) throws -> Void) { self.body = body }
    func work(thread: Int) throws { try body(thread) }
  }
}
