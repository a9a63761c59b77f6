/// What a text that is no number and no date looks like all the same.
enum CellLook: Sendable {
  /// A number in another notation: 1,5 or 1 000 or 12 % or 0x1F.
  case number
  /// A date in another spelling: 31.01.24 or 2024-01-31 24:00.
  case date

  /// The look of a text; nil for a name.
  init?(_ text: String) {
    if Self.hasThreeGroups(text) {
      self = .date
    } else if Self.isNumeric(text) {
      self = .number
    } else {
      return nil
    }
  }

  /// Whether a text begins with three groups of digits, between `-`, `/` or `.`, as 31.01.24 does.
  private static func hasThreeGroups(_ text: String) -> Bool {
    var lengths = [0]
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): lengths[lengths.count - 1] += 1
      case UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "."):
        if lengths.count < 3 { lengths.append(0) } else { return false }
      default:
        return lengths.count == 3 && areGroups(lengths)
          && (byte == UInt8(ascii: " ") || byte == UInt8(ascii: "T"))
      }
    }
    return lengths.count == 3 && areGroups(lengths)
  }

  private static func areGroups(_ lengths: [Int]) -> Bool {
    // 1.2.3 is a version, say.
    (1...4).contains(lengths[0]) && (1...2).contains(lengths[1]) && (1...4).contains(lengths[2])
      && (lengths[1] == 2 || lengths.contains(4))
  }

  private static func isNumeric(_ text: String) -> Bool {
    if text.hasPrefix("0x") || text.hasPrefix("0X") {
      return text.utf8.count > 2
        && text.unicodeScalars.dropFirst(2).allSatisfy { $0.properties.isHexDigit }
    }
    if words.contains(text.lowercased().filter { $0 != "+" && $0 != "-" }) { return true }
    var (hasDigit, before): (Bool, Unicode.Scalar?) = (false, nil)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "0"..."9": hasDigit = true
      case ".", ",", "'", "\u{2019}", " ", "\u{a0}", "\u{202f}", "%", "$", "€", "£", "¥": break
      case "+", "-", "\u{2212}":
        guard before == nil || before == "e" || before == "E" else { return false }
      case "e", "E": guard hasDigit else { return false }
      default: return false
      }
      before = scalar
    }
    return hasDigit && before != "e" && before != "E" && isGrouped(text)
  }

  /// Whether several points or commas stand before three digits each, as those between thousands do: 1.2.3 is a
  /// version, and 10.0.0.1 an address.
  private static func isGrouped(_ text: String) -> Bool {
    for mark in [UInt8(ascii: "."), UInt8(ascii: ",")] {
      let parts = text.utf8.split(separator: mark, omittingEmptySubsequences: false)
      if parts.count > 2,
        !parts.dropFirst().allSatisfy({ part in
          part.prefix { (0x30...0x39).contains($0) }.count == 3
        })
      {
        return false
      }
    }
    return true
  }

  private static let words: Set<String> = ["inf", "infinity"]
}
