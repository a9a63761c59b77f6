import LockstepEngine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

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

  /// What the threads share. Unchecked: all fields but the immutable ones are guarded by `lock`.
  private final class State: @unchecked Sendable {
    let lock: UnsafeMutablePointer<pthread_mutex_t>
    let started: UnsafeMutablePointer<pthread_cond_t>
    let finished: UnsafeMutablePointer<pthread_cond_t>
    var round = 0
    var running = 0
    var isOver = false
    /// Whether all threads that have started flush denormals.
    var flushesDenormals = true
    var work: (any CrewWork)?
    /// What went wrong, by thread: each writes its own.
    let errors: UnsafeMutableBufferPointer<(any Error)?>

    init(size: Int) {
      errors = .allocate(capacity: size)
      errors.initialize(repeating: nil)
      lock = .allocate(capacity: 1)
      started = .allocate(capacity: 1)
      finished = .allocate(capacity: 1)
      pthread_mutex_init(lock, nil)
      pthread_cond_init(started, nil)
      pthread_cond_init(finished, nil)
    }

    deinit {
      pthread_mutex_destroy(lock)
      pthread_cond_destroy(started)
      pthread_cond_destroy(finished)
      lock.deallocate()
      started.deallocate()
      finished.deallocate()
      errors.deinitialize()
      errors.deallocate()
    }

    /// Does a thread's part and keeps its error.
    func attempt(_ work: any CrewWork, _ number: Int) {
      do { try work.work(thread: number) } catch { errors[number] = error }
    }

    func serve(_ number: Int) {
      ComputeLibrary.useSingleThread()
      let flushes = FloatingPoint.flushDenormals()
      var seen = 0
      pthread_mutex_lock(lock)
      if !flushes { flushesDenormals = false }
      while true {
        while round == seen && !isOver { pthread_cond_wait(started, lock) }
        if isOver { break }
        seen = round
        let work = work
        pthread_mutex_unlock(lock)
        if let work { attempt(work, number) }
        pthread_mutex_lock(lock)
        running -= 1
        if running == 0 { pthread_cond_signal(finished) }
      }
      pthread_mutex_unlock(lock)
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
    pthread_mutex_lock(state.lock)
    state.isOver = true
    pthread_cond_broadcast(state.started)
    pthread_mutex_unlock(state.lock)
    for thread in threads { thread.join() }
  }

  /// Does a work on all threads at once and returns when it is done. The first thread's error, by
  /// number, is thrown. Allocates nothing.
  ///
  /// - Throws: ``StepError/noFlushToZero`` where a thread cannot flush denormals.
  func run(_ work: any CrewWork) throws {
    guard size > 1 else { return try work.work(thread: 0) }
    pthread_mutex_lock(state.lock)
    state.work = work
    state.running = size - 1
    state.round += 1
    pthread_cond_broadcast(state.started)
    pthread_mutex_unlock(state.lock)
    state.attempt(work, 0)
    pthread_mutex_lock(state.lock)
    track.span(.waitForThreads) {
      while state.running > 0 { pthread_cond_wait(state.finished, state.lock) }
    }
    state.work = nil
    let flushes = state.flushesDenormals
    pthread_mutex_unlock(state.lock)
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
