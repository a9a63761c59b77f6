import LockstepFiles
import LockstepPlatform

// The C functions under names that the class's methods do not hide.
private func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t = 0) -> Int32 {
  open(path, flags, mode)
}
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count)
}

/// A file of JSON lines, each with a `step`, that is appended to while a run lasts.
///
/// A line is one write, so that a reader sees whole lines but for the last one after a crash.
package final class LinesFile {
  /// The file's path.
  package let path: String

  private let descriptor: Int32

  /// Opens the file, or creates it.
  ///
  /// - Throws: `FileError`, also where the path is a link or the file has another name too: what is
  ///   written here would change somebody else's file.
  package init(_ path: String) throws(FileError) {
    self.path = path
    descriptor = try Self.open(path)
  }

  deinit { close(descriptor) }

  private static func open(_ path: String) throws(FileError) -> Int32 {
    let descriptor = systemOpen(
      path, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0o666)
    if descriptor < 0 { throw errno == ELOOP ? .isLink(path) : failure(path, "create", errno) }
    var status = stat()
    let isKnown = fstat(descriptor, &status) == 0
    guard isKnown, status.st_mode & S_IFMT == S_IFREG, status.st_nlink <= 1 else {
      close(descriptor)
      throw FileError(
        path: path, kind: .mismatch,
        reason: status.st_nlink > 1
          ? "has another name too (a hard link), under which it would change as well; put a copy in "
            + "its place" : "is not a regular file; remove it")
    }
    return descriptor
  }

  /// Appends a line.
  package func append(_ object: JSONObject) throws(FileError) {
    try Self.write(Array((JSONValue.object(object).compactText + "\n").utf8), to: descriptor, path)
  }

  /// Makes all lines durable.
  package func synchronize() throws(FileError) {
    while fsync(descriptor) != 0 {
      if errno != EINTR { throw Self.failure(path, "fsync", errno) }
    }
  }

  /// Takes back the lines of later steps, and a last line that is not whole.
  ///
  /// The file is read from its end, a little beyond the place where it is cut, so that the time does
  /// not depend on its length. A line there that cannot be read, or whose step is out of order, never
  /// takes others with it: it is set aside in a file beside this one, `….damaged`.
  ///
  /// - Parameter hasEachStep: whether every step has a line.
  /// - Returns: a sentence about each line that was set aside, with its number, and one where lines are
  ///   missing.
  @discardableResult
  package func truncate(
    afterStep step: Int, hasEachStep: Bool = false
  ) throws(FileError) -> [String] {
    // Nothing comes before the first step.
    if step <= 0 {
      try cut(at: 0)
      return []
    }
    let tail = try LinesTail(path, afterStep: step)
    var notices = try setAside(tail.damaged, before: tail.end)
    if hasEachStep, tail.missing.steps > 0 {
      notices.append(
        "\(path): \(tail.missing.steps) of the last \(tail.missing.of) steps have no line here, and are "
          + "missing in reports")
    }
    try cut(at: tail.end)
    if tail.lacksLineFeed { try Self.write([UInt8(ascii: "\n")], to: descriptor, path) }
    return notices
  }

  private func cut(at size: Int) throws(FileError) {
    while ftruncate(descriptor, size) != 0 {
      if errno != EINTR { throw Self.failure(path, "truncate", errno) }
    }
  }

  /// Copies lines to the file of damaged ones, and blanks those that stay; returns what to tell.
  private func setAside(
    _ lines: [LinesTail.Damage], before end: Int
  ) throws(FileError) -> [String] {
    guard !lines.isEmpty else { return [] }
    let input = try FileInput(path, followsLinks: false)
    let side = "\(path).damaged"
    let sideDescriptor = try Self.open(side)
    defer { close(sideDescriptor) }
    // A descriptor that appends writes to the end alone, whatever the offset.
    let place = systemOpen(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
    if place < 0 { throw Self.failure(path, "create", errno) }
    defer { close(place) }
    var notices: [String] = []
    var (counted, number) = (0, 1)
    for line in lines.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
      number += try input.lineFeeds(in: counted..<line.range.lowerBound)
      counted = line.range.lowerBound
      let bytes = try input.bytes(line.range)
      try Self.write(bytes + [UInt8(ascii: "\n")], to: sideDescriptor, side)
      notices.append("\(path): line \(number) \(line.reason); it was set aside in \(side)")
    }
    while fsync(sideDescriptor) != 0 {
      if errno != EINTR { throw Self.failure(side, "fsync", errno) }
    }
    for line in lines where line.range.lowerBound < end {
      let blanks = [UInt8](repeating: UInt8(ascii: " "), count: line.range.count)
      let count = blanks.withUnsafeBytes {
        pwrite(place, $0.baseAddress, $0.count, off_t(line.range.lowerBound))
      }
      guard count == blanks.count else { throw Self.failure(path, "write", errno) }
    }
    return notices
  }

  private static func write(
    _ bytes: [UInt8], to descriptor: Int32, _ path: String
  ) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        systemWrite(descriptor, $0)
      }
      if count >= 0 {
        done += count
      } else if errno != EINTR {
        throw failure(path, "write", errno)
      }
    }
  }

  static func failure(_ path: String, _ call: String, _ code: Int32) -> FileError {
    FileError(
      path: path, kind: .system(call: call, code: code),
      reason: "\(call): \(String(cString: strerror(code)))")
  }
}
