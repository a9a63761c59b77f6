/// Reads some members of JSON objects, and checks the rest without keeping it: for files of many lines.
package struct JSONMembers: Sendable {
  private let keys: [[UInt8]]

  /// - Parameter keys: the keys of interest.
  package init(_ keys: [String]) { self.keys = keys.map { Array($0.utf8) } }

  /// The values of the keys in one object, in the keys' order; nil where a key is missing.
  package func values(
    of bytes: UnsafeRawBufferPointer, source: String
  ) throws(JSONSyntaxError) -> [JSONValue?] {
    let text = bytes.assumingMemoryBound(to: UInt8.self)
    var parser = JSONParser(text, source: source)
    var values = [JSONValue?](repeating: nil, count: keys.count)
    try parser.members { parser, key throws(JSONSyntaxError) in
      guard let index = keys.firstIndex(where: { text[key].elementsEqual($0) }) else {
        return try parser.skipValue()
      }
      guard values[index] == nil else {
        throw parser.error("the key is there twice", at: key.lowerBound)
      }
      values[index] = try parser.parseValue()
    }
    return values
  }
}

extension JSONParser {
  /// Hands each member's key, as it is written between its quotes, to `body`, which takes or steps over
  /// the value. The text must be one object.
  mutating func members(
    _ body: (inout Self, _ key: Range<Int>) throws(JSONSyntaxError) -> Void
  ) throws(JSONSyntaxError) {
    skipWhitespace()
    guard accept("{") else { throw error("expected an object, found \(found)") }
    depth += 1
    try list("an object", end: "}") { parser throws(JSONSyntaxError) in
      try parser.member(body)
    }
    skipWhitespace()
    if position < bytes.count { throw error("expected the end of the text, found \(found)") }
  }

  mutating func skipValue() throws(JSONSyntaxError) {
    switch current {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      let isObject = current == UInt8(ascii: "{")
      let what = isObject ? "an object" : "an array"
      try nested(what) { parser throws(JSONSyntaxError) in
        try parser.list(what, end: isObject ? "}" : "]") { parser throws(JSONSyntaxError) in
          if !isObject { return try parser.skipValue() }
          try parser.member { parser, _ throws(JSONSyntaxError) in try parser.skipValue() }
        }
      }
    case UInt8(ascii: "\""): try skipString()
    case .some(UInt8(ascii: "-")), .some(UInt8(ascii: "0")...UInt8(ascii: "9")):
      _ = try skipNumber()
    default: _ = try parseValue()
    }
  }

  private mutating func member(
    _ body: (inout Self, _ key: Range<Int>) throws(JSONSyntaxError) -> Void
  ) throws(JSONSyntaxError) {
    guard current == UInt8(ascii: "\"") else {
      throw error("expected a key in double quotes, found \(found)")
    }
    let start = position + 1
    try skipString()
    let key = start..<(position - 1)
    skipWhitespace()
    guard accept(":") else { throw error("expected ':' behind a key, found \(found)") }
    skipWhitespace()
    try body(&self, key)
  }

  /// Takes elements apart by commas, behind the opening bracket, to the closing one.
  private mutating func list(
    _ what: String, end: Unicode.Scalar,
    _ element: (inout Self) throws(JSONSyntaxError) -> Void
  ) throws(JSONSyntaxError) {
    skipWhitespace()
    if accept(end) { return }
    while true {
      skipWhitespace()
      try element(&self)
      skipWhitespace()
      if accept(end) { return }
      guard accept(",") else {
        throw error("expected ',' or '\(end)' in \(what), found \(found)")
      }
    }
  }

  private mutating func skipString() throws(JSONSyntaxError) {
    let start = position
    position += 1
    while true {
      skipPlainCharacters()
      switch current {
      case UInt8(ascii: "\""):
        position += 1
        return
      case UInt8(ascii: "\\"): position += 2
      case nil: throw error("the string has no closing quote", at: start)
      default: throw error("a control character must be escaped in a string")
      }
    }
  }
}
