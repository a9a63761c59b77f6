import LockstepFiles

extension DataDescription {
  /// Reads a new file through what training learned.
  ///
  /// - Parameters:
  ///   - path: a CSV file; a file of arrays or a folder of images where the run was trained on arrays.
  ///   - labels: the file of the labels, where inputs are arrays.
  ///   - isTargetOptional: whether examples may lack a label.
  ///   - id: the column that names a row; by default the one that training knew.
  ///   - storage: where the cells of a table are.
  /// - Returns: the examples, and what the user should know about them.
  /// - Throws: `FileError` that names columns, rows or shapes that do not fit.
  package func read(
    _ path: String, labels: String? = nil, isTargetOptional: Bool = false, id: String? = nil,
    storage: TableStorage = TableStorage()
  ) throws -> (part: DataPart, notices: [String]) {
    func refuse(_ reason: String) -> FileError {
      FileError(path: path, kind: .mismatch, reason: reason)
    }
    let content: any DataContent
    switch input {
    case .columns(let table):
      guard labels == nil else {
        throw refuse("is a table, whose labels are a column of it; leave the labels' file out")
      }
      content = try TableContent(
        reading: [path], table.dialect, texts: texts(id: id), storage, as: self,
        isTargetOptional: isTargetOptional, id: id)
    case .array:
      guard id == nil else { throw refuse("is an array, which has no column '\(id ?? "")'") }
      content = try ArrayContent(
        [path], labels: labels.map { [$0] }, as: self, isTargetOptional: isTargetOptional)
    case .series(let series):
      guard labels == nil else {
        throw refuse("is a table, whose labels are columns of it; leave the labels' file out")
      }
      content = try series.read(path, target, isTargetOptional: isTargetOptional, id: id)
    case .texts(let texts):
      guard labels == nil else {
        throw refuse("is a table, whose labels are a column of it; leave the labels' file out")
      }
      content = try TextContent(
        CSVTable.read(path, texts.dialect, texts: self.texts(id: id)), as: texts, target,
        isTargetOptional: isTargetOptional, id: id)
    case .tokens(let tokens):
      guard labels == nil, id == nil else {
        throw refuse(
          "holds tokens, whose labels are the next ones; leave "
            + (labels == nil ? "the column '\(id ?? "")'" : "the labels' file") + " out")
      }
      content = try TokenContent(file: path, as: tokens)
    }
    let part = try content.part(as: self)
    return (part, content.notices + part.notices + content.roundingNotices(as: self))
  }
}
