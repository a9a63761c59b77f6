/// A text that is not JSON: where and why.
package struct JSONSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file or other origin of the text.
  package let source: String
  /// The line, from 1.
  package let line: Int
  /// The column in characters (Unicode scalars), from 1.
  package let column: Int
  /// What was expected and found.
  package let reason: String

  /// What is wrong and where, for an error that names the source itself.
  package var place: String { "line \(line), column \(column): \(reason.printable)" }

  package var description: String { "\(source.printable): \(place)" }
}

extension JSONValue {
  /// The deepest nesting of arrays and objects that is parsed.
  package static let depthLimit = 128

  /// Parses one JSON value (RFC 8259, strictly): UTF-8, no comments, no trailing commas, no
  /// duplicate keys, numbers within the range of Double, nesting to ``depthLimit``. A byte-order mark
  /// in front of it is skipped, as the RFC allows. A text that is made of brackets and commas has too
  /// many values for its length, and is refused before they fill the memory.
  ///
  /// - Parameter allowsComments: whether what follows `//` up to the end of its line, outside of texts, is passed
  ///   over.
  package static func parse(
    _ bytes: [UInt8], source: String = "JSON", allowsComments: Bool = false
  ) throws(JSONSyntaxError) -> JSONValue {
    let result = bytes.withUnsafeBufferPointer { bytes in
      Result { () throws(JSONSyntaxError) in
        var parser = JSONParser(bytes, source: source)
        parser.allowsComments = allowsComments
        return try parser.parse()
      }
    }
    return try result.get()
  }

  /// Parses one JSON value.
  package static func parse(
    _ text: String, source: String = "JSON"
  ) throws(JSONSyntaxError) -> JSONValue {
    try parse(Array(text.utf8), source: source)
  }

  /// Parses a JSON file of at most 64 MiB; errors name its path.
  package static func read(_ path: String) throws -> JSONValue {
    try parse(try FileInput.contents(of: path, limit: 64 << 20), source: path)
  }
}

/// A recursive-descent parser over the bytes of a text.
struct JSONParser {
  let bytes: UnsafeBufferPointer<UInt8>
  let source: String
  var position = 0
  var depth = 0
  var allowsComments = false
  /// How many more values the text may have; a member of an object counts for four.
  var allowance: Int

  private static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

  init(_ bytes: UnsafeBufferPointer<UInt8>, source: String) {
    self.bytes = bytes
    self.source = source
    allowance = 250_000 + bytes.count / 5
  }

  mutating func spend(_ count: Int) throws(JSONSyntaxError) {
    allowance -= count
    if allowance < 0 { throw error("the text has too many values for its length") }
  }

