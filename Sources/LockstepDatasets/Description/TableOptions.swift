import LockstepFiles

/// What the columns of a table mean, before anything is fitted.
package struct TableOptions: Sendable {
  /// The targets' columns: one, or several numbers or labels.
  package var targets: [String]
  /// What the target means.
  package var kind = TargetKind.classes
  /// The name of the first of several heads, whose target stands above; nil where there is one alone.
  package var firstHead: String?
  /// What is predicted beside the target, by the other heads of a model that has several.
  package var further: [TableHead] = []
  /// Columns that are neither feature nor target.
  package var ignoring: [String] = []
  /// The column that names a row; no feature.
  package var id: String?
  /// The column of the examples' weights; no feature.
  package var weight: String?
  /// What is said of columns, by their names.
  package var rules: [(name: String, rule: ColumnRule)] = []
  /// Further columns whose texts are needed as they are written: the test part is cut by them.
  package var cutting: [String] = []
  /// What becomes of missing numbers of columns of which nothing else is said.
  package var missing = MissingValues.refuse
  /// Whether a further input tells where numbers were missing.
  package var hasIndicators = false
  /// The classes, where they are not to be taken from the training part.
  package var classes: ClassNames?
  /// Whether features are brought to mean 0 and deviation 1.
  package var standardize = true
  /// Whether a target of numbers is, too.
  package var standardizesTarget = false
  /// How the table is written.
  package var dialect = CSVDialect()

  /// A table whose target is a column, and all other columns features.
  package init(target: String) { targets = [target] }

  /// The columns whose texts are needed as they are written, though they may look like numbers.
  package var texts: Set<String> {
    let ruled = rules.filter { $0.rule.needsTexts }.map(\.name)
    let classes = further.filter { $0.kind != .values }.flatMap(\.columns)
    return Set(
      (ruled + (kind == .values ? [] : targets) + classes + [id].compactMap { $0 } + cutting).map(
        CellText.trimmed))
  }

  /// What is said of a column; nothing where that follows from its cells.
  func rule(_ name: String) -> ColumnRule {
    rules.first { CellText.trimmed($0.name) == name }?.rule ?? ColumnRule()
  }

  /// What is said of a feature of a kind, with what is said of all numbers.
  func rule(_ name: String, _ kind: ColumnKind) -> ColumnRule {
    var rule = rule(name)
    if kind == .number {
      rule.missing = rule.missing ?? missing
      rule.hasIndicator = rule.hasIndicator ?? hasIndicators
    }
    return rule
  }
}
