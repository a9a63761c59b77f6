import LockstepConfiguration
import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

/// Texts and tokens as configurations name them.
@Suite struct TextSourceTests {
  private func parts(
    _ data: String, in folder: String = "/tmp"
  ) throws -> DataConfiguration.Parts {
    try RunConfiguration(
      parsing: Array(#"{"data": \#(data), "model": {"type": "mlp", "sizes": [2]}}"#.utf8),
      source: "\(folder)/c.json"
    ).data.load()
  }

  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  @Test("the embedded text is cut at one place; windows do not cross it")
  func cut() throws {
    let data = #"{"type": "king-james", "window": 100, "testFraction": 0.1}"#
    let parts = try parts(data)
    #expect(parts.training.count == 11397)
    #expect(parts.test?.count == 1266)
    #expect(parts.record.description.tokens?.vocabulary == 72)
    #expect(parts.training.inputFields == [ExampleField("input", [100], .int32(limit: 72))])
    let random = try self.parts(
      data.replacing(#""window""#, with: #""starts": "everyPosition", "window""#))
    #expect(random.training.count == 1_139_769 - 100)
    #expect(random.test?.fingerprint == parts.test?.fingerprint)
    #expect(random.training.fingerprint != parts.training.fingerprint)
  }

  @Test("a batch has a row for each stream, and its size is part of what the data are")
  func streams() throws {
    func configuration(_ batchSize: Int, _ starts: String) throws -> DataConfiguration {
      try RunConfiguration(
        parsing: Array(
          #"""
          {"data": {"type": "king-james", "window": 100, "starts": "\#(starts)", "testFraction": 0.1},
           "batchSize": \#(batchSize), "model": {"type": "mlp", "sizes": [2]}}
          """#.utf8), source: "c.json"
      ).data
    }
    let data = try configuration(10, "streams")
    let parts = try data.load()
    #expect(parts.training.streams == 10)
    #expect(parts.training.count == 11390)
    #expect(parts.test?.streams == 1 && parts.test?.count == 1266)
    #expect(try configuration(12, "streams").identity != data.identity)
    let plain = try configuration(10, "contiguous")
    #expect(try plain.load().training.streams == 1)
    #expect(try configuration(12, "contiguous").identity == plain.identity)
    #expect(
      message { _ = try configuration(20_000, "streams").load() }.contains(
        "20000 streams (as many as a batch has rows)"))
  }

  @Test("what was read later through what training learned is the same")
  func later() throws {
    let configuration = try RunConfiguration(
      parsing: Array(
        #"{"data": {"type": "king-james", "testFraction": 0.1}, "model": "digits-cnn"}"#
          .utf8), source: "c.json")
    let parts = try configuration.data.load()
    let description = try DataDescription(parts.record.description.json, source: "d")
    #expect(description == parts.record.description)
    for name in DataConfiguration.PartName.allCases {
      let part = try #require(try configuration.data.part(name, as: description)).part
      let expected = name == .test ? parts.test?.fingerprint : parts.training.fingerprint
      #expect(part.examples.fingerprint == expected)
      #expect(part.summary == (name == .test ? description.test : description.training))
    }
  }

  @Test("bytes take any file, characters take UTF-8")
  func bytes() throws {
    let directory = TemporaryDirectory()
    try AtomicFile.write(
      directory.file("a.txt"), bytes: (0..<300).map { UInt8(truncatingIfNeeded: $0) })
    let text = #"{"type": "text", "file": "a.txt", "window": 10, "tokenizer": "bytes"}"#
    let parts = try parts(text, in: directory.path)
    #expect(parts.training.count == 29)
    #expect(parts.record.description.tokens?.vocabulary == 256)
    let characters = text.replacing("bytes", with: "characters")
    #expect(
      message { _ = try self.parts(characters, in: directory.path) }.contains(
        "a.txt: byte 128 is no UTF-8"))
  }

  @Test("a test file, or a cut")
  func tokens() throws {
    let directory = TemporaryDirectory()
    let tokens: [UInt8] = (0..<101).flatMap { [UInt8($0 % 5), 0] as [UInt8] }
    try AtomicFile.write(directory.file("a.bin"), bytes: tokens)
    let start = #"{"type": "tokens", "file": "a.bin", "vocabulary": 5, "window": 10"#
    #expect(try parts(start + "}", in: directory.path).test == nil)
    let file = try parts(start + #", "testFile": "a.bin"}"#, in: directory.path)
    #expect(file.training.count == 10 && file.test?.count == 10)
    let cut = try parts(start + #", "testFraction": 0.5}"#, in: directory.path)
    #expect(cut.training.count == 4 && cut.test?.count == 5)
    #expect(
      message {
        _ = try self.parts(
          start + #", "testFraction": 0.5, "testFile": "a.bin"}"#, in: directory.path)
      }.contains("both make a test part"))
  }
}
