/// Decimal numbers as tables and JSON write them.
package enum DecimalNumber {
  /// The number that the bytes of a range spell, rounded to the nearest Double; nil for any other
  /// text, and for a number beyond Double's range.
  ///
  /// Blanks at the ends are passed over. Hexadecimal digits, infinities and words are no numbers here.
  ///
  /// - Parameter point: the byte between the whole digits and the fraction's.
  package static func read(
    _ bytes: [UInt8], _ range: Range<Int>, point: UInt8 = UInt8(ascii: ".")
  ) -> Double? {
    bytes.withUnsafeBufferPointer { read(UnsafeBufferPointer(rebasing: $0[range]), point: point) }
  }

  /// As ``read(_:_:point:)``, of a whole buffer.
  package static func read(
    _ text: UnsafeBufferPointer<UInt8>, point: UInt8 = UInt8(ascii: ".")
  ) -> Double? {
    var (start, end) = (0, text.count)
    while start < end, isBlank(text[start]) { start += 1 }
    while start < end, isBlank(text[end - 1]) { end -= 1 }
    let inner = UnsafeBufferPointer(rebasing: text[start..<end])
    guard let found = prefix(inner, point: point), found.length == inner.count else { return nil }
    return found.value.isFinite ? found.value : nil
  }

  /// The number at the beginning of a text, and its number of bytes; nil where there is none. A number
  /// beyond Double's range is infinite.
  package static func prefix(
    _ text: UnsafeBufferPointer<UInt8>, point: UInt8 = UInt8(ascii: ".")
  ) -> (value: Double, length: Int)? {
    guard let parts = parts(text, point) else { return nil }
    guard let value = parts.value else {
      var spelled = Array(text[..<parts.length])
      for place in spelled.indices where spelled[place] == point {
        spelled[place] = UInt8(ascii: ".")
      }
      return Double(String(decoding: spelled, as: UTF8.self)).map { ($0, parts.length) }
    }
    return (parts.isNegative ? -value : value, parts.length)
  }

  /// What a text is made of.
  private struct Parts {
    var isNegative = false
    /// The digits as one integer, as long as there are at most 19 of them.
    var digits: UInt64 = 0
    var digitCount = 0
    /// The power of ten that the digits stand for.
    var exponent = 0
    /// The number of bytes.
    var length = 0

    /// The magnitude, rounded once; nil where the digits or the power are too many for that.
    var value: Double? {
      guard digitCount <= 19 else { return nil }
      // Digits and power are exact, and so their product or quotient is rounded once (Clinger's fast
      // path, "How to read floating point numbers accurately", PLDI 1990).
      if digits <= 1 << 53, exponent.magnitude <= 22 {
        return exponent < 0
          ? Double(digits) / powers[-exponent] : Double(digits) * powers[exponent]
      }
      guard exponent <= 0, exponent >= -19 else { return nil }
      return quotient(digits, wholePowers[-exponent])
    }
  }

  /// Powers of ten that are exact in Double.
  private static let powers: [Double] = (0...22).map { power in
    (0..<power).reduce(1.0) { product, _ in product * 10 }
  }

  /// Powers of ten that are exact as 64 bits.
  private static let wholePowers: [UInt64] = (0...19).map { power in
    (0..<power).reduce(UInt64(1)) { product, _ in product * 10 }
  }

  /// The quotient of two positive integers, rounded to the nearest Double, ties to even: 64 bits of it
  /// and whether anything is left tell which way.
  private static func quotient(_ dividend: UInt64, _ divisor: UInt64) -> Double {
    let (up, down) = (dividend.leadingZeroBitCount, divisor.leadingZeroBitCount)
    let (high, low) = (dividend << UInt64(up), divisor << UInt64(down))
    let isLarger = high >= low
    let (bits, rest) = low.dividingFullWidth(
      isLarger ? (high >> 1, high << 63) : (high, 0))
    // The quotient is bits · 2^power, and the highest of the bits is set.
    let power = down - up - 64 + (isLarger ? 1 : 0)
    let (kept, lost) = (bits >> 11, bits & 0x7ff)
    let isUp = lost > 0x400 || lost == 0x400 && (rest != 0 || kept & 1 == 1)
    return Double(sign: .plus, exponent: power + 11, significand: Double(kept + (isUp ? 1 : 0)))
  }

  /// Takes the number at a text's beginning apart: sign, digits with a point, exponent.
  private static func parts(_ text: UnsafeBufferPointer<UInt8>, _ point: UInt8) -> Parts? {
    var parts = Parts()
    let end = text.count
    var next = 0
    if next < end, text[next] == UInt8(ascii: "-") || text[next] == UInt8(ascii: "+") {
      parts.isNegative = text[next] == UInt8(ascii: "-")
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
      } else if text[next] == point, points == 0 {
        points = 1
      } else {
        break
      }
      next += 1
    }
    guard next - firstDigit > points else { return nil }
    if next < end, text[next] | 0x20 == UInt8(ascii: "e") {
      guard let exponent = exponent(text, &next) else { return nil }
      parts.exponent += exponent
    }
    parts.length = next
    return parts
  }

  /// Takes an exponent from its E to the digits' end.
  private static func exponent(_ text: UnsafeBufferPointer<UInt8>, _ next: inout Int) -> Int? {
    next += 1
    var isDivided = false
    if next < text.count, text[next] == UInt8(ascii: "-") || text[next] == UInt8(ascii: "+") {
      isDivided = text[next] == UInt8(ascii: "-")
      next += 1
    }
    let first = next
    var exponent = 0
    while next < text.count {
      let digit = text[next] &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      exponent = min(exponent * 10 + Int(digit), 1_000_000)
      next += 1
    }
    guard next > first else { return nil }
    return isDivided ? -exponent : exponent
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }
}
