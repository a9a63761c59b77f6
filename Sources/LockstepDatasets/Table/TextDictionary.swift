import LockstepFiles

/// The distinct texts of a column, numbered in the order in which they first come.
struct TextDictionary: Sendable {
  /// The bytes of all texts, one behind the other.
  private var bytes: [UInt8] = []
  /// Where each text ends among them.
  private var ends: [Int] = []
  private var hashes: [UInt64] = []
  /// The number of a text plus one by its hash; 0 where there is none.
  private var slots: [UInt32] = []

  /// The number of distinct texts.
  var count: Int { ends.count }

  /// The number of bytes of all texts.
  var size: Int { bytes.count }

  /// A text by its number.
  func text(_ number: Int) -> String {
    String(decoding: bytes[(number == 0 ? 0 : ends[number - 1])..<ends[number]], as: UTF8.self)
  }

  /// The bytes of a text by its number.
  func withBytes<Result>(_ number: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    bytes.withUnsafeBufferPointer {
      body(UnsafeBufferPointer(rebasing: $0[(number == 0 ? 0 : ends[number - 1])..<ends[number]]))
    }
  }

  /// The number of a text, a new one where it comes for the first time.
  mutating func number(of text: UnsafeBufferPointer<UInt8>) -> UInt32 {
    if slots.isEmpty { slots = [UInt32](repeating: 0, count: 16) }
    let hash = Self.hash(text)
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 {
      let number = Int(slots[slot]) - 1
      if hashes[number] == hash, isEqual(number, text) { return UInt32(number) }
      slot = (slot + 1) & mask
    }
    bytes.append(contentsOf: text)
    ends.append(bytes.count)
    hashes.append(hash)
    slots[slot] = UInt32(ends.count)
    if 2 * ends.count > slots.count { grow() }
    return UInt32(ends.count - 1)
  }

  private func isEqual(_ number: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    let start = number == 0 ? 0 : ends[number - 1]
    guard ends[number] - start == text.count else { return false }
    for place in 0..<text.count where bytes[start + place] != text[place] { return false }
    return true
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: 2 * slots.count)
    let mask = slots.count - 1
    for (number, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & mask
      while slots[slot] != 0 { slot = (slot + 1) & mask }
      slots[slot] = UInt32(number + 1)
    }
  }

  /// FNV-1a, its high bits folded into the low ones. Source: G. Fowler, L. C. Noll, K.-P. Vo, "The FNV
  /// non-cryptographic hash algorithm".
  private static func hash(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash ^ hash >> 32
  }

  // MARK: Bytes

  /// Everything, as a file can hold it: where each text ends, and the texts.
  func forEachPart(_ body: (UnsafeRawBufferPointer) throws(FileError) -> Void) throws(FileError) {
    var failure: FileError?
    ends.withUnsafeBytes { ends in
      do throws(FileError) { try body(ends) } catch { failure = error }
    }
    if let failure { throw failure }
    bytes.withUnsafeBytes { bytes in
      do throws(FileError) { try body(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  init() {}

  /// The texts of ``forEachPart(_:)``, which no further text can join.
  init(ends: [Int], bytes: [UInt8]) {
    self.ends = ends
    self.bytes = bytes
  }
}
