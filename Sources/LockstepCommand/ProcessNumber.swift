import LockstepFiles
import LockstepPlatform

/// This process, as file names need it.
enum ProcessNumber {
  static var own: Int32 { getpid() }

  /// Removes a file, if it is there.
  static func removeFile(_ path: String) { unlink(path) }
}

/// The directory that relative paths start from.
enum WorkingDirectory {
  static var path: String {
    guard let path = getcwd(nil, 0) else { return "." }
    defer { free(path) }
    return String(cString: path)
  }
}

/// What makes a path's file that file, whatever it is called.
struct FileIdentity: Equatable {
  private let device: UInt64
  private let number: UInt64

  /// The file that a path leads to; nil where there is none, or where it is no regular one.
  init?(_ path: String) {
    var status = stat()
    guard fstatat(AT_FDCWD, path, &status, 0) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return nil
    }
    device = UInt64(status.st_dev)
    number = UInt64(status.st_ino)
  }

  /// Makes sure that an option's output is none of the files that are read.
  static func check(_ path: String, of option: String, among files: [String] = []) throws {
    if let output = FileIdentity(path),
      let file = files.first(where: { FileIdentity($0) == output })
    {
      throw ArgumentError(
        description:
          "'\(option) \(path)' is a file that is read ('\(file)'), and would be replaced; "
          + "give another name")
    }
    if let directory = RunFiles.directory(ofFile: path) {
      throw ArgumentError(
        description:
          "'\(option) \(path)' is a file of the run in \(directory), and would be replaced; give "
          + "another name")
    }
  }
}

extension String {
  /// What a symbolic link leads to; the path itself where it is none.
  var resolved: String {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink(self, &path, Int(PATH_MAX))
    guard count > 0 else { return self }
    return String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
