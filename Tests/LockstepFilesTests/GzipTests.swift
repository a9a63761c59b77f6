import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct GzipTests {
  /// Text that compresses, but not to nothing.
  private let content = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }

  @Test("inflating gives back what was compressed", arguments: [0, 1, 1000, 20_000])
  func roundTrip(count: Int) throws {
    let part = Array(content.prefix(count))
    #expect(try Gzip.inflate(gzipped(part), path: "f") == part)
  }

  @Test("content larger than the inner buffer")
  func large() throws {
    let large = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
    #expect(try Gzip.inflate(gzipped(large), path: "f") == large)
  }

  @Test("members follow each other; zero padding at the end is skipped")
  func members() throws {
    let file = gzipped(Array(content[..<500])) + gzipped([]) + gzipped(Array(content[500...]))
    #expect(try Gzip.inflate(file, path: "f") == content)
    #expect(try Gzip.inflate(file + [0, 0, 0], path: "f") == content)
    let error = #expect(throws: FileError.self) { try Gzip.inflate(file + [1, 2], path: "f") }
    #expect(error?.description == "f: 2 bytes follow the end of the gzip data")
  }

  @Test("every truncation is an error")
  func truncations() throws {
    let file = gzipped(Array(content.prefix(300)))
    for length in 0..<file.count {
      let error = #expect(throws: FileError.self) {
        try Gzip.inflate(Array(file[..<length]), path: "f")
      }
      #expect(error?.kind == .truncated)
    }
  }

  @Test("every flipped bit is an error or changes nothing")
  func flips() throws {
    let part = Array(content.prefix(200))
    var file = gzipped(part)
    var errors = 0
    for bit in 0..<(file.count * 8) {
      file[bit / 8] ^= 1 << UInt8(bit % 8)
      do {
        #expect(try Gzip.inflate(file, path: "f") == part)
      } catch {
        errors += 1
      }
      file[bit / 8] ^= 1 << UInt8(bit % 8)
    }
    // Unchecked are the header's remarks (time, system, is-text) and the bits that fill up the
    // last byte of the compressed data.
    #expect(errors >= (file.count - 10) * 8 - 7)
  }

  @Test("content beyond the limit is refused, and the limit itself is not")
  func limit() throws {
    let error = #expect(throws: FileError.self) {
      try Gzip.inflate(gzipped(content), path: "f.gz", limit: content.count - 1)
    }
    #expect(error?.description == "f.gz: inflates to more than the limit of 19999 bytes")
    #expect(error?.kind == .tooLarge)
    #expect(try Gzip.inflate(gzipped(content), path: "f", limit: content.count) == content)
  }

  @Test("the length is found without keeping the content, up to the limit")
  func length() throws {
    let directory = TemporaryDirectory()
    let file = try FileInput(directory.write(gzipped(content)))
    #expect(try Gzip.length(file, limit: content.count) == content.count)
    let error = #expect(throws: FileError.self) {
      try Gzip.length(file, limit: content.count - 1)
    }
    #expect(error?.kind == .tooLarge)
  }

  @Test("a file that is read by blocks gives what its bytes give, faults too")
  func file() throws {
    let directory = TemporaryDirectory()
    // More than a block of the file, and hardly any of it can be packed.
    var generator = SystemRandomNumberGenerator()
    let large = (0..<3 << 20).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let member = gzipped(large)
    for bytes in [
      member, member + gzipped(content), member + [0, 0, 0], gzipped(content) + [0],
      Array(member.dropLast(9)), member + [1], member + [0x1f], gzipped(content) + [0, 1, 2],
      [0x1f, 0x8b, 8, 0, 9, 9, 9, 9, 9, 9, 9, 9],
    ] {
      let path = directory.write(bytes)
      func result(_ body: ((UnsafeRawBufferPointer) -> Void) throws -> Void) -> String {
        var stream = FingerprintStream()
        do {
          try body { stream.update($0) }
          return "\(stream.fingerprint)"
        } catch { return "\(error)" }
      }
      let whole = result { take in
        try Gzip.inflate(bytes, path: path) { chunk in
          take(chunk)
          return true
        }
      }
      let blocks = result { take in
        try Gzip.inflate(try FileInput(path)) { chunk in
          take(chunk)
          return true
        }
      }
      #expect(blocks == whole)
    }
  }

  @Test("inflating ends where the program is asked to stop")
  func stop() {
    let file = gzipped(content)
    let error = #expect(throws: FileError.self) {
      try ReadingStop.heeding({ true }) { _ = try Gzip.inflate(file, path: "f") }
    }
    #expect(error?.description == "f: was not read to its end: the program was asked to stop")
  }

  @Test("content beyond the limit is not inflated")
  func bomb() async {
    await #expect(processExitsWith: .success) {
      let bomb = gzipBomb(megabytes: 500)
      withMemoryBound(growth: 16 << 20) {
        #expect(throws: FileError.self) {
          _ = try Gzip.inflate(bomb, path: "bomb.gz", limit: 1 << 20)
        }
      }
    }
  }

  @Test("a prefix needs no more than its part of the file")
  func prefixes() throws {
    let file = gzipped(content)
    #expect(try Gzip.prefix(file, count: 10, path: "f") == Array(content[..<10]))
    #expect(try Gzip.prefix(file, count: 1 << 20, path: "f") == content)
  }

  @Test("other files are refused")
  func notGzip() {
    let error = #expect(throws: FileError.self) { try Gzip.inflate([1, 2, 3], path: "f") }
    #expect(
      error?.description == "f: is not a gzip file: expected the bytes 1f 8b at its start")
  }

  @Test("damaged files never crash or take memory without bound")
  func fuzz() async {
    await #expect(processExitsWith: .success) {
      let content = (0..<2000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
      let file = gzipped(content) + gzipped([1, 2, 3])
      var mutator = Mutator(seed: 1)
      var errors = 0
      withMemoryBound {
        for _ in 0..<4000 {
          do { _ = try Gzip.inflate(mutator.mutate(file), path: "f", limit: 1 << 20) } catch {
            errors += 1
          }
        }
      }
      #expect(errors > 3000)
    }
  }
}
