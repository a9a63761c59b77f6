/// How a token is stored in a file, little-endian.
public enum TokenElement: String, Sendable, CaseIterable {
  /// Integers of 8 bits.
  case uint8
  /// Integers of 16 bits: nanoGPT's and llm.c's GPT-2 tokens.
  case uint16
  /// Integers of 32 bits.
  case uint32
  /// Integers of 32 bits, signed.
  case int32
  /// Integers of 64 bits, signed: NumPy's default.
  case int64

  /// The number of bytes of a token.
  package var size: Int {
    switch self {
    case .uint8: 1
    case .uint16: 2
    case .uint32, .int32: 4
    case .int64: 8
    }
  }
}
