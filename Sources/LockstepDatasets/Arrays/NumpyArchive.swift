import LockstepFiles

/// An archive of NumPy arrays (`.npz`), as `numpy.savez` and `numpy.savez_compressed` write it.
///
/// Large arrays that are stored as they are stay in the file; others are read to memory, and their checksums
/// compared.
struct NumpyArchive {
  private let archive: ZipArchive

  /// Whether a file begins as archives do.
  static func isArchive(_ start: [UInt8]) -> Bool { start.starts(with: [0x50, 0x4b]) }

  init(_ path: String) throws(FileError) { archive = try ZipArchive(path) }

  /// Opens an array.
  ///
  /// - Parameter name: its name, as `numpy.load(…)[name]` takes it; nil for the only one.
  func array(_ name: String?) throws(FileError) -> StoredArray {
    let path = archive.file.path
    let names = archive.members.map(\.name).filter { $0.hasSuffix(".npy") }.map {
      String($0.dropLast(4))
    }
    let list = names.prefix(8).map(\.quoted).joined(separator: ", ")
    guard let name = name ?? (names.count == 1 ? names[0] : nil) else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: names.isEmpty
          ? "holds no NumPy arrays"
          : "holds \(names.count) arrays, \(list): name one behind the path, as '\(path)/\(names[0])'"
      )
    }
    guard let member = archive.members.first(where: { $0.name == name + ".npy" }) else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: "holds no array \(name.quoted); its arrays are \(list)")
    }
    let full = "\(path)/\(name)"
    // What fits in memory is read, and its checksum compared.
    if let range = member.stored, range.count > StoredArray.memoryLimit {
      let header = try NumpyHeader(archive.file, in: range, name: full)
      let shape = try header.checked(size: range.count, path: full)
      return StoredArray(
        archive.file, name: full, format: header.format, shape: shape,
        start: range.lowerBound + header.start)
    }
    let bytes = try archive.contents(of: member)
    let header = try NumpyHeader(path: full, size: bytes.count) { Array(bytes[$0]) }
    return StoredArray(
      name: full, format: header.format, shape: try header.checked(size: bytes.count, path: full),
      bytes: bytes, start: header.start)
  }
}
