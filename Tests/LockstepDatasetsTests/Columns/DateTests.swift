import LockstepDatasets
import LockstepFiles
import Testing

@Suite struct DateTests {
  /// The parts of the dates of a column, as they are.
  private func parts(
    _ dates: [String], _ parts: [DatePart], _ change: (inout ColumnRule) -> Void = { _ in }
  ) throws -> [Float] {
    let text = "d,t\n" + dates.map { "\"\($0)\",0\n" }.joined()
    let content = try ColumnKindTests.content(text) {
      var rule = ColumnRule(.date)
      rule.parts = parts
      change(&rule)
      $0.rules = [("d", rule)]
      $0.standardize = false
    }
    return try ColumnKindTests.inputs(content.part(as: content.describe()))
  }

  @Test(
    "all forms of a day are one",
    arguments: [
      "2024-02-29", "2024/02/29", "2024.02.29", "29.02.2024", "29/02/2024", "02/29/2024",
      "29 Feb 2024", "Feb 29, 2024", "February 29 2024", "29-Feb-2024", "2024-Feb-29", "20240229",
      "2024-02-29T00:00:00Z", "2024-2-29 0:00", "2024-02-29 12:00 AM",
      "2024-02-29T00:00:00.000+02:00",
    ])
  func forms(text: String) throws {
    #expect(
      try parts([text], [.year, .month, .day, .weekday, .dayOfYear, .days])
        == [2024, 2, 29, 4, 60, 19782])
  }

  @Test("times: hours, minutes, halves of the day")
  func times() throws {
    #expect(
      try parts(
        ["2024-01-01 18:30", "2024-01-01T06:05:59.5", "1/31/2024 6:30 PM", "2024-01-01"],
        [.hour, .minute]) == [18, 30, 6, 5, 18, 30, 0, 0])
  }

  @Test("weekdays of known days")
  func weekdays() throws {
    #expect(
      try parts(["1970-01-01", "2000-02-29", "1969-12-31", "0001-01-01", "2026-11-29"], [.weekday])
        == [4, 2, 3, 1, 7])
  }

  @Test("the order is what the column shows, or what is said")
  func order() throws {
    #expect(try parts(["01/02/2024", "13/02/2024"], [.day]) == [1, 13])
    #expect(try parts(["01/02/2024", "02/13/2024"], [.day]) == [2, 13])
    #expect(try parts(["01/02/2024"], [.day]) { $0.dateOrder = .dmy } == [1])
    func message(_ dates: [String]) -> String? {
      #expect(throws: FileError.self) { _ = try parts(dates, [.day]) }?.description
    }
    #expect(
      message(["01/02/2024", "03/04/2024"])
        == "t.csv: line 2, column 'd': '01/02/2024' may have the day or the month first, and no date of the "
        + "training part shows which: set 'format' of the column in 'data.columns' to 'dmy' or 'mdy'"
    )
    #expect(
      message(["13/02/2024", "02/13/2024"])
        == "t.csv: line 3, column 'd': '02/13/2024' has the month first, and '13/02/2024' on line 2 the day: "
        + "write all dates alike")
  }

  @Test(
    "what is no date is named",
    arguments: [
      "2023-02-29", "2024-13-01", "2024-00-10", "24-01-31", "1 2 2024", "2024-01-31 25:00", "soon",
    ])
  func refusals(text: String) {
    let error = #expect(throws: FileError.self) { _ = try parts(["2024-01-01", text], [.day]) }
    #expect(
      error?.description.hasPrefix("t.csv: line 3, column 'd': expected a date like 2024-01-31")
        == true,
      "\(error?.description ?? "")")
  }
}
