import LockstepFiles

/// Makes the summary of a table's examples, which come some at a time: where they are cut does not matter.
///
/// Numbers are hashed as they are filled in, one row behind the other; other cells by their texts.
final class TableSummary {
  private let features: [TableContent.Feature]
  private let isNumber: [Bool]
  private let weightName: String?
  private let targetName: String?
  private let furtherNames: [String]
  private let count: Int
  private let runs: [Range<Int>]

  /// The hashes of the features, of the weights and of the labels.
  private var columns: [Hash]
  private let weights = Hash()
  private let labels = Hash()
  private let further: [Hash]
  /// The same of the run of examples at hand: its numbers together, and each column of texts.
  private var run: Run
  private var blocks: [Fingerprint] = []
  /// The number of examples so far.
  private var position = 0

  /// A hash of bytes that come in parts.
  private final class Hash {
    private var stream = FingerprintStream()

    func update<Value: BitwiseCopyable>(_ values: some Collection<Value>) {
      Array(values).withUnsafeBytes { stream.update($0) }
    }

    var fingerprint: Fingerprint { stream.fingerprint }
  }

  private struct Run {
    let numbers = Hash()
    let labels = Hash()
    let weights = Hash()
    let further: [Hash]
    let texts: [Hash]
  }

  init(_ content: TableContent, _ features: [TableContent.Feature], count: Int) {
    self.features = features
    self.count = count
    isNumber = features.map { content.table.isNumber($0.column) }
    let names = content.table.header.columns
    weightName = content.weightColumn.map { names[$0] }
    let targets = content.target.columns
    targetName =
      targets.isEmpty ? nil : targets.map { names[$0] }.joined(separator: ", ")
    furtherNames = content.further.filter { !$0.target.columns.isEmpty }
      .map { $0.head.columns.joined(separator: ", ") }
    runs = PartSummary.runs(count)
    columns = features.map { _ in Hash() }
    further = content.further.map { _ in Hash() }
    run = Run(
      further: further.map { _ in Hash() }, texts: isNumber.filter { !$0 }.map { _ in Hash() })
  }

  /// Takes the next examples.
  func take(_ examples: TableExamples) {
    var start = 0
    while start < examples.rows.count {
      let end = runs[min(blocks.count, runs.count - 1)].upperBound
      let length = min(end - position, examples.rows.count - start)
      take(examples, start..<start + length)
      start += length
      position += length
      if position == end { endRun() }
    }
  }

  /// Takes examples of one run, by their places.
  private func take(_ examples: TableExamples, _ places: Range<Int>) {
    let rows = examples.rows[places]
    var numbers: [[Double]] = []
    var text = 0
    for (place, feature) in features.enumerated() {
      let cells = ColumnCells(table: examples.block, column: feature.column)
      if let own = cells.numbers {
        let fill = feature.encoding.fill ?? .nan
        let values = rows.map { own[$0].isNaN ? fill : own[$0] }
        columns[place].update(values)
        numbers.append(values)
      } else {
        let hash = cells.mapped { CellText.isMissing($0) ? 0 : Fingerprint(of: $0).low }
        let values = rows.map(hash)
        columns[place].update(values)
        run.texts[text].update(values)
        text += 1
      }
    }
    run.numbers.update(rows.indices.flatMap { row in numbers.map { $0[row - rows.startIndex] } })
    let all = [examples.labels] + examples.further.map(\.labels.labels)
    for (own, hashes) in zip(all, zip([labels] + further, [run.labels] + run.further)) {
      switch own {
      case .classes(let classes, _):
        hashes.0.update(classes[places])
        hashes.1.update(classes[places])
      case .targets(let values, let width):
        let part = values[places.lowerBound * width..<places.upperBound * width]
        hashes.0.update(part)
        hashes.1.update(part)
      }
    }
    if let all = examples.weights {
      weights.update(all[places])
      run.weights.update(all[places])
    }
  }

  private func endRun() {
    blocks.append(
      .tree(
        [("", run.numbers.fingerprint), ("", run.labels.fingerprint)]
          + run.further.map { ("", $0.fingerprint) } + run.texts.map { ("", $0.fingerprint) }
          + (weightName == nil ? [] : [("", run.weights.fingerprint)])))
    run = Run(
      further: run.further.map { _ in Hash() }, texts: run.texts.map { _ in Hash() })
  }

  /// The summary of all examples, once all were taken.
  var summary: PartSummary {
    var summaries = zip(features, columns).map {
      PartSummary.Column($0.name, $1.fingerprint)
    }
    if let weightName { summaries.append(.init(weightName, weights.fingerprint)) }
    if let targetName { summaries.append(.init(targetName, labels.fingerprint)) }
    summaries += zip(furtherNames, further).map { PartSummary.Column($0, $1.fingerprint) }
    return PartSummary(examples: count, columns: summaries, blocks: blocks)
  }
}
