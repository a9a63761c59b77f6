import LockstepFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file of JSON lines, each with a `step`, that is appended to while a run lasts.
///
/// A line is one write, so that a reader sees whole lines but for the last one after a crash.
public final class LinesFile {
  /// The file's path.
  public let path: String

  private let descriptor: Int32

  /// Opens the file, or creates it.
  public init(_ path: String) throws(FileError) {
    self.path = path
    descriptor = open(path, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw Self.failure(path, "create", errno) }
  }

  deinit { close(descriptor) }

  /// Appends a line.
  public func append(_ object: JSONObject) throws(FileError) {
    let line = Array((JSONValue.object(object).compactText + "\n").utf8)
    var done = 0
    while done < line.count {
      let count = line[done...].withUnsafeBytes { write(descriptor, $0.baseAddress!, $0.count) }
      if count >= 0 {
        done += count
      } else if errno != EINTR {
        throw Self.failure(path, "write", errno)
      }
    }
  }

  /// Removes everything from the first line on that is of a later step, or that is not whole.
  public func truncate(afterStep step: Int) throws(FileError) {
    let bytes = try FileInput.contents(of: path)
    var end = 0
    while let newline = bytes[end...].firstIndex(of: UInt8(ascii: "\n")) {
      guard let line = try? JSONValue.parse(Array(bytes[end..<newline])),
        case .integer(let number)? = line["step"], number <= step
      else { break }
      end = newline + 1
    }
    while ftruncate(descriptor, end) != 0 {
      if errno != EINTR { throw Self.failure(path, "truncate", errno) }
    }
  }

  static func failure(_ path: String, _ call: String, _ code: Int32) -> FileError {
    FileError(
      path: path, kind: .system(call: call, code: code),
      reason: "\(call): \(String(cString: strerror(code)))")
  }
}
