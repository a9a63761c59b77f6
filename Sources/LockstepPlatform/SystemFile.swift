/// A file of `/proc` or `/sys`, whose size is known only once it has been read.
package enum SystemFile {
  /// The content; nothing where it cannot be read.
  package static func bytes(_ path: String) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return [] }
    defer { close(file) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 14)
    while bytes.count < 1 << 22 {
      let count = read(file, &part, part.count)
      guard count > 0 else { break }
      bytes += part[..<count]
    }
    return bytes
  }
}
