/// Decimal numbers as tables and JSON write them.
package enum DecimalNumber {
  /// The number that the bytes of a range spell, rounded to the nearest Double; nil for any other
  /// text, and for a number beyond Double's range.
  ///
  /// Blanks at the ends are passed over. Hexadecimal digits, infinities and words are no numbers here.
  package static func read(_ bytes: [UInt8], _ range: Range<Int>) -> Double? {
    bytes.withUnsafeBufferPointer { read(UnsafeBufferPointer(rebasing: $0[range])) }
  }

  /// What a text is made of.
  private struct Parts {
    var isNegative = false
    /// The digits as one integer, as long as there are at most 19 of them.
    var digits: UInt64 = 0
    var digitCount = 0
    /// The power of ten that the digits stand for.
    var exponent = 0
  }

  /// Powers of ten that are exact in Double.
  private static let powers: [Double] = (0...22).map { power in
    (0..<power).reduce(1.0) { product, _ in product * 10 }
  }

  static func read(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    var (start, end) = (0, text.count)
    while start < end, isBlank(text[start]) { start += 1 }
    while start < end, isBlank(text[end - 1]) { end -= 1 }
    guard let parts = parts(text, start, end) else { return nil }
    // Digits and power are exact, and so their product or quotient is rounded once (Clinger's fast
    // path, "How to read floating point numbers accurately", PLDI 1990).
    if parts.digitCount <= 19, parts.digits <= 1 << 53, parts.exponent.magnitude <= 22 {
      let digits = Double(parts.digits)
      let value =
        parts.exponent < 0
        ? digits / powers[-parts.exponent] : digits * powers[parts.exponent]
      return parts.isNegative ? -value : value
    }
    let slow = Double(String(decoding: text[start..<end], as: UTF8.self))
    return slow.flatMap { $0.isFinite ? $0 : nil }
  }

  /// Takes a number apart: sign, digits with a point, exponent.
  private static func parts(
    _ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int
  ) -> Parts? {
    var parts = Parts()
    var next = start
    func sign() -> Bool? {
      guard next < end else { return nil }
      return text[next] == UInt8(ascii: "-") ? true : text[next] == UInt8(ascii: "+") ? false : nil
    }
    if let isNegative = sign() {
      parts.isNegative = isNegative
      next += 1
    }
    let firstDigit = next
    var points = 0
    while next < end {
      let digit = text[next] &- UInt8(ascii: "0")
      if digit < 10 {
        if parts.digitCount < 19 { parts.digits = parts.digits &* 10 &+ UInt64(digit) }
        // Zeros in front count for nothing.
        if parts.digits != 0 { parts.digitCount += 1 }
        parts.exponent -= points
      } else if text[next] == UInt8(ascii: "."), points == 0 {
        points = 1
      } else {
        break
      }
      next += 1
    }
    guard next - firstDigit > points else { return nil }
    guard next < end else { return parts }
    guard text[next] | 0x20 == UInt8(ascii: "e") else { return nil }
    next += 1
    let isDivided = sign()
    if isDivided != nil { next += 1 }
    guard next < end else { return nil }
    var exponent = 0
    while next < end {
      let digit = text[next] &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      exponent = min(exponent * 10 + Int(digit), 1_000_000)
      next += 1
    }
    parts.exponent += isDivided == true ? -exponent : exponent
    return parts
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }
}
