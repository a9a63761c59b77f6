import LockstepFiles
import LockstepPlatform

/// A file of events that TensorBoard reads while it grows: records in the form of TFRecord.
///
/// A record is its length in eight bytes, the masked checksum of these, the message, and the masked checksum
/// of that, all little-endian. It is one write, so that a reader sees whole records but for the last one after a
/// crash, where TensorBoard goes on with the next file.
package final class EventFile {
  /// The file's path.
  package let path: String

  private let descriptor: Int32

  /// The numbers that tell the files of one process apart.
  private static let made = Monitor(0)

  /// Creates a file in a folder, which is made where it is missing. Its name begins with the time, so that files
  /// are read in their order.
  ///
  /// - Throws: `FileError`.
  package init(in folder: String, time: Double, fileSystem: any FileSystem = SystemFileSystem())
    throws(FileError)
  {
    try fileSystem.createDirectory(folder)
    let number = Self.made.withLock { number in
      defer { number += 1 }
      return number
    }
    let seconds = "\(Int(time))"
    let padded = String(repeating: "0", count: max(10 - seconds.count, 0)) + seconds
    path = "\(folder)/events.out.tfevents.\(padded).\(hostName).\(getpid()).\(number)"
    descriptor = open(path, O_CREAT | O_EXCL | O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o666)
    if descriptor < 0 { throw FileError(path: path, call: "create", code: errno) }
    try append(Event(time: time, step: 0, .version))
  }

  deinit { close(descriptor) }

  /// Appends an event.
  ///
  /// - Throws: `FileError`.
  package func append(_ event: Event) throws(FileError) {
    let record = Self.record(event.message)
    var done = 0
    while done < record.count {
      let count = record[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 {
        done += count
      } else if errno != EINTR {
        throw FileError(path: path, call: "write", code: errno)
      }
    }
  }

  /// A message as a record.
  package static func record(_ message: [UInt8]) -> [UInt8] {
    let length = bytes(UInt64(message.count))
    return length + bytes(CRC32C.masked(length)) + message + bytes(CRC32C.masked(message))
  }

  private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }
}
