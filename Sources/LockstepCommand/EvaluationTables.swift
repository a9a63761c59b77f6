import Lockstep
import LockstepFiles

extension EvaluationTable {
  /// The most columns that are printed.
  private static let mostColumns = 30

  /// The table in aligned columns, under its name.
  var text: String {
    let title =
      name == ConfusionMatrix().name ? "\(name) (rows: labels, columns: predictions)" : name
    guard columns.count <= Self.mostColumns else {
      return
        "\(title): \(columns.count) columns are too many to print; see --json, or evaluations.jsonl"
    }
    var lines = [[""] + columns]
    for (index, row) in rows.enumerated() {
      lines.append([row] + self[index].enumerated().map { cell($0.element, $0.offset) })
    }
    let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    let text = lines.map { cells in
      cells.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + space : space + cell
      }.joined(separator: "  ")
    }
    return ([title + ":"] + text.map { "  " + $0 }).joined(separator: "\n")
  }

  /// Columns of counts as they are, others with four decimals.
  private func cell(_ value: Double, _ column: Int) -> String {
    let isCount = rows.indices.allSatisfy { row in
      let value = self[row][self[row].startIndex + column]
      return value == value.rounded() && value.magnitude < 1e15
    }
    return isCount && (name == ConfusionMatrix().name || columns[column] == "examples")
      ? "\(Int(value))" : format(value, 4)
  }
}
