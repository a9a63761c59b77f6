import LockstepFiles

/// Names: each level has a code. It is an input that is 1 for its rows and 0 for all others (one-hot), or the
/// number of a vector that the model learns (embedding).
///
/// Missing values have a code of their own where the training part has some. Rare levels share one
/// where they are told apart, and unknown levels have it too. Otherwise an unknown level has none: it is 0 in
/// all inputs, or has the vector 0. A code that training never saw would have random weights.
package struct CategoryEncoding: CellCoding, Equatable {
  /// The levels, sorted.
  package var levels: [String]
  /// The levels of the training part that share an input, which unknown ones have too; none where there
  /// is no such input.
  package var rare: [String]
  /// Whether missing values have a code.
  package var hasMissing: Bool
  /// How many values the learned vector of a code has; nil where each code is an input.
  package var embedding: Int?

  package init(
    levels: [String], rare: [String] = [], hasMissing: Bool = false, embedding: Int? = nil
  ) {
    self.levels = levels
    self.rare = rare
    self.hasMissing = hasMissing
    self.embedding = embedding
  }

  /// Whether rare and unknown levels share an input.
  private var hasRare: Bool { !rare.isEmpty }

  /// Fits the levels on some rows.
  ///
  /// - Throws: `FileError` where there are none, or too many.
  init(_ cells: ColumnRows, _ rule: ColumnRule) throws(FileError) {
    let found = try cells.distinct()
    guard !found.isCut else {
      throw FileError(
        path: cells.path, kind: .mismatch,
        reason:
          "the column \(cells.name.quoted) has more than \(ColumnRows.mostTexts) levels in the training part, too "
          + "many to be told apart in a table that is stored: leave the column out with 'data.ignore'"
      )
    }
    if rule.missing == .refuse, let row = found.firstMissing {
      throw cells.fault(
        row, "the value is missing, and 'data.columns' says that this is an error: fill it in")
    }
    let least = rule.minCount ?? 1
    let kept = found.texts.indices.filter { found.counts[$0] >= least }
    let most = rule.maxLevels ?? (rule.embedding == 0 ? ColumnRule.usualMaxLevels : Int.max)
    guard kept.count <= most else {
      throw FileError(
        path: cells.path, kind: .mismatch,
        reason:
          "the column \(cells.name.quoted) has \(kept.count) levels in the training part, more than "
          + "\(most): set 'minCount' of the column in 'data.columns' to join rare ones, or 'maxLevels', or "
          + "'embedding' to learn a vector for each, or leave the column out with 'data.ignore'")
    }
    levels = kept.map { found.texts[$0] }.sorted()
    rare = found.texts.indices.filter { found.counts[$0] < least }.map { found.texts[$0] }.sorted()
    hasMissing = found.missing > 0
    let width =
      rule.embedding ?? (kept.count > ColumnRule.usualMaxLevels ? Self.width(kept.count) : 0)
    embedding = width == 0 ? nil : width
    guard !suffixes.isEmpty else {
      throw FileError(
        path: cells.path, kind: .mismatch,
        reason:
          "the column \(cells.name.quoted) has no values in the training part: leave it out with "
          + "'data.ignore'")
    }
  }

  /// A vector's usual number of values for so many levels: min(50, 1.6 √levels), near fastai's rule.
  private static func width(_ levels: Int) -> Int {
    min(50, Int((1.6 * Double(levels).squareRoot()).rounded()))
  }

  var suffixes: [String] {
    levels.map { "=\($0)" } + (hasRare ? ["=(rare)"] : [])
      + (hasMissing ? [Self.missingSuffix] : [])
  }

  /// The number of a level, as it is written or as the number that it spells; nil for an unknown one.
  private func level(_ text: String, _ numbers: [String: Int], _ values: [Double: Int]) -> Int? {
    numbers[text] ?? CellText.number(text).flatMap { values[$0] }
  }

  /// The input of a text that is 1; nil where none is.
  private func inputs() -> (String) -> (input: Int?, isUnknown: Bool) {
    let numbers = Dictionary(uniqueKeysWithValues: levels.enumerated().map { ($1, $0) })
    // 1 and 1.0 are one level to a program that took them for numbers in between.
    var values: [Double: Int] = [:]
    for (place, level) in levels.enumerated() {
      guard let value = CellText.number(level) else { continue }
      values[value] = values[value] == nil ? place : -1
    }
    values = values.filter { $0.value >= 0 }
    let (rare, missing) = (
      hasRare ? levels.count : nil, hasMissing ? levels.count + (hasRare ? 1 : 0) : nil
    )
    let known = Set(self.rare)
    return { [self] text in
      if CellText.isMissing(text), let missing { return (missing, false) }
      if let level = level(text, numbers, values) { return (level, false) }
      return (rare, !known.contains(text))
    }
  }

  struct Writer: CellWriter {
    let input: (Int) -> (input: Int?, isUnknown: Bool)

    func write(_ row: Int, to inputs: UnsafeMutablePointer<Float>) throws(FileError) {
      if let place = input(row).input { inputs[place] = 1 }
    }
  }

  func writer(_ cells: ColumnCells) -> any CellWriter { Writer(input: cells.mapped(inputs())) }

  /// The numbers of rows' vectors: 0 for an unknown level, and from 1 in the order of the suffixes.
  func codes(_ cells: ColumnCells, _ rows: [Int]) -> [Int32] {
    let input = cells.mapped(inputs())
    return rows.map { row in Int32((input(row).input ?? -1) + 1) }
  }

  func notices(_ cells: ColumnRows) throws(FileError) -> [String] {
    let (found, input) = (try cells.distinct(), inputs())
    var (unknown, count): ([String], Int) = ([], 0)
    for (text, rows) in zip(found.texts, found.counts) where input(text).isUnknown {
      unknown.append(text)
      count += rows
    }
    let code =
      hasRare
      ? "they count as rare levels"
      : embedding == nil ? "all inputs of the column are 0 there" : "their vector is 0"
    var notices: [String] = []
    if !unknown.isEmpty {
      let nearest = unknown.count == 1 ? NearestName.find(unknown[0], among: levels) : nil
      notices.append(
        "\(counted(count, "row")) with \(counted(unknown.count, "level")) of the column "
          + "\(cells.name.quoted) that training does not know: \(TableText.list(unknown))"
          + (nearest.map { " (is it \($0.quoted)?)" } ?? "")
          + "; \(code)")
    }
    if !hasMissing, found.missing > 0 {
      notices.append(
        "\(counted(found.missing, "row")) without a value in the column \(cells.name.quoted), which had "
          + "one in all rows of the training part: \(code)")
    }
    return notices
  }

  var json: JSONObject {
    var json: JSONObject = [
      "levels": .array(levels.map { .string($0) }), "rare": .array(rare.map { .string($0) }),
      "missing": .bool(hasMissing),
    ]
    if let embedding { json["embedding"] = .integer(embedding) }
    return json
  }

  init?(_ json: JSONValue) {
    guard let list = json["levels"]?.arrayValue, let rare = json["rare"]?.arrayValue,
      let hasMissing = json["missing"]?.boolValue
    else { return nil }
    let levels = list.compactMap(\.stringValue)
    let embedding = json["embedding"]
    self.init(
      levels: levels, rare: rare.compactMap(\.stringValue), hasMissing: hasMissing,
      embedding: embedding?.integerValue)
    guard embedding == nil || self.embedding ?? 0 > 0, levels.count == list.count,
      Set(levels).count == levels.count, !suffixes.isEmpty
    else {
      return nil
    }
  }
}
