import LockstepPlatform

/// What tells one state of a file from another without reading it: its size, and when its content and its
/// properties were last changed.
package struct FileStamp: Sendable, Equatable {
  private let size: Int
  private let changes: [Int]

  /// - Throws: `FileError` where there is no such file.
  package init(_ path: String) throws(FileError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw FileError(path: path, call: "open", code: errno) }
    size = Int(status.st_size)
    // The second time follows every change, though somebody sets the first one back.
    changes = [
      status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
    ]
  }

  /// The hash of it.
  package var fingerprint: Fingerprint { Fingerprint(of: [size] + changes) }
}
