import LockstepFiles

/// The bytes of a text's UTF-8 are its tokens: a vocabulary of 256 that every text fits.
public struct ByteTokenizer: DescribedTokenizer {
  static let kind = "bytes"

  /// 256.
  public var vocabulary: Int { 256 }
  package var json: JSONValue { ["kind": .string(Self.kind)] }

  /// Makes the tokenizer.
  public init() {}

  public func encode(_ text: String) throws(TextError) -> [Int32] { text.utf8.map(Int32.init) }

  /// The text; bytes that are no UTF-8, as a model may write them, become U+FFFD.
  public func decode(_ tokens: [Int32]) throws(TextError) -> String {
    if let place = tokens.firstIndex(where: { !(0..<256).contains($0) }) {
      throw TextError("token \(place) is \(tokens[place]); a byte is in 0...255")
    }
    return String(decoding: tokens.map { UInt8($0) }, as: UTF8.self)
  }
}
