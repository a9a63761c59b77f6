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

  package init(file: String, rows: [Int] = [], lines: [Int]? = nil, files: [String]? = nil) {
    self.files = files
    self.file = file
    self.rows = rows
    self.lines = lines
  }

  /// The place of an example as messages name it: `line 18` of a text, `example 17` of an array.
  package func text(_ example: Int) -> String {
    lines.map { "line \($0[example])" + (files.map { " of \($0[example])" } ?? "") }
      ?? "example \(rows.isEmpty ? example + 1 : rows[example])"
  }
}
