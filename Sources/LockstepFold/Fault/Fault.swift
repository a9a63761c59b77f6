import LockstepObservation
import LockstepFiles
import Synchronization
import LockstepPlatform

/// A fault that the environment asks for, to see what becomes of a run: `LOCKSTEP_FAULT` is
/// `point:rank:count:action`.
///
/// ```
/// LOCKSTEP_FAULT=step:1:7:kill mpirun -n 2 lockstep train …
/// ```
///
/// Rank 1 then kills itself when it has computed its shards of the seventh step that it takes. It
/// costs a comparison with nil where the variable is not set.
///
/// A shard can be poisoned, whoever computes it: `gradient:shard:steps:nan`.
///
/// ```
/// LOCKSTEP_FAULT=gradient:3:5-7:inf mpirun -n 2 lockstep train …
/// ```
///
/// The first value of shard 3's gradient is then ∞ in the run's steps 5, 6 and 7.
package struct Fault: Sendable, Equatable {
  /// Where a fault can happen.
  package enum Point: String, Sendable, CaseIterable {
    /// Before ranks make what gradients travel through.
    case exchange
    /// Before the ranks agree on anything.
    case start
    /// Shards that see each other meet, in the middle of being computed.
    case meeting
    /// Shards are computed, and not yet folded.
    case step
    /// Between two blocks of a fold.
    case fold
    /// Before the update changes anything.
    case update
    /// Before a checkpoint's file is made.
    case checkpointCreate
    /// In the middle of a part of a checkpoint that is written.
    case checkpointWrite
    /// Before a checkpoint is made durable.
    case checkpointSynchronize
    /// Before a checkpoint gets its name.
    case checkpointRename
    /// Before the name is made durable.
    case checkpointDirectory
    /// Before old checkpoints are removed.
    case checkpointRemove
    /// Before the final weights are written.
    case end
    /// `MPI_Finalize` has returned.
    case finalized
    /// A shard's gradient, in some steps of the run.
    case gradient
    /// A shard's loss, in some steps of the run.
    case loss

    /// Whether a shard is poisoned, instead of something happening to a rank.
    var isPoison: Bool { self == .gradient || self == .loss }
  }

  /// What happens.
  package enum Action: String, Sendable, CaseIterable {
    /// SIGKILL.
    case kill
    /// SIGSTOP.
    case stop
    /// The process returns 0, without a word to anybody.
    case exit
    /// An error is thrown.
    case `throw`
    /// One bit of a parameter changes.
    case flip
    /// The rank does nothing any more, for an hour.
    case hang
    /// The rank does nothing for a second, and goes on.
    case pause
    /// A value becomes NaN.
    case nan
    /// A value becomes ∞.
    case inf

    /// Whether a value is poisoned.
    var isPoison: Bool { self == .nan || self == .inf }
  }

  /// Where it happens.
  package let point: Point
  /// The rank; the logical shard where one is poisoned.
  package let rank: Int
  /// At which time the point is reached, from 1; where a shard is poisoned, the first step.
  package let count: Int
  /// The last step in which a shard is poisoned.
  package let lastCount: Int
  /// What happens.
  package let action: Action

  /// Reads `point:rank:count:action`; the action is `kill`, or `nan`, where it is left out.
  ///
  /// - Throws: ``FaultError`` that says what is wrong.
  package init(_ text: String) throws(FaultError) {
    let words = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    func refuse(_ problem: String) -> FaultError {
      FaultError(
        description:
          "LOCKSTEP_FAULT is '\(text)': \(problem); it is point:rank:count[:action] with "
          + "the points \(Point.allCases.map(\.rawValue).joined(separator: ", ")) and the actions "
          + Action.allCases.map(\.rawValue).joined(separator: ", "))
    }
    guard words.count == 3 || words.count == 4 else { throw refuse("it has \(words.count) parts") }
    guard let point = Point(rawValue: words[0]) else { throw refuse("no point '\(words[0])'") }
    guard let rank = Int(words[1]), rank >= 0 else { throw refuse("no rank '\(words[1])'") }
    let counts = words[2].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard let first = counts.first, let count = first, let last = counts.last, let lastCount = last,
      count > 0, lastCount >= count, counts.count == 1 || counts.count == 2 && point.isPoison
    else { throw refuse("no count '\(words[2])'") }
    guard
      let action = Action(rawValue: words.count == 4 ? words[3] : point.isPoison ? "nan" : "kill")
    else { throw refuse("no action '\(words[3])'") }
    guard action.isPoison == point.isPoison else {
      throw refuse("'nan' and 'inf' go with 'gradient' and 'loss', and with nothing else")
    }
    guard action != .flip || point == .step || point == .update else {
      throw refuse("a bit flips at 'step' or 'update' only")
    }
    self.point = point
    self.rank = rank
    self.count = count
    self.lastCount = lastCount
    self.action = action
  }

  /// The fault that this process's environment asks for.
  private static let asked: Result<Fault?, FaultError> = {
    guard let text = getenv("LOCKSTEP_FAULT") else { return .success(nil) }
    let words = String(cString: text)
    if words.isEmpty { return .success(nil) }
    return Result { () throws(FaultError) in try Fault(words) }
  }()

  private static let reached = Atomic<Int>(0)

  /// Whether a fault is asked for.
  static var isAsked: Bool {
    if case .success(nil) = asked { return false }
    return true
  }

  /// Whether a shard is to be poisoned.
  static var poisonsShards: Bool {
    if case .success(let fault?) = asked { return fault.point.isPoison }
    return false
  }

  /// A point is reached: does what is asked for there, if anything is.
  ///
  /// - Parameter parameters: what a bit may flip in.
  @inline(__always)
  package static func reach(
    _ point: Point, rank: Int, parameters: UnsafeMutableBufferPointer<Float>? = nil
  ) throws {
    guard isAsked else { return }
    try happen(point, rank, parameters)
  }

  /// A shard's leaf is computed: poisons it where that is asked for. Whoever computes the shard again
  /// finds the same.
  ///
  /// - Parameter step: the number of the run's step, from 1.
  package static func poison(
    shard: Int, step: Int, leaf: UnsafeMutableBufferPointer<Float>, record: ShardRecord
  ) {
    guard case .success(let fault?) = asked, fault.point.isPoison, fault.rank == shard,
      (fault.count...fault.lastCount).contains(step)
    else { return }
    let value = fault.action == .nan ? Float.nan : .infinity
    if fault.point == .loss {
      record.loss = Double(value)
    } else if !leaf.isEmpty {
      leaf[0] = value
    }
  }

  private static func happen(
    _ point: Point, _ rank: Int, _ parameters: UnsafeMutableBufferPointer<Float>?
  ) throws {
    guard let fault = try asked.get(), fault.point == point, fault.rank == rank else { return }
    guard reached.add(1, ordering: .relaxed).newValue == fault.count else { return }
    Watchdog.print("rank \(rank): fault at \(point.rawValue): \(fault.action.rawValue)")
    switch fault.action {
    case .kill: raise(SIGKILL)
    case .stop: raise(SIGSTOP)
    case .exit: _exit(0)
    case .throw: throw InjectedFault(point: point)
    case .hang:
      // A signal cuts a sleep short.
      var seconds: UInt32 = 3600
      while seconds > 0 { seconds = sleep(seconds) }
    case .pause: sleep(1)
    case .flip:
      guard let parameters, !parameters.isEmpty else { return }
      // In the middle of the mantissa: no number would look odd.
      let place = parameters.count / 2
      parameters[place] = Float(bitPattern: parameters[place].bitPattern ^ 0x1000)
    case .nan, .inf: break  // no point of a rank's has them
    }
  }
}

