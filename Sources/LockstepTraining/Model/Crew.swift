import LockstepEngine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A rank's threads: they run one closure together, each with its own number, and wait in between.
///
/// Thread 0 is the caller. All threads flush denormals and keep primitives to themselves, so that
/// a shard has the same bits on any of them.
final class Crew {
  /// The number of threads, the caller included.
  let size: Int

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
    var body: ((Int) -> Void)?

    init() {
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
    }

    func work(_ number: Int) {
      ComputeLibrary.useSingleThread()
      let flushes = FloatingPoint.flushDenormals()
      var seen = 0
      pthread_mutex_lock(lock)
      if !flushes { flushesDenormals = false }
      while true {
        while round == seen && !isOver { pthread_cond_wait(started, lock) }
        if isOver { break }
        seen = round
        let body = body
        pthread_mutex_unlock(lock)
        body?(number)
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
    let state = State()
    self.state = state
    threads = (1..<max(size, 1)).map { number in RankThread { state.work(number) } }
  }

  deinit {
    pthread_mutex_lock(state.lock)
    state.isOver = true
    pthread_cond_broadcast(state.started)
    pthread_mutex_unlock(state.lock)
    for thread in threads { thread.join() }
  }

  /// Runs `body` on all threads at once and returns when all have. The first thread's error, by
  /// number, is thrown.
  ///
  /// - Throws: ``StepError/noFlushToZero`` where a thread cannot flush denormals.
  func run(_ body: (Int) throws -> Void) throws {
    guard size > 1 else { return try body(0) }
    var errors = [(any Error)?](repeating: nil, count: size)
    try errors.withUnsafeMutableBufferPointer { errors in
      let errors = errors  // each thread writes its own element
      withoutActuallyEscaping(body) { body in
        let guarded: (Int) -> Void = { number in
          do { try body(number) } catch { errors[number] = error }
        }
        pthread_mutex_lock(state.lock)
        state.body = guarded
        state.running = size - 1
        state.round += 1
        pthread_cond_broadcast(state.started)
        pthread_mutex_unlock(state.lock)
        guarded(0)
        pthread_mutex_lock(state.lock)
        while state.running > 0 { pthread_cond_wait(state.finished, state.lock) }
        state.body = nil
        let flushes = state.flushesDenormals
        pthread_mutex_unlock(state.lock)
        if !flushes { errors[0] = StepError.noFlushToZero }
      }
      if let error = errors.lazy.compactMap({ $0 }).first { throw error }
    }
  }
}
