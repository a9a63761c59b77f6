import LockstepDatasets
import LockstepFiles
import Testing

/// Columns that look like numbers or dates in another notation are refused, and not taken for categories.
@Suite struct CellLookTests {
  private func problem(
    _ cells: [String], _ change: (inout TableOptions) -> Void = { _ in }
  ) -> String {
    let text = "a;b;t\n" + cells.enumerated().map { "\($1);\($0);\($0 % 2)\n" }.joined()
    do {
      let content = try ColumnKindTests.content(text) {
        $0.dialect.delimiter = ";"
        change(&$0)
      }
      _ = try content.describe()
      return ""
    } catch { return "\(error)" }
  }

  @Test(
    "numbers in another notation name the line and the key",
    arguments: [
      ["1,5", "2,25", "1,5", "2,25"], ["1.000,5", "2.000", "1.000,5", "2.000,1"],
      ["12 %", "7 %", "12 %", "7 %"], ["$5", "$6", "$5", "$6"], ["0x1F", "0x2a", "0x1F", "0x2a"],
      ["\u{2212}1", "\u{2212}2", "\u{2212}1", "3"], ["1.7e309", "1.8e309", "1.7e309", "1.8e309"],
      ["1 000", "2 000", "1 000", "2 000"], ["1,234,567", "1,000", "1,234,567", "1,000"],
      ["-inf", "2", "-inf", "inf"],
    ])
  func numbers(cells: [String]) {
    let found = problem(cells)
    #expect(found.contains("line 2") && found.contains("'data.decimal'"), "\(found)")
    #expect(problem(cells) { $0.rules = [("a", ColumnRule(.category))] } == "")
  }

  @Test(
    "dates in another spelling are refused, and so are texts among dates",
    arguments: [
      ["31.01.24", "01.02.24", "31.01.24", "01.02.24"],
      ["2024-01-31 24:00", "2024-02-01 24:00", "2024-01-31 24:00", "2024-02-01 24:00"],
      ["soon", "2024-02-01", "2024-02-02", "2024-02-03"],
    ])
  func dates(cells: [String]) {
    let found = problem(cells)
    #expect(found.contains("line 2") && found.contains("is no date"), "\(found)")
  }

  @Test(
    "names are categories all the same",
    arguments: [
      ["18-25", "26-40", "18-25", "26-40"], ["3+", "<3", "3+", "<3"], ["A1", "B2", "A1", "B2"],
      ["1st", "2nd", "1st", "2nd"], ["1.2.3", "1.2.4", "1.2.3", "1.2.4"],
      ["10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2"], ["1e", "2e", "1e", "2e"],
    ])
  func names(cells: [String]) { #expect(problem(cells) == "") }

  @Test("times of several offsets from UTC are refused")
  func offsets() {
    let found = problem([
      "2024-01-31T10:00:00Z", "2024-01-31T11:00:00+02:00", "2024-02-01T10:00:00Z",
      "2024-02-02T10:00:00Z",
    ])
    #expect(found.contains("line 3") && found.contains("offset"), "\(found)")
  }

  @Test("times of a later file by another clock get a notice")
  func laterOffset() throws {
    let content = try ColumnKindTests.content(
      "a,t\n2024-01-31T10:00:00Z,0\n2024-02-01T11:00:00Z,1\n")
    let description = try content.describe()
    #expect(try DataDescription(description.json, source: "d") == description)
    let same = try ColumnKindTests.later("a\n2024-02-03T11:00:00Z\n", description)
    #expect(same.notices == [])
    let other = try ColumnKindTests.later("a\n2024-02-03T11:00:00+09:00\n", description)
    #expect(other.notices.count == 1 && other.notices[0].contains("offset"))
  }

  @Test("a target that looks like numbers is no set of classes")
  func target() {
    let text = "a;t\n1;1,5\n2;2,5\n3;1,5\n"
    #expect(throws: FileError.self) {
      try ColumnKindTests.content(text) { $0.dialect.delimiter = ";" }.describe()
    }
  }
}