/// `LOCKSTEP_FAULT` cannot be read.
package struct FaultError: Error, Equatable, CustomStringConvertible {
  package let description: String
}

/// A fault that was asked for.
package struct InjectedFault: Error, Equatable, CustomStringConvertible {
  /// Where it happened.
  package let point: Fault.Point
  package var description: String { "the fault that LOCKSTEP_FAULT asks for, at \(point.rawValue)" }
}

/// Files whose writing can fail at every stage, where ``Fault`` asks for it.
package struct FaultyFileSystem: FileSystem {
  let files: any FileSystem

  /// The files as they are, or with faults where any are asked for.
  package static func around(_ files: any FileSystem) -> any FileSystem {
    Fault.isAsked ? FaultyFileSystem(files: files) : files
  }

  private func reach(_ point: Fault.Point, _ path: String) throws(FileError) {
    // Rank 0 alone writes.
    do { try Fault.reach(point, rank: 0) } catch {
      throw FileError(path: path, kind: .mismatch, reason: "\(error)")
    }
  }

  package func create(_ path: String) throws(FileError) -> Int32 {
    try reach(.checkpointCreate, path)
    return try files.create(path)
  }

  package func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String
  ) throws(FileError) {
    let half = bytes.count / 2
    try files.write(.init(rebasing: bytes[..<half]), to: descriptor, path: path)
    try reach(.checkpointWrite, path)
    try files.write(.init(rebasing: bytes[half...]), to: descriptor, path: path)
  }

  package func synchronize(_ descriptor: Int32, path: String) throws(FileError) {
    try reach(.checkpointSynchronize, path)
    try files.synchronize(descriptor, path: path)
  }

  package func close(_ descriptor: Int32, path: String) throws(FileError) {
    try files.close(descriptor, path: path)
  }

  package func rename(_ path: String, to newPath: String) throws(FileError) {
    try reach(.checkpointRename, path)
    try files.rename(path, to: newPath)
  }

  package func synchronizeDirectory(_ path: String) throws(FileError) {
    try reach(.checkpointDirectory, path)
    try files.synchronizeDirectory(path)
  }

  package func remove(_ path: String) throws(FileError) {
    try reach(.checkpointRemove, path)
    try files.remove(path)
  }

  package func createDirectory(_ path: String) throws(FileError) { try files.createDirectory(path) }

  package func list(_ directory: String) throws(FileError) -> [String] { try files.list(directory) }
}
