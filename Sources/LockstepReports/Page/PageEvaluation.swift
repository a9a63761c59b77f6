import LockstepFiles

/// What a run's last evaluation found, as text of the page: the confusion matrix and the worst predictions.
struct PageEvaluation {
  private let evaluation: EvaluationRecord
  /// Behind titles, where there are several runs.
  private let suffix: String

  init(_ evaluation: EvaluationRecord, of run: String?) {
    self.evaluation = evaluation
    suffix = run.map { ": \($0)" } ?? ""
  }

  private func card(_ title: String, isWide: Bool = true, _ content: String) -> String {
    """
    <section class="card\(isWide ? " wide" : "")"><div class="head"><h3>\(HTML.escaped(title + suffix))</h3></div>
    \(content)</section>

    """
  }

  // MARK: The confusion matrix

  /// The most classes of a matrix that is printed whole.
  private static let mostClasses = 30
  /// How many confusions are told of a larger one.
  private static let mostConfusions = 20

  /// How often each class was taken for which; nothing where classes are not exclusive.
  var matrix: String { evaluation.confusion.map(table) ?? "" }

  private func table(_ confusion: EvaluationRecord.Confusion) -> String {
    let title = "Confusion matrix"
    let about =
      "\(evaluation.part) part, \(counted(evaluation.examples, "example")), after step "
      + "\(evaluation.step)"
    guard confusion.classes.count <= Self.mostClasses else {
      return card(
        title,
        "<p class=\"soft\">\(about); of \(confusion.classes.count) classes the most frequent confusions</p>"
          + confusions(confusion))
    }
    let header = confusion.classes.map { "<th scope=\"col\">\(HTML.escaped($0))</th>" }.joined()
    let rows = confusion.classes.enumerated().map { label, name in
      let counts = confusion.counts[label]
      let sum = max(counts.reduce(0, +), 1)
      let cells = counts.enumerated().map { prediction, count in
        let part = Double(count) / Double(sum)
        let shade =
          count == 0
          ? ""
          : " style=\"background: rgba(var(--shade), \(readable(0.06 + 0.44 * part, digits: 3)))\""
        return
          "<td\(label == prediction ? " class=\"right\"" : "")\(shade) title=\""
          + "\(readable(100 * part, digits: 3)) % of \(HTML.escaped(name))\">\(count)</td>"
      }.joined()
      return "<tr><th scope=\"row\">\(HTML.escaped(name))</th>\(cells)</tr>\n"
    }.joined()
    return card(
      title, isWide: confusion.classes.count > 10,
      """
      <p class="soft">\(about); rows: labels, columns: predictions; shade: share of the row</p>
      <div class="scroll"><table class="matrix"><thead><tr><td></td>\(header)</tr></thead>
      <tbody>
      \(rows)</tbody></table></div>

      """)
  }

  /// The most frequent confusions of many classes.
  private func confusions(_ confusion: EvaluationRecord.Confusion) -> String {
    var found: [(label: Int, prediction: Int, count: Int)] = []
    for (label, counts) in confusion.counts.enumerated() {
      for (prediction, count) in counts.enumerated() where count > 0 && label != prediction {
        found.append((label, prediction, count))
      }
    }
    found.sort { ($0.count, $1.label, $1.prediction) > ($1.count, $0.label, $0.prediction) }
    return HTML.table(
      ["label", "prediction", "examples", "share of the label"],
      found.prefix(Self.mostConfusions).map { entry in
        let sum = confusion.counts[entry.label].reduce(0, +)
        return [
          confusion.classes[entry.label], confusion.classes[entry.prediction], "\(entry.count)",
          "\(readable(100 * Double(entry.count) / Double(sum), digits: 3)) %",
        ]
      })
  }

  // MARK: The worst predictions

  /// The most examples that are no pictures.
  private static let mostRows = 12

  /// The examples with the largest losses, drawn.
  var worst: String {
    guard !evaluation.worst.isEmpty else { return "" }
    let arePictures = evaluation.worst.contains {
      if case .picture = $0.look { true } else { false }
    }
    let shown = evaluation.worst.prefix(arePictures ? .max : Self.mostRows)
    let items = shown.map { example in
      """
      <li>\(look(example))<div><strong>\(HTML.escaped(example.prediction))</strong></div>
      <div>\(example.isRight ? "rightly" : "instead of") <strong>\(HTML.escaped(example.label))</strong></div>
      <div class="soft">\(HTML.escaped(example.place))</div>
      <div class="soft">\(HTML.escaped(evaluation.lossName)) \(readable(example.loss, digits: 3))</div></li>

      """
    }.joined()
    return card(
      "Worst predictions",
      """
      <p class="soft">the examples of the \(HTML.escaped(evaluation.part)) part with the largest \
      \(HTML.escaped(evaluation.lossName))</p>
      <ol class="worst\(arePictures ? "" : " rows")">
      \(items)</ol>

      """)
  }

  private func look(_ example: EvaluationRecord.Example) -> String {
    switch example.look {
    case .picture(let data):
      """
      <img src="data:image/png;base64,\(data)" \
      alt="\(HTML.escaped("\(example.place), of class \(example.label)"))">
      """
    case .cells(let cells): HTML.table([], cells.map { [$0.name, $0.value] })
    case .text(let text): "<blockquote>\(HTML.escaped(text))</blockquote>"
    case .signals(let signals): Self.sparkline(signals)
    case .nothing: ""
    }
  }

  /// Signals as lines, one over the other, each in a range of their own.
  private static func sparkline(_ signals: [[Float]]) -> String {
    let finite = signals.flatMap(\.self).filter(\.isFinite)
    guard let low = finite.min(), let high = finite.max() else { return "" }
    let range = max(high - low, .leastNormalMagnitude)
    let lines = signals.prefix(8).enumerated().map { index, signal in
      let points = signal.enumerated().map { place, value in
        let x = 200 * Double(place) / Double(max(signal.count - 1, 1))
        let y = 47 - 44 * Double((value - low) / range)
        return "\(readable(x)),\(readable(y))"
      }.joined(separator: " ")
      return
        "<polyline points=\"\(points)\" fill=\"none\" stroke=\"var(--c\(index % 8))\" stroke-width=\"1.3\"/>"
    }.joined()
    return
      "<svg viewBox=\"0 0 200 50\" role=\"img\" aria-label=\"signal from \(readable(Double(low), digits: 3)) "
      + "to \(readable(Double(high), digits: 3))\">\(lines)</svg>"
  }
}
