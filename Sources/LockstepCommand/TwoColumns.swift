/// Two columns of text.
func table(_ rows: [(String, String)]) -> String {
  let width = (rows.map { $0.0.count }.max() ?? 0) + 2
  return rows.map { row in
    "  " + row.0 + String(repeating: " ", count: width - row.0.count) + row.1 + "\n"
  }.joined()
}
