import LockstepFiles

/// Opens files of arrays: IDX, NumPy's `.npy` and `.npz`, plain numbers. What a file is shows in its
/// first bytes.
package enum ArrayFile {
  /// Opens a file.
  ///
  /// An array in an archive is named behind it, as if the archive were a folder: `mnist.npz/x_train`.
  ///
  /// - Parameter plain: what a file without a header holds: the shape of an example and the type; nil
  ///   where it must have one.
  /// - Throws: `FileError` where it is none of these, or does not hold what its header promises.
  package static func open(
    _ path: String, plain: (shape: [Int], element: ArrayElement)? = nil
  ) throws(FileError) -> StoredArray {
    if let (archive, member) = NumpyArchive.split(path) {
      return try NumpyArchive(archive).array(member)
    }
    let file = try FileInput(path)
    if let plain { return try headerless(file, plain.shape, plain.element) }
    let start = try file.prefix(6)
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
