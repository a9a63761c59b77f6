import LockstepFiles

/// The targets of series, or of their steps, before anything is fitted.
enum SeriesTarget: Sendable {
  case none
  /// Trimmed texts; empty where the label is missing.
  case classes([String])
  /// Numbers; NaN where the label is missing.
  case values([Double])

  /// The targets of a table's rows.
  init(
    _ table: CSVTable, _ kind: TargetKind, _ column: Int?, isOptional: Bool, isTraining: Bool
  ) throws(FileError) {
    let target = try TableTarget(
      table, kind, column.map { [$0] } ?? [], isOptional: isOptional,
      remedy: isTraining ? TableTarget.trainingRemedy : TableTarget.laterRemedy)
    self =
      switch target.values {
      case .none: .none
      case .classes(let texts): .classes(texts)
      case .values(let values): .values(values[0])
      }
  }
}
