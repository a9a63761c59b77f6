import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

/// Tables with faults are refused with the file, the line and the column, and with what to do.
@Suite struct BadTableTests {
  struct Fault: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    var change: @Sendable (inout TableOptions) -> Void = { _ in }
    let message: String
    var testDescription: String { name }
  }

  private static func rule(
    _ kind: ColumnKind?, _ change: (inout ColumnRule) -> Void = { _ in }
  ) -> ColumnRule {
    var rule = ColumnRule(kind)
    change(&rule)
    return rule
  }

  static let faults: [Fault] = [
    Fault(name: "empty", text: "", message: "t.csv: is empty; expected a header row"),
    Fault(
      name: "only comments", text: "# a\n# b\n", change: { $0.dialect.comment = "#" },
      message: "t.csv: is empty; expected a header row"),
    Fault(
      name: "a short row", text: "a,t\n1,0\n2\n",
      message: "t.csv: line 3: expected 2 fields, found 1"),
    Fault(
      name: "a long row", text: "a,t\n1,0\n2,1,9\n",
      message: "t.csv: line 3: expected 2 fields, found 3"),
    Fault(
      name: "a decimal comma in a table of commas", text: "a,t\n1,5,0\n",
      message: "t.csv: line 2: expected 2 fields, found 3"),
    Fault(
      name: "decimal commas without being told", text: "a;t\n1,5;0\n2,5;1\n3;1\n4;0\n5;1\n6;1\n",
      change: { $0.dialect.delimiter = ";" },
      message:
        "t.csv: line 2, column 'a': expected a number, found '1,5'; where commas are decimal points, set "
        + "'data.decimal' to ','"),
    Fault(
      name: "decimal points where commas are said", text: "a;t\n1.5;0\n2;1\n3;0\n",
      change: {
        $0.dialect.delimiter = ";"
        $0.dialect.hasDecimalComma = true
      },
      message: "t.csv: line 2, column 'a': expected a number, found '1.5'; 'data.decimal' is ','"),
    Fault(
      name: "another delimiter", text: "a;t\n1;0\n",
      message: "t.csv: has no column 't'; its header is one column, 'a;t': is the delimiter ';'?"),
    Fault(
      name: "an open quote", text: "a,t\n\"1,0\n2,1\n",
      message: "t.csv: line 2: a quoted field has no closing quote"),
    Fault(
      name: "text behind a quote", text: "a,t\n\"1\"x,0\n",
      message: "t.csv: line 2: expected the end of a field behind its closing quote"),
    Fault(
      name: "Latin 1", text: "",
      message: "t.csv: line 2, column 'a': byte 2 of the cell is not UTF-8"),
    Fault(
      name: "two columns of one name", text: "a,a,t\n1,2,0\n",
      message: "t.csv: the header has the column 'a' twice"),
    Fault(
      name: "a renamed target", text: "a,T\n1,0\n",
      message: "t.csv: has no column 't'; did you mean 'T'?"),
    Fault(
      name: "an ignored column that is not there", text: "a,t\n1,0\n",
      change: { $0.ignoring = ["b"] },
      message: "t.csv: has no column 'b'"),
    Fault(
      name: "a rule for a column that is not there", text: "age,t\n1,0\n",
      change: { $0.rules = [("aeg", rule(.number))] },
      message: "t.csv: has no column 'aeg'; did you mean 'age'?"),
    Fault(
      name: "a weight column that is not there", text: "a,t\n1,0\n", change: { $0.weight = "w" },
      message: "t.csv: has no column 'w'"),
    Fault(
      name: "a text among numbers", text: "a,t\n1,0\n2,0\n3,1\nx4,1\n",
      message:
        "t.csv: line 5, column 'a': expected a number, found 'x4'; 3 of 4 cells of the column are numbers"
    ),
    Fault(
      name: "a gap", text: "a,t\n1,0\n,1\n",
      message: "t.csv: line 3, column 'a': the value is missing"),
    Fault(
      name: "a gap in a target", text: "a,t\n1,0\n2,NA\n",
      message: "t.csv: line 3, column 't': the target is missing ('NA' stands for a missing value)"),
    Fault(
      name: "a number beyond Float32", text: "a,t\n1,0\n1e39,1\n",
      message: "t.csv: line 3, column 'a': 1e+39 is out of the range of Float32"),
    Fault(
      name: "a text in a target of numbers", text: "a,t\n1,0\n2,high\n",
      change: { $0.kind = .values },
      message: "t.csv: line 3, column 't': expected a number, found 'high'"),
    Fault(
      name: "NaN in a target of numbers", text: "a,t\n1,0\n2,nan\n", change: { $0.kind = .values },
      message: "t.csv: line 3, column 't': the target is missing"),
    Fault(
      name: "a number that is no label", text: "a,t,u\n1,0,1\n2,2,1\n",
      change: {
        $0.targets = ["t", "u"]
        $0.kind = .labels
      },
      message:
        "t.csv: line 3, column 't': expected a label: true or false, yes or no, 1 or 0; found '2'"),
    Fault(
      name: "a negative weight", text: "a,w,t\n1,1,0\n2,-1,1\n", change: { $0.weight = "w" },
      message: "t.csv: line 3, column 'w': the example's weight is negative"),
    Fault(
      name: "a missing weight", text: "a,w,t\n1,1,0\n2,,1\n", change: { $0.weight = "w" },
      message: "t.csv: line 3, column 'w': the example's weight is missing"),
    Fault(
      name: "weights of 0 alone", text: "a,w,t\n1,0,0\n2,0,1\n", change: { $0.weight = "w" },
      message: "t.csv: line 2, column 'w': all examples have the weight 0"),
    Fault(
      name: "no features", text: "name,t\nann,0\nbob,1\n",
      message: "t.csv: has no features: 'name' holds texts that are no categories"),
    Fault(
      name: "no boolean", text: "a,t\nyes,0\nmaybe,1\n",
      change: { $0.rules = [("a", rule(.boolean))] },
      message: "t.csv: line 3, column 'a': expected true or false, yes or no, 1 or 0, found 'maybe'"
    ),
    Fault(
      name: "no date", text: "a,t\n2024-01-31,0\n2024-02-30,1\n",
      change: { $0.rules = [("a", rule(.date))] },
      message:
        "t.csv: line 3, column 'a': expected a date like 2024-01-31 or 2024-01-31 18:30, found '2024-02-30'"
    ),
    Fault(
      name: "a missing date", text: "a,t\n2024-01-31,0\n,1\n2024-02-01,1\n",
      message:
        "t.csv: line 3, column 'a': the date is missing: fill it in, remove the line, or set 'missing'"
    ),
    Fault(
      name: "one date in all rows", text: "a,t\n2024-01-31,0\n2024-01-31,1\n",
      message: "t.csv: the column 'a' has the same date in all rows of the training part"),
    Fault(
      name: "a missing category that is an error", text: "a,t\nx,0\n,1\n",
      change: { $0.rules = [("a", rule(.category) { $0.missing = .refuse })] },
      message:
        "t.csv: line 3, column 'a': the value is missing, and 'data.columns' says that this is an error"
    ),
    Fault(
      name: "too many levels", text: "a,t\nx,0\ny,1\nz,1\n",
      change: { $0.rules = [("a", rule(.category) { $0.maxLevels = 2 })] },
      message: "t.csv: the column 'a' has 3 levels in the training part, more than 2"),
    Fault(
      name: "a mean of nothing", text: "a,b,t\n,1,0\n,2,1\n",
      change: { $0.rules = [("a", rule(.number) { $0.missing = .mean })] },
      message: "t.csv: line 2, column 'a': no row of the training part has a value"),
    Fault(
      name: "UTF-16", text: "",
      message: "t.csv: the text is in UTF-16LE, not in UTF-8; convert it: iconv -f UTF-16LE"),
  ]

  private static func bytes(_ fault: Fault) -> [UInt8] {
    switch fault.name {
    case "Latin 1": Array("a,t\nM".utf8) + [0xfc] + Array("ller,0\n".utf8)
    case "UTF-16": [0xff, 0xfe] + "a,t\n1,0\n".utf8.flatMap { [$0, 0] }
    default: Array(fault.text.utf8)
    }
  }

  @Test("the message names file, line and column, and what to do", arguments: faults)
  func refusals(fault: Fault) {
    let error = #expect(throws: FileError.self) {
      var options = TableOptions(target: "t")
      fault.change(&options)
      let content = try TableContent(
        CSVTable.parse(
          Self.bytes(fault), path: "t.csv", options.dialect, texts: options.texts), options)
      _ = try content.part(as: content.describe())
    }
    #expect(
      error?.description.hasPrefix(fault.message) == true, "\(error?.description ?? "nothing")")
  }

  @Test("there are at least 25 of them")
  func count() { #expect(Self.faults.count >= 25) }
}
