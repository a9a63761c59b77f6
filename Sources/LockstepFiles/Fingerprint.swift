internal import CXXHash

/// A 128-bit XXH3 hash: what two ranks, two files or two runs compare.
///
/// The text is xxHash's canonical form (`xxhsum -H2` prints the same): 32 lower-case hexadecimal
/// digits, high half first. XXH3 is not cryptographic; it finds accidents, not attacks.
public struct Fingerprint: Sendable, Hashable, CustomStringConvertible {
  /// The high 64 bits.
  package let high: UInt64
  /// The low 64 bits.
  package let low: UInt64

  /// The bits, as ranks exchange them.
  package var words: SIMD2<UInt64> { SIMD2(high, low) }

  /// Makes the hash of two halves.
  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The hash of bytes.
  package init(of bytes: UnsafeRawBufferPointer) {
    let hash = XXH3_128bits(bytes.baseAddress, bytes.count)
    self.init(high: hash.high64, low: hash.low64)
  }

  /// The hash of the memory of values without padding: numbers, or structs of equal numbers.
  public init<Element: BitwiseCopyable>(of values: [Element]) {
    self = values.withUnsafeBytes { Fingerprint(of: $0) }
  }

  /// The hash of a text's UTF-8 bytes.
  public init(of text: String) { self.init(of: Array(text.utf8)) }

  /// Reads 32 hexadecimal digits; nil for any other text.
  public init?(_ text: String) {
    let digits = Array(text.utf8)
    guard digits.count == 32, digits.allSatisfy({ $0 != UInt8(ascii: "+") }),
      let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(high: high, low: low)
  }

  public var description: String {
    func hex(_ value: UInt64) -> String {
      let digits = String(value, radix: 16)
      return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
    return hex(high) + hex(low)
  }

  /// The hash of a list of named hashes.
  ///
  /// Equal for equal lists alone: names are hashed with their lengths, order counts, and a
  /// comparison entry by entry names the first difference.
  package static func tree(_ entries: [(name: String, fingerprint: Fingerprint)]) -> Fingerprint {
    var stream = FingerprintStream()
    stream.update(UInt64(entries.count))
    for entry in entries {
      let name = Array(entry.name.utf8)
      stream.update(UInt64(name.count))
      name.withUnsafeBytes { stream.update($0) }
      stream.update(entry.fingerprint.high)
      stream.update(entry.fingerprint.low)
    }
    return stream.fingerprint
  }
}

/// A ``Fingerprint`` of bytes that come in parts; where they are cut does not matter.
public struct FingerprintStream: ~Copyable {
  private let state: OpaquePointer

  /// Starts without bytes.
  public init() {
    guard let state = XXH3_createState() else { fatalError("out of memory: a hash's state") }
    self.state = state
    XXH3_128bits_reset(state)
  }

  deinit { XXH3_freeState(state) }

  /// Appends bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    if bytes.count > 0 { XXH3_128bits_update(state, bytes.baseAddress, bytes.count) }
  }

  /// Appends bytes.
  public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// Appends an integer, low byte first.
  public mutating func update(_ value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { update($0) }
  }

  /// The hash of everything appended so far.
  public var fingerprint: Fingerprint {
    let hash = XXH3_128bits_digest(state)
    return Fingerprint(high: hash.high64, low: hash.low64)
  }
}
