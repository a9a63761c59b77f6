import LockstepFiles

/// The names of a table's columns.
struct TableHeader: Sendable {
  /// The file's path; of several the first one's.
  let path: String
  /// The names, unique.
  let columns: [String]
  private let indices: [String: Int]

  init(path: String, columns: [String]) {
    self.path = path
    self.columns = columns
    indices = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($1, $0) })
  }

  /// The index of a column; nil where there is none of this name.
  func find(_ name: String) -> Int? { indices[name] }

  /// The index of a column; an error that names the nearest one where there is none.
  func column(_ name: String) throws(FileError) -> Int {
    if let index = find(CellText.trimmed(name)) { return index }
    let nearest = NearestName.find(name, among: columns)
    let hint = delimiterHint
    throw FileError(
      path: path, kind: .mismatch,
      reason: "has no column \(name.quoted)"
        + (hint.isEmpty ? nearest.map { "; did you mean \($0.quoted)?" } ?? "" : hint))
  }

  /// Makes sure that all columns of some names are there.
  func check(_ names: [String]) throws(FileError) {
    let missing = names.filter { find($0) == nil }
    if missing.isEmpty { return }
    if !delimiterHint.isEmpty {
      throw FileError(
        path: path, kind: .mismatch,
        reason: "lacks the columns that the run was trained with" + delimiterHint)
    }
    let others = columns.filter { !names.contains($0) }
    let reasons = missing.prefix(6).map { name in
      name.quoted
        + (NearestName.find(name, among: others).map { " (is it \($0.quoted)?)" } ?? "")
    }
    throw FileError(
      path: path, kind: .mismatch,
      reason: "lacks the column\(missing.count == 1 ? "" : "s") \(reasons.joined(separator: ", "))"
        + (missing.count > 6 ? " and \(missing.count - 6) more" : "")
        + ", which the run was trained with; it has \(TableText.list(columns))")
  }

  /// What may be wrong where a header has one column that looks like several.
  var delimiterHint: String {
    guard columns.count == 1 else { return "" }
    let other = [";", "\t", "|", ","].first { columns[0].contains($0) }
    return other.map {
      "; its header is one column, '\(columns[0].prefix(60))': is the delimiter "
        + ($0 == "\t" ? "a tab?" : "'\($0)'?")
    } ?? ""
  }
}
