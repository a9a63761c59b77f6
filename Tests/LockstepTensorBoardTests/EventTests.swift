import LockstepFiles
import LockstepTensorBoard
import Testing

/// Events against the records of TensorBoard's own writer, which scripts/reference/tensorboard-events.py
/// makes.
@Suite struct EventTests {
  @Test func recordsAreTheBytesThatTensorBoardWrites() throws {
    let path = #filePath.replacing("EventTests.swift", with: "Reference/events.txt")
    let text = String(decoding: try FileInput.contents(of: path), as: UTF8.self)
    let wanted = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    let values: [Float] = [-1.3, 1, 1.1, 1.5, 3]
    let histogram = values.withUnsafeBufferPointer { ValueHistogram($0) }
    let events: [String: Event] = [
      "version": Event(time: 1_700_000_000.25, step: 0, .version),
      "start": Event(time: 1_700_000_001, step: 7, .start),
      "scalars": Event(
        time: 1_700_000_002, step: 300,
        .values([
          ("loss/training", .scalar(0.125)), ("gradientNorm/beforeClipping", .scalar(3.5)),
          ("zero", .scalar(0)),
        ])),
      "text": Event(
        time: 1_700_000_003, step: 1,
        .values([("configuration", .text("```\n{\"é\": 1}\n```"))])),
      "image": Event(
        time: 1_700_000_004, step: 2,
        .values([
          (
            "confusion/test",
            .image(png: [137, 80, 78, 71, 0, 255], width: 2, height: 2, channels: 3)
          )
        ])),
      "histogram": Event(
        time: 1_700_000_005, step: 3, .values([("weights/fc.bias", .histogram(histogram))])),
    ]
    #expect(Set(wanted.map { $0[0] }) == Set(events.keys))
    for line in wanted {
      let event = try #require(events[line[0]])
      let found = EventFile.record(event.message).map { byte in
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined()
      #expect(found == line[1], "\(line[0])")
    }
  }

  /// The vectors of RFC 3720, appendix B.4.
  @Test func checksumsAreThoseOfTheStandard() {
    let rising = [UInt8](0..<32)
    let vectors: [(bytes: [UInt8], sum: UInt32)] = [
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43), (rising, 0x46DD_794E),
      (rising.reversed(), 0x113F_DB5C), ([UInt8]("123456789".utf8), 0xE306_9283), ([], 0),
    ]
    for (bytes, sum) in vectors { #expect(CRC32C.checksum(bytes) == sum) }
  }

  /// Every finite value is in one bucket: its own, by the limits.
  @Test func bucketsHoldTheirValues() throws {
    var state: UInt64 = 1
    var values: [Float] = [
      0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .greatestFiniteMagnitude, 1, -1,
    ]
    for _ in 0..<2000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: state >> 32))
      if value.isFinite { values.append(value) }
    }
    let histogram = (values + [.nan, .infinity]).withUnsafeBufferPointer { ValueHistogram($0) }
    let buckets = histogram.buckets
    #expect(histogram.count == values.count)
    #expect(buckets.reduce(0) { $0 + $1.count } == values.count)
    #expect(zip(buckets, buckets.dropFirst()).allSatisfy { $0.limit <= $1.limit })
    // As many values lie below each limit as its bucket and those before it hold, but for values on it.
    var sum = 0
    for bucket in buckets {
      sum += bucket.count
      let below = values.count { Double($0) < bucket.limit }
      let upTo = values.count { Double($0) <= bucket.limit }
      #expect((below...upTo).contains(sum), "\(bucket)")
    }
    #expect(!zip(buckets, buckets.dropFirst()).contains { $0.count == 0 && $1.count == 0 })
  }

  @Test func filesBeginWithTheirVersionAndAreReadInOrder() throws {
    let folder = "/tmp/lockstep-events-\(UInt64.random(in: 0 ... .max))"
    let first = try EventFile(in: folder, time: 5)
    let second = try EventFile(in: folder, time: 1_700_000_000)
    #expect(first.path < second.path)
    try second.append(Event(time: 1, step: 2, .values([("a", .scalar(1))])))
    let bytes = try FileInput.contents(of: second.path)
    let version = EventFile.record(Event(time: 1_700_000_000, step: 0, .version).message)
    #expect(bytes.starts(with: version) && bytes.count > version.count)
    for path in [first.path, second.path] { try SystemFileSystem().remove(path) }
  }
}
