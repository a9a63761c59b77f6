import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct PNGWriterTests {
  /// The parts of a file: a signature, then length, kind, content and check of each chunk.
  @Test(arguments: [PNGWriter.Color.grey, .rgb]) func filesHaveTheirChunks(color: PNGWriter.Color) {
    let pixels = (0..<6 * color.channels).map { UInt8($0 * 10) }
    let file = PNGWriter.bytes(pixels, width: 3, height: 2, color: color)
    #expect(file.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))
    let header = Array(file[16..<29])
    #expect(header == [0, 0, 0, 3, 0, 0, 0, 2, 8, color.rawValue, 0, 0, 0])
    // The end of every PNG file.
    #expect(
      Array(file.suffix(12)) == [0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82])
  }

  /// The vectors of RFC 4648, section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func bytesBecomeBase64(bytes: String, text: String) {
    #expect(Base64.text(Array(bytes.utf8)) == text)
  }
}
