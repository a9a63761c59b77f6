import LockstepDatasets
import LockstepFiles
import Testing

/// What is wrong with a table of series is told by file, line, column and series.
@Suite struct SeriesErrorTests {
  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "nothing"
  }

  private func steps(
    _ text: String, _ change: (inout SeriesOptions) -> Void = { _ in }
  ) -> String {
    message {
      let content = try SeriesContent(
        SeriesContentTests.table(text), SeriesContentTests.options(change))
      _ = try content.part(as: content.describe())
    }
  }

  @Test(
    "steps",
    arguments: [
      (
        "id,t,x,kind\na,1,1,u\na,1,2,u\n",
        "series.csv: line 3, column 't': the series 'a' has the time '1' on line 2 already"
      ),
      (
        "id,t,x,kind\na,1,1,u\na,2,2,u\na,4,2,u\n",
        "series.csv: line 4, column 't': the series 'a' goes from '2' (line 3) to '4', and steps are 1 apart"
      ),
      (
        "id,t,x,kind\na,2024-02-28,1,u\na,2024-02-29,1,u\na,2024-03-02,1,u\n",
        "goes from '2024-02-29' (line 3) to '2024-03-02', and steps are 1 day apart"
      ),
      (
        "id,t,x,kind\na,2024-02-28,1,u\na,2024-02-29,1,u\nb,1,1,u\n",
        "line 4, column 't': '1' is a number, and '2024-02-28' on line 2 is a date without an offset"
      ),
      (
        "id,t,x,kind\na,2024-02-28 10:00+01:00,1,u\nb,2024-02-28 10:00,1,u\n",
        "line 3, column 't': '2024-02-28 10:00' is a date without an offset from UTC, and"
      ),
      ("id,t,x,kind\na,soon,1,u\n", "line 2, column 't': expected a time, found 'soon'"),
      ("id,t,x,kind\na,,1,u\n", "line 2, column 't': the time is missing"),
      ("id,t,x,kind\na,1,one,u\n", "line 2, column 'x': expected a number, found 'one'"),
      ("id,t,x,kind\na,1,,u\n", "line 2, column 'x': the value is missing"),
      ("id,t,x,kind\n,1,1,u\n", "line 2, column 'id': the name of the series is missing"),
      ("ids,t,x,kind\na,1,1,u\n", "series.csv: has no column 'id'; did you mean 'ids'?"),
      (
        "id,t,x,kind\na,1,1,u\na,2,1,d\n",
        "line 3, column 'kind': the series 'a' has another target on line 2"
      ),
      ("id,t,x,kind\na,1,1,\n", "line 2, column 'kind': the target is missing"),
      ("id,t,kind\na,1,u\n", "has no feature columns"),
      ("id,t,x,kind\n", "has no rows"),
    ])
  func stepErrors(_ text: String, _ expected: String) {
    #expect(steps(text).contains(expected), "\(steps(text))")
  }

  @Test("gaps may be allowed; times may be dates with a clock")
  func gaps() {
    let text = "id,t,x,kind\na,1,1,u\na,2,2,u\na,9,2,u\n"
    #expect(steps(text) { $0.allowsGaps = true } == "nothing")
    #expect(
      steps(
        "id,t,x,kind\na,2023-12-31 23:30,1,u\na,2024-01-01T00:00:00Z,2,u\na,2024-01-01 00:30:00,2,u\n"
      )
        == "nothing")
  }

  @Test("a series longer than the longest padded length, later too")
  func tooLong() throws {
    let text = "id,t,x,kind\na,1,1,u\na,2,2,u\na,3,2,u\nb,1,2,d\n"
    #expect(
      steps(text) { $0.lengths = [1, 2] }.contains(
        "series.csv: the series 'a' (line 2) has 3 steps, and the longest padded length is 2"))
    let content = try SeriesContent(
      SeriesContentTests.table("id,t,x,kind\na,1,1,u\na,2,2,u\nb,1,2,d\nb,2,3,d\n"),
      SeriesContentTests.options())
    let description = try content.describe()
    let series = try #require(description.series)
    func later(_ text: String) -> String {
      message {
        _ = try SeriesContent(
          SeriesContentTests.table(text), as: series, description.target
        ).part(as: description)
      }
    }
    #expect(
      later("id,t,x,kind\nz,1,1,u\n").contains(
        "the series 'z' (line 2) has 1 step, and all series of the training part have 2"))
    #expect(
      later("id,t,x,kind\nz,1,1,u\nz,3,1,u\n").contains("and steps are 1 apart"))
    #expect(later("id,t,x2,kind\nz,1,1,u\n").contains("lacks the column 'x'"))
    #expect(
      later("id,t,x,kind\nz,1,1,other\nz,2,1,other\n").contains(
        "line 2, column 'kind': the class 'other' is unknown"))
  }

  @Test(
    "rows",
    arguments: [
      ("kind,s1,s2\n1,,\n", "line 2, column 's1': the series has no steps"),
      (
        "kind,s1,s2\n1,,3\n",
        "line 2, column 's1': the value is missing, and the series goes on behind it"
      ),
      ("kind,s1,s2\n1,2,x\n", "line 2, column 's2': expected a number, found 'x'"),
      ("kind\n1\n", "has no columns of steps"),
      ("kind,s1\n1,1e300\n", "line 2, column 's1': 1e+300 is out of the range of Float32"),
    ])
  func rowErrors(_ text: String, _ expected: String) {
    var options = SeriesOptions(.rows)
    options.target = "kind"
    let found = message {
      _ = try SeriesContent(SeriesContentTests.table(text), options)
    }
    #expect(found.contains(expected), "\(found)")
  }
}
