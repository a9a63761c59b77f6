import LockstepFiles

/// A run's progress on one line of a terminal: a bar, what is left, and how it goes. What does not fit is left
/// out, the least important first.
package struct ProgressLine: Sendable {
  /// The steps done.
  package var step: Int
  /// The steps of the whole run.
  package var total: Int
  /// What goes before the bar: `epoch 3/10`.
  package var title: String
  /// The seconds that are left; nil while that is not known.
  package var secondsLeft: Double?
  /// How it goes, the most important first: `loss 0.12`.
  package var facts: [String]
  /// Whether the terminal shows more than ASCII.
  package var isUnicode: Bool

  /// A line of these parts.
  package init(
    step: Int, total: Int, title: String, secondsLeft: Double?, facts: [String], isUnicode: Bool
  ) {
    self.step = step
    self.total = total
    self.title = title
    self.secondsLeft = secondsLeft
    self.facts = facts
    self.isUnicode = isUnicode
  }

  /// The bar's narrowest and widest width.
  private static let bars = (least: 6, most: 28)

  /// The line in at most `width` columns.
  package func text(width: Int) -> String {
    let part = total > 0 ? min(max(Double(step) / Double(total), 0), 1) : 0
    // Rounded down: 100 % is the end, and nothing before it.
    let share = "\(Int(100 * part)) %"
    var texts = ["\(title)", share, "step \(step)/\(total)"]
    if let secondsLeft { texts.append("\(Self.duration(secondsLeft)) left") }
    let separator = isUnicode ? " · " : ", "
    func length(_ texts: [String]) -> Int {
      texts.reduce(0) { $0 + $1.count } + separator.count * max(texts.count - 1, 0)
    }
    let room = width - Self.bars.least - 2
    guard length(Array(texts.prefix(2))) <= room else { return String(share.prefix(max(width, 0))) }
    var shown = Array(texts.prefix(2))
    for text in Array(texts.dropFirst(2)) + facts where length(shown + [text]) <= room {
      shown.append(text)
    }
    let bar = min(max(width - length(shown) - 2, Self.bars.least), Self.bars.most)
    return shown[0] + " " + Self.bar(part, width: bar, isUnicode: isUnicode) + " "
      + shown.dropFirst().joined(separator: separator)
  }

  /// A bar that is full by a part.
  package static func bar(_ part: Double, width: Int, isUnicode: Bool) -> String {
    let places = max(isUnicode ? width : width - 2, 0)
    let full = min(max(Int(part * Double(places)), 0), places)
    func filled(_ done: String, _ left: String) -> String {
      String(repeating: done, count: full) + String(repeating: left, count: places - full)
    }
    return isUnicode ? filled("█", "░") : "[\(filled("#", "."))]"
  }

  /// `0:42`, `12:03`, `1:02:03`, `3 d 4 h`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "long" }
    let all = Int(max(seconds, 0).rounded())
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    if all >= 86_400 { return "\(all / 86_400) d \(all % 86_400 / 3600) h" }
    if all >= 3600 { return "\(all / 3600):\(two(all % 3600 / 60)):\(two(all % 60))" }
    return "\(all / 60):\(two(all % 60))"
  }
}
