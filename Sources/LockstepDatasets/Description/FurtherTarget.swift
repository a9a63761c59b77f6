import LockstepFiles

/// The target of a further head in a table's rows, before anything is fitted.
struct FurtherTarget: Sendable {
  let head: TableHead
  /// Its columns; none where they are missing, as they may be.
  let columns: [Int]
  let target: TableTarget

  /// The targets of further heads.
  ///
  /// - Parameter remedy: what to do about a text where a number is expected.
  static func all(
    _ table: CSVTable, _ heads: [(head: TableHead, columns: [Int])], isOptional: Bool,
    remedy: String
  ) throws(FileError) -> [FurtherTarget] {
    var all: [FurtherTarget] = []
    for (head, columns) in heads {
      all.append(
        FurtherTarget(
          head: head, columns: columns,
          target: try TableTarget(
            table, head.kind, columns, isOptional: isOptional, remedy: remedy)))
    }
    return all
  }

  /// What training learns about it from some rows.
  func describe(_ rows: [Int]) throws -> HeadDescription {
    HeadDescription(
      name: head.name,
      target: try target.describe(
        rows, columns, head.classes, standardizes: head.standardizes))
  }
}
