import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepReports

/// The exit codes: 0 done, 2 the user's input is wrong, 75 interrupted and resumable, 1 anything
/// else.
enum ExitCode {
  static let done: Int32 = 0
  static let failure: Int32 = 1
  static let badInput: Int32 = 2
  static let interrupted: Int32 = 75

  /// The code of an error.
  static func of(_ error: any Error) -> Int32 {
    switch error {
    case let joint as JointFailure: joint.code
    case is Interrupted, is InterruptedError: interrupted
    case let file as FileError where file.isFailedWrite || file.kind == .replaced: failure
    case is WritingFailure: failure
    case is ArgumentError, is ConfigurationError, is FileError, is DatasetError, is GraphError,
      is HyperparameterError, is FoldPlanError, is RunDirectoryError,
      is CheckpointError, is HandshakeError, is TrainerOptionsError, is ClipSuggestionError,
      is TensorClipSuggestionError,
      is InstructionSetError, is PrecisionError, is FaultError, is MemoryShortage,
      is InputFailure, is TextError, is MetricError:
      badInput
    case UpdateError.unmatchedPattern, StepError.shardedWithoutTree: badInput
    default: failure
    }
  }
}

/// A run that had begun could not write its files.
struct WritingFailure: Error, CustomStringConvertible {
  let error: FileError
  var description: String { "\(error)" }
}

/// What a user gave cannot be used, in words.
struct InputFailure: Error, CustomStringConvertible {
  let description: String
}

/// A signal ended a command that has nothing to save.
struct Interrupted: Error, CustomStringConvertible {
  /// Whether the time that 'maxSeconds' gives was over, and nobody asked.
  var isByLimit = false

  var description: String {
    isByLimit
      ? "ended by 'maxSeconds'; nothing is left running"
      : "interrupted by a signal; nothing is left running"
  }
}

/// A failure of the lowest rank that had one, known to all ranks.
struct JointFailure: Error, CustomStringConvertible {
  /// The rank that failed.
  let rank: Int
  /// Its exit code.
  let code: Int32
  /// Its error, in words.
  let reason: String

  var description: String { rank == 0 ? reason : "rank \(rank): \(reason)" }
}

extension Collective {
  /// Runs `body` on all ranks; where it fails on any, all of them throw the lowest one's failure.
  func together<Value>(_ body: () throws -> Value) throws -> Value {
    let result = Result { try body() }
    var code: Int32 = 0
    var reason: [UInt8] = []
    if case .failure(let error) = result {
      code = ExitCode.of(error)
      reason = Array("\(error)".utf8)
    }
    let codes = try allgather(code)
    guard let rank = codes.firstIndex(where: { $0 != 0 }) else { return try result.get() }
    reason = try broadcast(reason, root: rank)
    throw JointFailure(
      rank: rank, code: codes[rank], reason: String(decoding: reason, as: UTF8.self))
  }
}
