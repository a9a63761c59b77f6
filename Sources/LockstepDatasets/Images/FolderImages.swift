import LockstepFiles

/// Images in files, decoded where they are asked for.
package struct FolderImages: RawExamples {
  package let name: String
  package let shape: [Int]
  package let outline: Fingerprint?
  private let folder: String
  private let files: [String]
  private let fit: ImageFit
  /// What to do about an image of another size.
  private let remedy: String

  package var count: Int { files.count }
  package var format: ArrayFormat { ArrayFormat(.uint8) }
  package var ids: [String]? { files }

  /// - Parameters:
  ///   - size: height and width; those of the first image if nil.
  ///   - channels: 1 or 3.
  /// - Throws: `FileError` for an empty file, or where the first image cannot be decoded.
  package init(
    _ folder: ImageFolder, size: [Int]?, channels: Int, fit: ImageFit,
    remedy: String = "give 'size', so that images are scaled"
  ) throws(FileError) {
    try self.init(
      folder: folder.path, name: folder.path, files: folder.files, size: size, channels: channels,
      fit: fit, remedy: remedy)
  }

  /// A single image.
  package init(
    file path: String, size: [Int], channels: Int, fit: ImageFit, remedy: String
  ) throws(FileError) {
    let slash = path.lastIndex(of: "/")
    try self.init(
      folder: slash.map { String(path[..<$0]) } ?? ".", name: path,
      files: [slash.map { String(path[path.index(after: $0)...]) } ?? path], size: size,
      channels: channels, fit: fit, remedy: remedy)
  }

  private init(
    folder: String, name: String, files: [String], size: [Int]?, channels: Int, fit: ImageFit,
    remedy: String
  ) throws(FileError) {
    self.folder = folder
    self.name = name
    self.files = files
    self.fit = fit
    self.remedy = remedy
    var stream = FingerprintStream()
    for file in files {
      try ReadingStop.check(folder)
      let length = try FileInput("\(folder)/\(file)").size
      guard length > 0 else {
        throw FileError(
          path: "\(folder)/\(file)", kind: .truncated, reason: "is empty; expected an image")
      }
      stream.update(Array(file.utf8))
      stream.update(UInt64(length))
    }
    outline = stream.fingerprint
    if let size {
      shape = [channels] + size
    } else {
      let first = try ImageFile.read("\(folder)/\(files[0])")
      shape = [channels, first.height, first.width]
    }
  }

  package func read(
    _ example: Int, into bytes: UnsafeMutableRawBufferPointer
  ) throws(FileError) {
    let path = "\(folder)/\(files[example])"
    let picture = try ImageFile.read(path)
    guard let picture = picture.fitted(fit, height: shape[1], width: shape[2]) else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: "is \(picture.height) pixels high and \(picture.width) wide, and images are "
          + "\(shape[1]) × \(shape[2]); \(remedy)")
    }
    let pixels = picture.with(channels: shape[0]).pixels
    let (channels, plane) = (shape[0], shape[1] * shape[2])
    for channel in 0..<channels {
      for pixel in 0..<plane { bytes[channel * plane + pixel] = pixels[pixel * channels + channel] }
    }
  }
}
