import LockstepPlatform

/// What went wrong with a file: its path, the kind of fault, and what was expected and found.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of fault.
  package enum Kind: Sendable, Equatable {
    /// A system call failed with this `errno`.
    case system(call: String, code: Int32)
    /// The file ends before its content does.
    case truncated
    /// The content contradicts itself or its format.
    case corrupt
    /// The content is larger than the reader's limit.
    case tooLarge
    /// The content is well formed but not what was asked for.
    case mismatch
    /// What was opened is no longer what the path names.
    case replaced
  }

  /// The file's path, as the caller gave it.
  public let path: String
  /// The kind of fault.
  package let kind: Kind
  /// A sentence without the path: what was expected, what was found, what to do.
  package let reason: String

  /// Makes an error; its reason is made printable, and cut where it is longer than 4000 characters.
  package init(path: String, kind: Kind, reason: String) {
    self.path = path
    self.kind = kind
    // A reason quotes what the file holds, which must not reach a terminal as it is.
    self.reason = reason.shortened(to: 4000)
  }

  /// A failed system call, with the system's own text for `code`.
  package init(path: String, call: String, code: Int32) {
    self.init(
      path: path, kind: .system(call: call, code: code),
      reason: "\(call): \(systemErrorText(code))")
  }

  /// A symbolic link in a place where none is followed.
  package static func isLink(_ path: String) -> FileError {
    FileError(
      path: path, kind: .mismatch,
      reason: "is a symbolic link, and is not followed here; put a file in its place")
  }

  public var description: String { "\(path.printable): \(reason)" }
}

extension FileError {
  /// Whether a call of writing failed, for whatever reason.
  package var isWriting: Bool {
    guard case .system(let call, _) = kind else { return false }
    return [
      "write", "fsync", "close", "rename", "remove", "truncate", "create", "create directory",
      "lock",
    ].contains(call)
  }

  /// Whether the system did not let something be written: a disk that is full or broken, for one.
  ///
  /// A path that leads nowhere, or where the user may not write, is not such a failure of the system, but
  /// what the user gave.
  package var isFailedWrite: Bool {
    guard isWriting, case .system(let call, let code) = kind else { return false }
    guard call.hasPrefix("create") || call == "lock" else { return true }
    return ![ENOENT, ENOTDIR, EISDIR, EEXIST, ENAMETOOLONG, ELOOP, EACCES, EPERM, EROFS].contains(
      code)
  }
}
