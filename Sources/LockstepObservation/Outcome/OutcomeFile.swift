import LockstepEngine
import LockstepFiles
import Synchronization
import LockstepPlatform

/// The file `outcome.json` of a run directory, which says how the run ended, whoever is left to write it.
///
/// Rank 0 owns it. A watchdog settles how a run ended that does not come to its end by itself, in place of
/// a rank 0 that has ended or is stopped, too. What was settled stays.
package final class OutcomeFile: Sendable {
  /// The run directory.
  package let directory: String
  /// The file.
  package var path: String { "\(directory)/outcome.json" }

  private let isOwner: Bool
  private let fileSystem: any FileSystem
  private struct Written {
    /// The last outcome that this process wrote; provisional ones count as running.
    var kind: Outcome.Kind?
    /// Whether the file has a provisional one.
    var isNoted = false
  }
  private let written = Mutex(Written())

  /// - Parameters:
  ///   - directory: the run directory.
  ///   - isOwner: whether this process holds the directory's lock.
  package init(
    _ directory: String, isOwner: Bool, fileSystem: any FileSystem = SystemFileSystem()
  ) {
    self.directory = directory
    self.isOwner = isOwner
    self.fileSystem = fileSystem
  }

  /// So many bytes are there from the start of a run, so that a full disk can be told of.
  static let reserve = 4096

  /// Writes an outcome durably. Where there is no space for another file, the one that is there is
  /// written over.
  ///
  /// - Throws: `FileError`.
  package func write(_ outcome: Outcome) throws {
    try written.withLock { written in
      try replace(outcome, isDurable: true)
      written = Written(kind: outcome.kind)
    }
    guard outcome.kind == .running else { return }
    OutOfMemory.onEnd { [weak self] message in
      self?.settle(Outcome(.failed, step: outcome.step, message: message))
    }
  }

  /// Writes how a run ended that did not come to its end, unless that has been written. Does not wait,
  /// neither for the disk nor for a thread that is writing, and does not fail.
  ///
  /// - Parameter owner: what rank 0 is, as far as it can be seen.
  package func settle(_ outcome: Outcome, owner: ProcessState = .running) {
    _ = written.withLockIfAvailable { written in
      guard written.kind == nil && !isOwner || written.kind == .running else { return }
      written.kind = outcome.kind
      if isOwner {
        // Another rank may have written in place of this one.
        if written.isNoted || isRunning { try? replace(outcome, isDurable: false) }
      } else {
        standIn(outcome, owner)
      }
    }
  }

  /// Writes in place of rank 0. One that is stopped keeps the lock, and writes nothing; one that has ended
  /// has left it.
  private func standIn(_ outcome: Outcome, _ owner: ProcessState) {
    guard isRunning else { return }
    if owner == .stopped {
      try? replace(outcome, isDurable: false)
    } else if let lock = try? DirectoryLock(directory) {
      if isRunning { try? replace(outcome, isDurable: false) }
      _ = consume lock
    }
  }

  /// Writes what is true if this process is killed before it writes another.
  package func note(_ outcome: Outcome) {
    _ = written.withLockIfAvailable { written in
      guard written.kind == .running, !written.isNoted, isRunning else { return }
      try? replace(outcome, isDurable: false)
      written.isNoted = true
    }
  }

  /// Whether the file says that the run goes on.
  private var isRunning: Bool {
    guard let content = try? FileInput.contents(of: path),
      let document = try? JSONValue.parse(content)
    else { return false }
    return document["outcome"] == .string(Outcome.Kind.running.rawValue)
  }

  private func replace(_ outcome: Outcome, isDurable: Bool) throws {
    let text = Self.text(outcome, atLeast: outcome.kind == .running ? Self.reserve : 0)
    do {
      try AtomicFile.write(
        path, bytes: text, isDurable: isDurable, fileSystem: fileSystem)
    } catch {
      // A directory that is no longer this run's is nobody's to write to.
      guard outcome.kind != .running, (error as? FileError)?.isFailedWrite ?? false,
        overwrite(outcome)
      else { throw error }
    }
  }

  /// Writes over the bytes that the file has.
  private func overwrite(_ outcome: Outcome) -> Bool {
    let file = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { return false }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
    let room = Int(status.st_size)
    var text = Self.text(outcome, atLeast: room)
    // A character takes a byte at least, and hardly more than six.
    var kept = outcome.message ?? ""
    while text.count > room, !kept.isEmpty {
      kept.removeLast(min(kept.count, (text.count - room) / 6 + 1))
      text = Self.text(
        Outcome(
          outcome.kind, step: outcome.step, fingerprint: outcome.fingerprint, message: kept + "…"),
        atLeast: room)
    }
    guard text.count <= room else { return false }
    return pwrite(file, text, text.count, 0) == text.count
  }

  /// The file's text, with white space behind it up to a length.
  private static func text(_ outcome: Outcome, atLeast count: Int) -> [UInt8] {
    var text = Array(outcome.json.prettyText.utf8)
    while text.count + 1 < count { text.append(UInt8(ascii: " ")) }
    text.append(UInt8(ascii: "\n"))
    return text
  }
}
