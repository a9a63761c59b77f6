import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct TokenWindowsTests {
  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  private func values(
    _ source: TokenWindows, _ name: String, _ examples: [Int]
  ) throws -> [Int32] {
    let field = try #require(source.field(name))
    var values = [Int32](repeating: -9, count: examples.count * field.size)
    try values.withUnsafeMutableBufferPointer {
      try source.read(field, of: examples[...], into: $0)
    }
    return values
  }

  @Test("windows follow each other, and the label is one token on")
  func contiguous() throws {
    let stream = TokenStream((0..<10).map { UInt16($0) }, name: "ten")
    let windows = try TokenWindows(stream, length: 3, vocabulary: 10)
    #expect(windows.count == 3)
    #expect(try values(windows, "input", [2, 0]) == [6, 7, 8, 0, 1, 2])
    #expect(try values(windows, "label", [2, 0]) == [7, 8, 9, 1, 2, 3])
    // The label of the last window needs a token behind it.
    let nine = try stream.part(0..<9, name: "nine")
    #expect(try TokenWindows(nine, length: 3, vocabulary: 10).count == 2)
  }

  @Test("windows at every position")
  func everyPosition() throws {
    let stream = TokenStream([Int32](5..<11), name: "six")
    let windows = try TokenWindows(stream, length: 4, vocabulary: 11, starts: .everyPosition)
    #expect(windows.count == 2)
    #expect(try values(windows, "input", [1, 0]) == [6, 7, 8, 9, 5, 6, 7, 8])
    #expect(try values(windows, "label", [1]) == [7, 8, 9, 10])
  }

  @Test("streams have the next window of each in a row, and a label in the stream behind")
  func streams() throws {
    let stream = TokenStream([UInt16](0..<23), name: "text")
    let windows = try TokenWindows(stream, length: 3, vocabulary: 23, streams: 2)
    // 7 windows, of which the last one fills no stream.
    #expect(windows.count == 6)
    #expect(windows.streams == 2)
    #expect(try values(windows, "input", [0, 1]) == [0, 1, 2, 9, 10, 11])
    #expect(try values(windows, "input", [2, 3]) == [3, 4, 5, 12, 13, 14])
    #expect(try values(windows, "label", [4, 5]) == [7, 8, 9, 16, 17, 18])
    // Each example goes on where the one a batch before ended, and all are the contiguous windows.
    for example in 2..<6 {
      let ends = try values(windows, "label", [example - 2]).last
      #expect(try values(windows, "input", [example]).first == ends)
    }
    let contiguous = try TokenWindows(stream, length: 3, vocabulary: 23)
    #expect(contiguous.streams == 1)
    #expect(
      try values(windows, "input", Array(0..<6)).sorted()
        == values(contiguous, "input", Array(0..<6)))
    #expect(contiguous.fingerprint != windows.fingerprint)
    let three = try TokenWindows(stream, length: 3, vocabulary: 23, streams: 3)
    #expect(three.count == 6 && three.fingerprint != windows.fingerprint)
    let random = try TokenWindows(stream, length: 3, vocabulary: 23, starts: .everyPosition)
    #expect(random.streams == nil)
  }

  @Test("streams that cannot be are refused, with what is needed")
  func badStreams() throws {
    let stream = TokenStream([UInt16](0..<23), name: "text")
    func refusal(_ streams: Int, _ starts: TokenWindows.Starts = .contiguous) -> String {
      message {
        _ = try TokenWindows(
          stream, length: 3, vocabulary: 23, starts: starts, streams: streams)
      }
    }
    #expect(refusal(7).isEmpty)
    #expect(
      refusal(8)
        == "text: has 23 tokens, and 8 streams (as many as a batch has rows) with a window of 3 "
        + "each and the token behind the last need 25: take a smaller batchSize or shorter windows")
    #expect(refusal(.max).contains("need more"))
    #expect(refusal(0).contains("one stream at least; found 0"))
    #expect(refusal(2, .everyPosition).contains("overlap, and cannot be cut into 2 streams"))
  }

  /// Tokens as bytes, low byte first.
  private func bytes(_ tokens: [Int], size: Int) -> [UInt8] {
    tokens.flatMap { token in (0..<size).map { UInt8(truncatingIfNeeded: token >> (8 * $0)) } }
  }

  private func numpy(_ type: String, _ shape: String, _ bytes: [UInt8]) -> [UInt8] {
    var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
    while (10 + text.utf8.count + 1) % 64 != 0 { text += " " }
    text += "\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0] + self.bytes([text.utf8.count], size: 2)
      + Array(text.utf8) + bytes
  }

  private func header(_ magic: Int, _ version: Int, _ count: Int) -> [UInt8] {
    bytes([magic, version, count], size: 4) + [UInt8](repeating: 0, count: 1012)
  }

  @Test("files of all formats hold the tokens that were written")
  func formats() throws {
    let tokens = [3, 1, 4, 1, 5, 9, 2, 6]
    var files: [(String, [UInt8], TokenElement)] = [
      ("raw16.bin", bytes(tokens, size: 2), .uint16),
      ("raw32.bin", bytes(tokens, size: 4), .uint32),
      ("llm16.bin", header(20_240_520, 1, 8) + bytes(tokens, size: 2), .uint32),
      ("llm32.bin", header(20_240_801, 7, 8) + bytes(tokens, size: 4), .uint16),
    ]
    for (type, size) in [("|u1", 1), ("<u2", 2), ("<u4", 4), ("<i4", 4), ("<i8", 8)] {
      files.append(
        ("\(size)\(type.last!).npy", numpy(type, "(8,)", bytes(tokens, size: size)), .uint16))
    }
    let directory = TemporaryDirectory()
    for (name, content, element) in files {
      let path = directory.write(content, to: "\(name)")
      let stream = try TokenStream(file: path, element: element)
      #expect(stream.count == 8, "\(name)")
      let windows = try TokenWindows(stream, length: 7, vocabulary: 10)
      #expect(try values(windows, "input", [0]) == [3, 1, 4, 1, 5, 9, 2], "\(name)")
      #expect(try values(windows, "label", [0]) == [1, 4, 1, 5, 9, 2, 6], "\(name)")
    }
  }

  @Test("files that cannot be right are refused by name")
  func badFiles() throws {
    let cases: [(String, [UInt8], String)] = [
      ("odd", [1, 2, 3], "3 bytes, which are no uint16 tokens of 2 bytes"),
      ("short", header(20_240_520, 1, 9) + bytes([1, 2], size: 2), "promises 9 tokens"),
      ("version", header(20_240_520, 2, 2) + bytes([1, 2], size: 2), "version 2"),
      ("float", numpy("<f4", "(1,)", [0, 0, 0, 0]), "NumPy's type '<f4'"),
      ("axes", numpy("<u2", "(1, 2)", [0, 0, 0, 0]), "tokens have one axis"),
      ("cut", numpy("<u2", "(5,)", [0, 0, 0, 0]), "promises 5 tokens"),
    ]
    let directory = TemporaryDirectory()
    for (name, content, expected) in cases {
      let path = directory.write(content, to: "\(name).bin")
      let text = message { _ = try TokenStream(file: path) }
      #expect(text.contains("\(name).bin") && text.contains(expected), "\(text)")
    }
    let missing = message { _ = try TokenStream(file: directory.file("none.bin")) }
    #expect(missing.contains("none.bin"))
  }

  @Test("a token outside the vocabulary is named with its position and its example")
  func vocabulary() throws {
    let stream = TokenStream([Int32]([0, 1, 2, 0, 7, 1, 0]), name: "seven")
    let windows = try TokenWindows(stream, length: 2, vocabulary: 3)
    #expect(try values(windows, "input", [0]) == [0, 1])
    let text = message { _ = try values(windows, "label", [1]) }
    #expect(text.contains("example 1, 'label'") && text.contains("position 4 is 7"), "\(text)")
    #expect(text.contains("3 tokens, 0...2"))
    let part = try stream.part(3..<7, name: "rest")
    let later = try TokenWindows(part, length: 3, vocabulary: 3)
    #expect(message { _ = try values(later, "input", [0]) }.contains("position 1 is 7"))
  }

  @Test("what is too short or not positive is refused")
  func refused() throws {
    let stream = TokenStream([UInt16]([1, 2, 3]), name: "three")
    #expect(
      message { _ = try TokenWindows(stream, length: 3, vocabulary: 4) }.contains("needs 4"))
    #expect(try TokenWindows(stream, length: 2, vocabulary: 4).count == 1)
    #expect(message { _ = try TokenWindows(stream, length: 0, vocabulary: 4) }.contains("positive"))
    #expect(message { _ = try stream.part(1..<4, name: "x") }.contains("has no tokens 1..<4"))
    #expect(message { _ = try stream.split(testFraction: 1) }.contains("(0, 1)"))
    let (training, test) = try TokenStream([Int32](0..<10), name: "ten").split(testFraction: 0.2)
    #expect(training.count == 8 && test.count == 2)
  }

  @Test(
    "the fingerprint tells tokens, windows and parts apart, and a large file's costs a bounded read"
  )
  func fingerprints() throws {
    let tokens = [Int32](0..<50)
    let stream = TokenStream(tokens, name: "a")
    func windows(_ stream: TokenStream, _ length: Int = 5) throws -> Fingerprint {
      try TokenWindows(stream, length: length, vocabulary: 50).fingerprint
    }
    #expect(try windows(stream) == windows(TokenStream(tokens, name: "b")))
    #expect(try windows(stream) != windows(stream, 6))
    #expect(try windows(stream) != windows(TokenStream(tokens.reversed(), name: "a")))
    #expect(try windows(stream.part(0..<20, name: "x")) != windows(stream.part(1..<21, name: "x")))
    let directory = TemporaryDirectory()
    // 6 MiB: more than the 4 MiB that are hashed whole.
    var content = (0..<(6 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    let path = directory.write(content, to: "large.bin")
    let first = try TokenStream(file: path).fingerprint
    content[0] ^= 1
    _ = directory.write(content, to: "large.bin")
    let second = try TokenStream(file: path).fingerprint
    content[content.count - 1] ^= 1
    _ = directory.write(content, to: "large.bin")
    let third = try TokenStream(file: path).fingerprint
    _ = directory.write(Array(content.dropLast(2)), to: "large.bin")
    let fourth = try TokenStream(file: path).fingerprint
    #expect(Set([first, second, third, fourth]).count == 4)
  }
}
