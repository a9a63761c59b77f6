import LockstepPlatform

/// A number with its noun in the right form: `1 shard`, `2 shards`.
package func counted(_ count: Int, _ noun: String, plural: String? = nil) -> String {
  "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
}

/// A number as people read it: a few significant digits, no trailing zeros, and an exponent only
/// where the number is below 1e-4 or has more than six digits: `0.1234`, `12345`, `1.5e-6`, `1e25`.
///
/// Files for programs keep all digits; this is for tables, messages and plots.
package func readable(_ value: Double, digits: Int = 4) -> String {
  guard value.isFinite else {
    return value.isNaN ? "NaN" : value > 0 ? "infinity" : "-infinity"
  }
  // By its bits: a thread that computes may take the smallest numbers for 0.
  guard !value.isZero else { return "0" }
  let digits = min(max(digits, 1), 17)
  let parts = printed(value, "%.\(digits - 1)e").split(separator: "e")
  guard parts.count == 2, let exponent = Int(parts[1]) else { return "\(value)" }
  if exponent < -4 || exponent > max(5, digits - 1) {
    return trimmed(String(parts[0])) + "e\(exponent)"
  }
  return trimmed(printed(value, "%.\(max(digits - 1 - exponent, 0))f"))
}

/// Without the zeros at the end of a fraction.
private func trimmed(_ text: String) -> String {
  guard text.contains(".") else { return text }
  var text = Substring(text)
  while text.last == "0" { text = text.dropLast() }
  if text.last == "." { text = text.dropLast() }
  return String(text)
}

/// A number as C's `printf` writes it.
private func printed(_ value: Double, _ form: String) -> String {
  var text = [CChar](repeating: 0, count: 400)
  let count = withVaList([value]) { vsnprintf(&text, text.count, form, $0) }
  return String(decoding: text[..<Int(max(count, 0))].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
