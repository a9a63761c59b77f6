import LockstepFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Makes a directory, passes its path to `body`, and removes it with everything inside.
public func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  // In memory where possible: fsync on a busy disk takes seconds.
  var path: String?
  for root in ["/dev/shm", "/tmp"] where path == nil {
    var template = Array("\(root)/lockstep-training-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { continue }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
  guard let path else { fatalError("no temporary directory: errno \(errno)") }
  defer { remove(tree: path) }
  return try body(path)
}

private func remove(tree path: String) {
  if let names = try? SystemFileSystem().list(path) {
    chmod(path, 0o700)
    for name in names { remove(tree: "\(path)/\(name)") }
    rmdir(path)
  } else {
    unlink(path)
  }
}

/// A file's bytes.
public func contents(_ path: String) throws -> [UInt8] { try FileInput.contents(of: path) }

/// Overwrites a file in place, as damage does.
public func overwrite(_ path: String, _ bytes: [UInt8]) {
  let descriptor = open(path, O_WRONLY | O_TRUNC)
  precondition(descriptor >= 0)
  var done = 0
  while done < bytes.count {
    done += bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress!, $0.count) }
  }
  close(descriptor)
}
