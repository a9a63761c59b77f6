internal import CJPEG
internal import CPNG
import LockstepFiles
import LockstepPlatform

/// A picture of 8 bits a value, as a file of pixels has it: rows from the top, pixels with their
/// channels side by side.
package struct Picture: Sendable, Equatable {
  /// The number of columns.
  package let width: Int
  /// The number of rows.
  package let height: Int
  /// 1: grey; 3: red, green and blue.
  package let channels: Int
  /// The values.
  package let pixels: [UInt8]

  package init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }
}

/// Reads PNG and JPEG files, by libpng and libjpeg-turbo. What a file is shows in its first bytes,
/// whatever its name.
///
/// | file | pixels |
/// |---|---|
/// | palette | its colours |
/// | 1, 2 or 4 bits | 0...255 |
/// | 16 bits | scaled to 8 |
/// | alpha | left out, the colours stay |
/// | gamma and colour profiles | left out |
/// | JPEG of damaged or missing data | an error |
/// | JPEG in CMYK | an error |
/// | EXIF orientation | left out: pixels are taken as they are stored |
package enum ImageFile {
  /// The endings of names of images.
  static let endings = [".png", ".jpg", ".jpeg"]
  /// The endings of names of images that are not read.
  static let otherEndings = [
    ".gif", ".bmp", ".webp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".ppm", ".pgm",
    ".ico",
    ".svg",
  ]

  /// The most pixels of an image, 2²⁷.
  private static let mostPixels = 1 << 27
  /// The longest file, in bytes.
  private static let longest = 1 << 29

  /// Whether a file's name ends as that of an image does.
  static func hasEnding(_ name: String, _ endings: [String] = ImageFile.endings) -> Bool {
    let name = name.lowercased()
    return endings.contains { name.hasSuffix($0) }
  }

  /// Whether a file begins as an image does.
  static func isImage(_ start: [UInt8]) -> Bool { isPNG(start) || isJPEG(start) }

  private static func isPNG(_ start: [UInt8]) -> Bool {
    start.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  }
  private static func isJPEG(_ start: [UInt8]) -> Bool { start.starts(with: [0xff, 0xd8, 0xff]) }

  /// Reads and decodes a file.
  ///
  /// - Throws: `FileError` that names the file and what is wrong with it.
  package static func read(_ path: String) throws(FileError) -> Picture {
    let bytes = try FileInput(path, limit: longest).contents()
    return try decode(bytes, path: path)
  }

  /// Decodes the bytes of a file.
  package static func decode(_ bytes: [UInt8], path: String) throws(FileError) -> Picture {
    guard !bytes.isEmpty else {
      throw FileError(path: path, kind: .truncated, reason: "is empty; expected an image")
    }
    if isPNG(bytes) {
      var image = lockstep_png_image()
      let failed = lockstep_png_decode(bytes, bytes.count, mostPixels, &image)
      defer { free(image.pixels) }
      if failed != 0 { throw fault("PNG", text(image.message), path) }
      return picture(Int(image.width), Int(image.height), Int(image.channels), image.pixels)
    }
    if isJPEG(bytes) {
      var image = lockstep_jpeg_image()
      let failed = lockstep_jpeg_decode(bytes, bytes.count, mostPixels, &image)
      defer { free(image.pixels) }
      if failed != 0 { throw fault("JPEG", text(image.message), path) }
      return picture(Int(image.width), Int(image.height), Int(image.channels), image.pixels)
    }
    throw FileError(
      path: path, kind: .mismatch,
      reason: "is no PNG and no JPEG, by its first bytes; convert it, or take it away")
  }

  private static func picture(
    _ width: Int, _ height: Int, _ channels: Int, _ pixels: UnsafeMutablePointer<UInt8>?
  ) -> Picture {
    Picture(
      width: width, height: height, channels: channels,
      pixels: Array(UnsafeBufferPointer(start: pixels, count: width * height * channels)))
  }

  private static func fault(_ kind: String, _ reason: String, _ path: String) -> FileError {
    FileError(
      path: path, kind: .corrupt,
      reason: "is a \(kind) file that cannot be decoded: \(reason); mend it, or take it away")
  }

  /// A C text in an array.
  private static func text<Characters>(_ characters: Characters) -> String {
    withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

extension Picture {
  /// The picture with so many channels: grey is repeated, and colours become grey by the weights of
  /// ITU-R 601-2, (19595 R + 38470 G + 7471 B + 2¹⁵) / 2¹⁶, as Pillow's mode L.
  package func with(channels wanted: Int) -> Picture {
    guard wanted != channels else { return self }
    if wanted == 1 {
      let grey = (0..<width * height).map { pixel -> UInt8 in
        let sum =
          19595 * UInt32(pixels[3 * pixel]) + 38470 * UInt32(pixels[3 * pixel + 1])
          + 7471 * UInt32(pixels[3 * pixel + 2])
        return UInt8((sum + 0x8000) >> 16)
      }
      return Picture(width: width, height: height, channels: 1, pixels: grey)
    }
    var colours: [UInt8] = []
    colours.reserveCapacity(3 * pixels.count)
    for grey in pixels { for _ in 0..<3 { colours.append(grey) } }
    return Picture(width: width, height: height, channels: 3, pixels: colours)
  }
}
