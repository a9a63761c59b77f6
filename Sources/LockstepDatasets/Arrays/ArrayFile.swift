import LockstepFiles

/// Opens files of arrays: IDX, NumPy's `.npy` and `.npz`, safetensors, plain numbers. What a file is shows in
/// its first bytes, and of safetensors in its name.
package enum ArrayFile {
  /// Opens files, one array behind the other.
  ///
  /// - Parameters:
  ///   - paths: files, and patterns of files, whose arrays come in the order of their names.
  ///   - plain: as of one file.
  /// - Throws: `FileError` where a file cannot be opened, or holds arrays of another shape or type than the
  ///   first.
  package static func open(
    _ paths: [String], plain: (shape: [Int], element: ArrayElement)? = nil
  ) throws(FileError) -> StoredArray {
    let files = try matching(paths)
    var parts: [StoredArray] = []
    for file in files {
      let part = try open(file, plain: plain)
      if let first = parts.first,
        part.format != first.format || part.fullShape.dropFirst() != first.fullShape.dropFirst()
      {
        throw FileError(
          path: part.name, kind: .mismatch,
          reason:
            "has examples of the shape \(part.shape) of \(part.format.element.name), and those of "
            + "\(first.name) have \(first.shape) of \(first.format.element.name): all files have one shape "
            + "and type")
      }
      parts.append(part)
    }
    return parts.count == 1 ? parts[0] : StoredArray(joining: parts)
  }

  /// The files that paths name, patterns among them. A pattern of archives may have a member's name behind it.
  private static func matching(_ paths: [String]) throws(FileError) -> [String] {
    var files: [String] = []
    for path in paths {
      if let (archive, member) = split(path), FilePattern.isPattern(archive) {
        files += try TableFile.matching([archive]).map { "\($0)/\(member)" }
      } else {
        files += try TableFile.matching([path])
      }
    }
    return files
  }

  /// The archive and the array in it that a path names; nil where it names a file.
  private static func split(_ path: String) -> (archive: String, member: String)? {
    guard let slash = path.lastIndex(of: "/"), FileKind(path) == .missing else { return nil }
    let archive = path[..<slash].lowercased()
    guard archive.hasSuffix(".npz") || isSafetensors(archive) else { return nil }
    return (String(path[..<slash]), String(path[path.index(after: slash)...]))
  }

  private static func isSafetensors(_ path: some StringProtocol) -> Bool {
    path.lowercased().hasSuffix(".safetensors")
  }

  /// Opens a file.
  ///
  /// An array in an archive is named behind it, as if the archive were a folder: `mnist.npz/x_train`,
  /// `shard-1.safetensors/images`.
  ///
  /// - Parameter plain: what a file without a header holds: the shape of an example and the type; nil
  ///   where it must have one.
  /// - Throws: `FileError` where it is none of these, or does not hold what its header promises.
  package static func open(
    _ path: String, plain: (shape: [Int], element: ArrayElement)? = nil
  ) throws(FileError) -> StoredArray {
    if let (archive, member) = split(path) {
      return isSafetensors(archive)
        ? try safetensors(archive, member) : try NumpyArchive(archive).array(member)
    }
    if isSafetensors(path) { return try safetensors(path, nil) }
    let file = try FileInput(path)
    let start = try file.prefix(6)
    if let plain {
      guard !NumpyHeader.isNumpy(start) else {
        throw FileError(
          path: path, kind: .mismatch,
          reason:
            "is a NumPy file, which says its shape and type itself: leave 'shape' and 'element' out"
        )
      }
      return try headerless(file, plain.shape, plain.element)
    }
    if NumpyHeader.isNumpy(start) { return try numpy(file) }
    if NumpyArchive.isArchive(start) { return try NumpyArchive(path).array(nil) }
    if Gzip.isCompressed(start) { return StoredArray(try IDXFile.read(path)) }
    return try idx(file)
  }

  private static func idx(_ file: FileInput) throws(FileError) -> StoredArray {
    let header = try IDXFile.Header(file.prefix(4 + 4 * 255), path: file.path)
    try header.check(size: file.size, path: file.path)
    return StoredArray(
      file, format: ArrayFormat(header.element.arrayElement, isBigEndian: true),
      shape: header.shape, start: header.start)
  }

  private static func safetensors(
    _ path: String, _ name: String?
  ) throws(FileError) -> StoredArray {
    let file = try SafetensorsFile(path)
    let names = file.tensors.map(\.name).sorted()
    let list = names.prefix(8).map(\.quoted).joined(separator: ", ")
    guard let name = name ?? (names.count == 1 ? names[0] : nil) else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: names.isEmpty
          ? "holds no tensors"
          : "holds \(names.count) tensors, \(list): name one behind the path, as '\(path)/\(names[0])'"
      )
    }
    guard let tensor = file.tensor(name) else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: "holds no tensor \(name.quoted); its tensors are \(list)")
    }
    guard let element = ArrayElement(safetensors: tensor.type) else {
      throw FileError(
        path: path, kind: .mismatch,
        reason:
          "the tensor \(name.quoted) has elements of type \(tensor.type), which are no numbers that a "
          + "model takes")
    }
    guard !tensor.shape.isEmpty else {
      throw FileError(
        path: path, kind: .mismatch,
        reason:
          "the tensor \(name.quoted) is a single number; expected an array whose first axis counts the "
          + "examples")
    }
    let stored = try file.stored(name)
    return StoredArray(
      stored.file, name: "\(path)/\(name)", format: ArrayFormat(element), shape: tensor.shape,
      start: stored.range.lowerBound)
  }

  private static func numpy(_ file: FileInput) throws(FileError) -> StoredArray {
    let header = try NumpyHeader(file)
    let shape = try header.checked(size: file.size, path: file.path)
    return StoredArray(file, format: header.format, shape: shape, start: header.start)
  }

  private static func headerless(
    _ file: FileInput, _ shape: [Int], _ element: ArrayElement
  ) throws(FileError) -> StoredArray {
    var size = element.size
    for extent in shape { size = size.multipliedReportingOverflow(by: extent).partialValue }
    guard size > 0, file.size.isMultiple(of: size) else {
      throw FileError(
        path: file.path, kind: .mismatch,
        reason:
          "has \(file.size) bytes, which are no examples of the shape \(shape) of \(element.name), "
          + "\(size) bytes each: it is not complete, or 'shape' or 'element' is another one")
    }
    return StoredArray(
      file, format: ArrayFormat(element), shape: [file.size / size] + shape, start: 0)
  }
}

extension NumpyHeader {
  /// The shape, where so many bytes hold the values, example behind example.
  ///
  /// - Throws: `FileError` for values that are missing or too many, a single number, or Fortran's order.
  func checked(size: Int, path: String) throws(FileError) -> [Int] {
    let expected = shape.reduce(format.element.size, &*) + start
    guard size == expected else {
      throw FileError(
        path: path, kind: size < expected ? .truncated : .corrupt,
        reason: "\(size < expected ? "truncated: " : "")expected \(expected) bytes for the shape "
          + "\(shapeText) of '\(type)', found \(size)")
    }
    guard !shape.isEmpty else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: "holds a single number; expected an array whose first axis counts the examples")
    }
    // With one axis, or with axes of one, both orders are one.
    guard !isFortran || shape.count(where: { $0 > 1 }) <= 1 else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: "holds its values in Fortran's order, examples scattered; write it with "
          + "numpy.ascontiguousarray(x)")
    }
    return shape
  }
}
