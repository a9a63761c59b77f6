import LockstepFiles

/// How a run ended, as the outcome file in its directory says: a launcher does not pass every exit
/// code on.
public struct Outcome: Sendable, Equatable {
  /// The kinds of ends.
  public enum Kind: String, Sendable {
    /// Not ended; or, where nobody holds the directory's lock, killed.
    case running
    /// All steps are done.
    case done
    /// Asked to stop; a checkpoint was written and the run can be resumed.
    case interrupted
    /// An error ended it.
    case failed
  }

  /// How the run ended.
  public let kind: Kind
  /// The number of steps completed.
  public let step: Int
  /// The hash of the final weights, where the run is done.
  public let fingerprint: Fingerprint?
  /// What went wrong, where it failed.
  public let message: String?
  /// The number of steps of the whole run, where it goes on.
  package let totalSteps: Int?

  /// Makes an outcome of a kind with the number of steps completed.
  package init(
    _ kind: Kind, step: Int, fingerprint: Fingerprint? = nil, message: String? = nil,
    totalSteps: Int? = nil
  ) {
    self.totalSteps = totalSteps
    self.kind = kind
    self.step = step
    self.fingerprint = fingerprint
    self.message = message
  }

  /// The exit code: 0 done, 75 interrupted and resumable (`EX_TEMPFAIL`), 1 anything else.
  public var exitCode: Int32 {
    switch kind {
    case .done: 0
    case .interrupted: 75
    case .running, .failed: 1
    }
  }

  /// The file's content.
  package var json: JSONValue {
    var object = JSONObject()
    object["outcome"] = .string(kind.rawValue)
    object["exitCode"] = kind == .running ? .null : .integer(Int(exitCode))
    object["step"] = .integer(step)
    if let totalSteps { object["totalSteps"] = .integer(totalSteps) }
    object["fingerprint"] = fingerprint.map { .string($0.description) } ?? .null
    object["message"] = message.map { .string($0) } ?? .null
    return .object(object)
  }
}