  mutating func parse() throws(JSONSyntaxError) -> JSONValue {
    if bytes.starts(with: Self.byteOrderMark) { position = Self.byteOrderMark.count }
    if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
      throw error("the text is UTF-16; save it as UTF-8")
    }
    skipWhitespace()
    let value = try parseValue()
    skipWhitespace()
    if position < bytes.count { throw error("expected the end of the text, found \(found)") }
    return value
  }

  // MARK: Errors

  /// An error at a byte, by default the current one.
  func error(_ reason: String, at place: Int? = nil) -> JSONSyntaxError {
    var line = 1
    var column = 1
    let start = bytes.starts(with: Self.byteOrderMark) ? Self.byteOrderMark.count : 0
    for byte in bytes[start..<max(start, min(place ?? position, bytes.count))] {
      if byte == UInt8(ascii: "\n") {
        line += 1
        column = 1
      } else if byte & 0xc0 != 0x80 {
        column += 1
      }
    }
    return JSONSyntaxError(source: source, line: line, column: column, reason: reason)
  }

  /// The current byte, for messages.
  var found: String {
    guard position < bytes.count else { return "the end of the text" }
    let byte = bytes[position]
    if byte > 0x20, byte < 0x7f { return "'\(Character(UnicodeScalar(byte)))'" }
    return "the byte 0x\(String(byte, radix: 16))"
  }

  // MARK: Pieces

  var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// Passes over blanks and ends of lines, and over comments where they are allowed.
  mutating func skipWhitespace() {
    while let byte = current {
      switch byte {
      case 0x20, 0x0a, 0x0d, 0x09: position += 1
      case UInt8(ascii: "/")
      where allowsComments && position + 1 < bytes.count && bytes[position + 1] == byte:
        while let byte = current, byte != 0x0a { position += 1 }
      default: return
      }
    }
  }

  mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard current == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func parseValue() throws(JSONSyntaxError) -> JSONValue {
    try spend(1)
    switch current {
    case UInt8(ascii: "{"): return .object(try nested("an object", Self.parseObject))
    case UInt8(ascii: "["): return .array(try nested("an array", Self.parseArray))
    case UInt8(ascii: "\""): return .string(try parseString())
    case .some(UInt8(ascii: "-")), .some(UInt8(ascii: "0")...UInt8(ascii: "9")):
      return try parseNumber()
    case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", .null)
    default: throw error("expected a value, found \(found)")
    }
  }

  mutating func nested<Result>(
    _ what: String, _ parse: (inout Self) throws(JSONSyntaxError) -> Result
  ) throws(JSONSyntaxError) -> Result {
    guard depth < JSONValue.depthLimit else {
      throw error("\(what) is nested deeper than \(JSONValue.depthLimit) levels")
    }
    depth += 1
    position += 1
    let result = try parse(&self)
    depth -= 1
    return result
  }

  mutating func parseWord(
    _ word: String, _ value: JSONValue
  ) throws(JSONSyntaxError) -> JSONValue {
    guard bytes[position...].starts(with: word.utf8) else {
      throw error("expected a value, found an unknown word")
    }
    position += word.utf8.count
    return value
  }

  static func parseArray(_ parser: inout Self) throws(JSONSyntaxError) -> [JSONValue] {
    var elements: [JSONValue] = []
    parser.skipWhitespace()
    if parser.accept("]") { return elements }
    while true {
      parser.skipWhitespace()
      elements.append(try parser.parseValue())
      parser.skipWhitespace()
      if parser.accept("]") { return elements }
      guard parser.accept(",") else {
        throw parser.error("expected ',' or ']' in an array, found \(parser.found)")
      }
    }
  }

  static func parseObject(_ parser: inout Self) throws(JSONSyntaxError) -> JSONObject {
    var object = JSONObject()
    parser.skipWhitespace()
    if parser.accept("}") { return object }
    while true {
      parser.skipWhitespace()
      guard parser.current == UInt8(ascii: "\"") else {
        throw parser.error("expected a key in double quotes, found \(parser.found)")
      }
      let place = parser.position
      try parser.spend(4)
      let key = try parser.parseString()
      guard object[key] == nil else {
        throw parser.error("the key \(key.quoted) is there twice", at: place)
      }
      parser.skipWhitespace()
      guard parser.accept(":") else {
        throw parser.error("expected ':' behind the key \(key.quoted), found \(parser.found)")
      }
      parser.skipWhitespace()
      object[key] = try parser.parseValue()
      parser.skipWhitespace()
      if parser.accept("}") { return object }
      guard parser.accept(",") else {
        throw parser.error("expected ',' or '}' in an object, found \(parser.found)")
      }
    }
  }

  // MARK: Numbers

  @discardableResult
  mutating func skipDigits() throws(JSONSyntaxError) -> Int {
    let start = position
    while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
    if position == start { throw error("expected a digit, found \(found)") }
    return position - start
  }

  /// Steps over a number; returns whether it is written as an integer.
  mutating func skipNumber() throws(JSONSyntaxError) -> Bool {
    let start = position
    _ = accept("-")
    if accept("0") {
      if let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
        throw error("a number must not begin with 0", at: start)
      }
    } else {
      try skipDigits()
    }
    var isInteger = true
    if accept(".") {
      isInteger = false
      try skipDigits()
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      isInteger = false
      position += 1
      if !accept("+") { _ = accept("-") }
      try skipDigits()
    }
    return isInteger
  }

  mutating func parseNumber() throws(JSONSyntaxError) -> JSONValue {
    let start = position
    let isInteger = try skipNumber()
    if isInteger,
      let value = Int(String(decoding: bytes[start..<position], as: UTF8.self))
    {
      return .integer(value)
    }
    guard let value = DecimalNumber.read(UnsafeBufferPointer(rebasing: bytes[start..<position]))
    else { throw error("the number is out of range", at: start) }
    return .number(value)
  }

  // MARK: Strings

  /// Steps over characters of a string that stand for themselves.
  mutating func skipPlainCharacters() {
    while let byte = current, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
      position += 1
    }
  }

  mutating func parseString() throws(JSONSyntaxError) -> String {
    let start = position
    position += 1
    skipPlainCharacters()
    var content = Array(bytes[(start + 1)..<position])
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let text = String(validating: content, as: UTF8.self) else {
          throw error("the string is not valid UTF-8", at: start)
        }
        return text
      case UInt8(ascii: "\\"):
        position += 1
        try parseEscape(&content)
      case 0..<0x20:
        throw error("a control character must be escaped in a string")
      default:
        content.append(byte)
        position += 1
      }
    }
    throw error("the string has no closing quote", at: start)
  }

  mutating func parseEscape(_ content: inout [UInt8]) throws(JSONSyntaxError) {
    guard let byte = current else { throw error("the text ends inside of a string") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "f"): content.append(0x0c)
    case UInt8(ascii: "n"): content.append(0x0a)
    case UInt8(ascii: "r"): content.append(0x0d)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "u"):
      let place = position - 2
      var code = try parseHexadecimal()
      if code & 0xfc00 == 0xd800 {
        guard accept("\\"), accept("u") else {
          throw error("half of a surrogate pair", at: place)
        }
        let low = try parseHexadecimal()
        guard low & 0xfc00 == 0xdc00 else { throw error("half of a surrogate pair", at: place) }
        code = 0x10000 + (code & 0x3ff) << 10 + (low & 0x3ff)
      }
      guard let scalar = Unicode.Scalar(code) else {
        throw error("half of a surrogate pair", at: place)
      }
      content.append(contentsOf: Array(String(Character(scalar)).utf8))
    default:
      position -= 1
      throw error("unknown escape \\\(found)")
    }
  }

  mutating func parseHexadecimal() throws(JSONSyntaxError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = current, let digit = Character(UnicodeScalar(byte)).hexDigitValue,
        byte < 0x80
      else {
        throw error("expected four hexadecimal digits, found \(found)")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
