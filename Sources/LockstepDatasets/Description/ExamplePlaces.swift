/// Where examples stand in the file that they came from.
package struct ExamplePlaces: Sendable, Equatable {
  /// The file, or the name of the data.
  package let file: String
  /// The row of each example, counted from 1; a header does not count. Empty where the examples are all
  /// of a file, in order.
  package let rows: [Int]
  /// The line of the file on which each example begins, counted from 1; nil where there are no lines.
  package let lines: [Int]?
  /// The file of each example, where there are several.
  package let files: [String]?

  /// Which rows of a table that is stored the examples are, and where its rows stand.
  private var stored: Stored?

  private struct Stored: Equatable {
    let rows: [Int]?
    let places: RowPlaces
  }

  package init(file: String, rows: [Int] = [], lines: [Int]? = nil, files: [String]? = nil) {
    self.files = files
    self.file = file
    self.rows = rows
    self.lines = lines
  }

  /// The places of rows of a table that is stored: they are found when they are asked for.
  ///
  /// - Parameter rows: counted from 0; nil for all.
  init(file: String, rows: [Int]?, of places: RowPlaces) {
    self.init(file: file)
    stored = Stored(rows: rows, places: places)
  }

  /// The row of an example, counted from 1.
  package func row(_ example: Int) -> Int {
    if let stored { return (stored.rows?[example] ?? example) + 1 }
    return rows.isEmpty ? example + 1 : rows[example]
  }

  /// The place of an example as messages name it: `line 18` of a text, `example 17` of an array.
  package func text(_ example: Int) -> String {
    if let stored {
      let (row, places) = (row(example) - 1, stored.places)
      return "line \(places.line(ofRow: row))"
        + (places.files.count > 1 ? " of \(places.file(ofRow: row))" : "")
    }
    return lines.map { "line \($0[example])" + (files.map { " of \($0[example])" } ?? "") }
      ?? "example \(rows.isEmpty ? example + 1 : rows[example])"
  }
}
