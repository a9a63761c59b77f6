import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

/// A file that comes with the tests: `scripts/reference/images.py` writes them.
func imageFixture(_ name: String, file: String = #filePath) -> String {
  file.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
    + "/Fixtures/images/\(name)"
}

/// A picture that Pillow wrote as an array [h, w, c].
private func expected(_ name: String) throws -> Picture {
  let array = try ArrayFile.open(imageFixture("\(name).npy"))
  return Picture(
    width: array.fullShape[1], height: array.fullShape[0], channels: array.fullShape[2],
    pixels: try array.gathered(nil))
}

/// PNG and JPEG files have the pixels that Pillow finds in them.
@Suite struct ImageFileTests {
  /// What is written is read back, pixel by pixel.
  @Test(arguments: [PNGWriter.Color.grey, .rgb]) func writtenPicturesAreRead(
    color: PNGWriter.Color
  ) throws {
    let pixels = (0..<35 * color.channels).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    let file = PNGWriter.bytes(pixels, width: 7, height: 5, color: color)
    let picture = try ImageFile.decode(file, path: "p.png")
    #expect(
      picture
        == Picture(width: 7, height: 5, channels: color.channels, pixels: pixels))
  }

  @Test(arguments: [
    "photo.png", "grey.png", "alpha.png", "grey-alpha.png", "palette.png",
    "palette-transparent.png", "bits.png", "wide.png", "interlaced.png", "gamma.png", "plain.jpg",
    "progressive.jpg", "full.jpg", "grey-jpeg.jpg", "turned.jpg",
  ])
  func kindsOfFiles(_ name: String) throws {
    let picture = try ImageFile.read(imageFixture(name))
    #expect(try picture == expected(String(name.split(separator: ".")[0])))
  }

  @Test func coloursBecomeGreyAndGreyBecomesColours() throws {
    let photo = try ImageFile.read(imageFixture("photo.png"))
    #expect(try photo.with(channels: 1) == expected("photo-as-grey"))
    #expect(photo.with(channels: 3) == photo)
    let grey = try ImageFile.read(imageFixture("grey.png"))
    #expect(grey.with(channels: 3).with(channels: 1) == grey)
  }

  @Test(arguments: [(23, 8), (9, 17), (5, 4), (40, 50), (12, 40), (1, 1)])
  func scalingIsPillows(_ height: Int, _ width: Int) throws {
    let photo = try ImageFile.read(imageFixture("photo.png"))
    #expect(
      try photo.fitted(.stretch, height: height, width: width)
        == expected("scaled-stretch-\(height)-\(width)"))
  }

  @Test(arguments: [8, 13, 30])
  func croppingIsTorchvisions(_ side: Int) throws {
    let photo = try ImageFile.read(imageFixture("photo.png"))
    #expect(
      try photo.fitted(.crop, height: side, width: side) == expected("scaled-crop-\(side)-\(side)"))
    var pixels: [UInt8] = []
    for x in 0..<17 {
      for y in 0..<23 {
        let start = (y * 17 + x) * 3
        pixels += photo.pixels[start..<start + 3]
      }
    }
    let turned = Picture(width: 23, height: 17, channels: 3, pixels: pixels)
    #expect(
      try turned.fitted(.crop, height: side, width: side)
        == expected("scaled-crop-wide-\(side)-\(side)"))
  }

  @Test func thatSizeNeedsNothing() throws {
    let photo = try ImageFile.read(imageFixture("photo.png"))
    for fit in ImageFit.allCases {
      #expect(photo.fitted(fit, height: 23, width: 17) == photo)
    }
    #expect(photo.fitted(.exact, height: 22, width: 17) == nil)
    let even = Picture(width: 4, height: 2, channels: 1, pixels: Array(repeating: 77, count: 8))
    #expect(even.fitted(.stretch, height: 5, width: 3)?.pixels == Array(repeating: 77, count: 15))
  }

  @Test func damageIsNamed() throws {
    func message(_ bytes: [UInt8]) -> String {
      do throws(FileError) {
        _ = try ImageFile.decode(bytes, path: "folder/f.png")
        return "decoded"
      } catch { return error.description }
    }
    let png = try FileInput.contents(of: imageFixture("photo.png"))
    let jpeg = try FileInput.contents(of: imageFixture("plain.jpg"))
    #expect(message([]) == "folder/f.png: is empty; expected an image")
    #expect(message(Array("GIF89a".utf8)).contains("is no PNG and no JPEG, by its first bytes"))
    #expect(
      message(Array(png.dropLast(40)))
        == "folder/f.png: is a PNG file that cannot be decoded: truncated: it ends before its content does; "
        + "mend it, or take it away")
    var flipped = png
    flipped[60] ^= 1
    #expect(message(flipped).contains("is a PNG file that cannot be decoded: IDAT: "))
    #expect(message(Array(jpeg.dropLast(200))).contains("JPEG file that cannot be decoded: "))
    #expect(message(Array(jpeg.prefix(20))).contains("JPEG file that cannot be decoded: "))
    #expect(
      message(try FileInput.contents(of: imageFixture("printing.jpg")))
        .contains("its colours are CMYK, for printing: convert it to RGB"))
  }

  /// Whatever is done to a file, it is decoded or refused, and the program lives.
  @Test func noFileEndsTheProgram() throws {
    for name in ["photo.png", "interlaced.png", "palette.png", "plain.jpg", "progressive.jpg"] {
      let bytes = try FileInput.contents(of: imageFixture(name))
      var refused = 0
      for place in Swift.stride(from: 8, to: bytes.count, by: 7) {
        var damaged = bytes
        damaged[place] ^= UInt8(1 + place % 255)
        if (try? ImageFile.decode(damaged, path: "f")) == nil { refused += 1 }
        _ = try? ImageFile.decode(Array(bytes[..<place]), path: "f")
      }
      #expect(refused > 0)
    }
  }
}
