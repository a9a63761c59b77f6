import LockstepFiles
import Testing

@Suite struct FingerprintTests {
  @Test("published values of XXH3-128")
  func knownAnswers() {
    #expect(Fingerprint(of: "").description == "99aa06d3014798d86001c324468d497f")
    #expect(Fingerprint(of: "abc").description == "06b05ab6733a618578af5f94892f3950")
  }

  @Test("the hash of a stream is the hash of the whole, wherever it is cut")
  func streaming() {
    let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 * $0 >> 3) }
    let whole = Fingerprint(of: bytes)
    for size in [1, 3, 64, 240, 241, 1000, 4999, 5000] {
      var stream = FingerprintStream()
      for start in stride(from: 0, to: bytes.count, by: size) {
        bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { stream.update($0) }
      }
      #expect(stream.fingerprint == whole)
    }
  }

  @Test("the text reads back; other texts do not")
  func text() {
    let fingerprint = Fingerprint(high: 0x0123, low: 0xabcd)
    #expect(fingerprint.description == "0000000000000123000000000000abcd")
    #expect(Fingerprint(fingerprint.description) == fingerprint)
    #expect(Fingerprint("") == nil)
    #expect(Fingerprint("+000000000000123000000000000abcd") == nil)
    #expect(Fingerprint("g000000000000123000000000000abcd") == nil)
    #expect(Fingerprint(fingerprint.description + "0") == nil)
  }

  @Test("a tree's hash depends on every name, hash, cut and order")
  func tree() {
    let a = Fingerprint(of: "a")
    let b = Fingerprint(of: "b")
    let trees: [[(name: String, fingerprint: Fingerprint)]] = [
      [], [("x", a)], [("x", b)], [("y", a)], [("x", a), ("y", b)], [("y", b), ("x", a)],
      [("xy", a), ("", b)], [("", a), ("xy", b)],
    ]
    #expect(Set(trees.map(Fingerprint.tree)).count == trees.count)
    #expect(Fingerprint.tree(trees[4]) == Fingerprint.tree([("x", a), ("y", b)]))
  }

  @Test("one flipped bit anywhere changes the hash")
  func flips() {
    var bytes = [UInt8](repeating: 0x5a, count: 300)
    let whole = Fingerprint(of: bytes)
    for bit in 0..<(bytes.count * 8) {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(Fingerprint(of: bytes) != whole)
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
  }
}
