/// The target of a further head in a table's rows, before anything is fitted.
struct FurtherTarget: Sendable {
  let head: TableHead
  let target: TableTarget

  /// What training learns about it from some rows.
  func describe(_ rows: [Int]?) throws -> HeadDescription {
    HeadDescription(
      name: head.name,
      target: try target.describe(rows, head.classes, standardizes: head.standardizes))
  }
}
