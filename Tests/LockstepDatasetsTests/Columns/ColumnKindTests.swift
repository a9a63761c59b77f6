import LockstepDatasets
import LockstepFiles
import Testing

/// What columns hold is found on the training part, and says what their cells become.
@Suite struct ColumnKindTests {
  static func content(
    _ text: String, _ change: (inout TableOptions) -> Void = { _ in }
  ) throws -> TableContent {
    var options = TableOptions(target: "t")
    change(&options)
    return try TableContent(
      CSVTable.parse(Array(text.utf8), path: "t.csv", options.dialect, texts: options.texts),
      options)
  }

  static func later(
    _ text: String, _ description: DataDescription, isTargetOptional: Bool = true
  ) throws -> DataPart {
    let table = try CSVTable.parse(
      Array(text.utf8), path: "new.csv", texts: description.texts())
    return try TableContent(table, as: description, isTargetOptional: isTargetOptional).part(
      as: description)
  }

  static func columns(_ description: DataDescription) throws -> ColumnsDescription {
    guard case .columns(let columns) = description.input else {
      throw DatasetError("t", "is no table")
    }
    return columns
  }

  static func inputs(_ part: DataPart) throws -> [Float] {
    try part.dataset.inputValues(of: Array(0..<part.dataset.count))
  }

  private func names(
    _ text: String, _ change: (inout TableOptions) -> Void = { _ in }
  ) throws -> [String] {
    try Self.columns(Self.content(text, change).describe()).inputNames
  }

  /// A table of one column `a`.
  private static func column(_ cells: [String]) -> String {
    "a,b,t\n" + cells.enumerated().map { "\($1),\($0),\($0 % 2)\n" }.joined()
  }

  @Test(
    "kinds are inferred, and inputs have names",
    arguments: [
      (["1", "2.5", "1", "2"], ["a", "b"]),
      (["x", "y", "x", "y"], ["a=x", "a=y", "b"]),
      (["y", "x", "", "x", "y"], ["a=x", "a=y", "a=(missing)", "b"]),
      (["yes", "no", "Yes", "NO"], ["a", "b"]),
      (["true", "", "false", "true"], ["a", "a=(missing)", "b"]),
      (["2024-01-31", "2024-02-29"], ["a.month", "a.day", "a.weekday", "b"]),
      (["2023-01-31 10:00", "2024-01-31 11:30"], ["a.year", "a.weekday", "a.hour", "b"]),
      (["one", "two", "three", "four"], ["b"]), (["", "NA", "?", ""], ["b"]),
    ])
  func kinds(cells: [String], expected: [String]) throws {
    #expect(try names(Self.column(cells)) == expected)
  }

  @Test("what is said of a column counts")
  func rules() throws {
    let text = Self.column(["1", "2", "1", "3"])
    func names(_ kind: ColumnKind) throws -> [String] {
      try self.names(text) { $0.rules = [("a", ColumnRule(kind))] }
    }
    #expect(try names(.category) == ["a=1", "a=2", "a=3", "b"])
    #expect(try names(.ignore) == ["b"])
    #expect(try names(.number) == ["a", "b"])
    #expect(throws: FileError.self) { try names(.boolean) }
    #expect(throws: FileError.self) { try names(.date) }
    // Leading zeros and decimals are kept where cells are names.
    let codes = Self.column(["007", "7", "7.0", "007"])
    #expect(
      try self.names(codes) { $0.rules = [("a", ColumnRule(.category))] }
        == ["a=007", "a=7", "a=7.0", "b"])
  }

  @Test("text and empty columns are left out with a notice, and may be missing later")
  func leftOut() throws {
    let content = try Self.content(
      "name,note,a,t\nann,,1,0\nbob,,2,1\ncid,,3,0\ndan,,4,1\n")
    let description = try content.describe()
    #expect(
      try content.fittingNotices(nil, as: description) == [
        "t.csv: the column 'name' holds text (4 different values in 4 rows) and is left out; to use it, set "
          + "\"category\" for it in 'data.columns'; to say nothing, name it in 'data.ignore'",
        "t.csv: the column 'note' has no values in the training part and is left out",
      ])
    #expect(try Self.columns(description).ignored == ["name", "note"])
    #expect(try Self.inputs(Self.later("a\n2.5\n", description)) == [0])
  }

  @Test(
    "an unknown level is 0 in all inputs, with a notice; a rare one's input is the unknown one's")
  func unknown() throws {
    let text = "c,t\nx,0\ny,1\nx,0\ny,1\nz,0\n"
    func notices(_ rule: ColumnRule) throws -> ([Float], [String]) {
      let description = try Self.content(text) { $0.rules = [("c", rule)] }.describe()
      let part = try Self.later("c\nq\nx\n\nz\n", description)
      return (try Self.inputs(part), part.notices)
    }
    let plain = try notices(ColumnRule(.category))
    #expect(plain.0 == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1])
    #expect(
      plain.1 == [
        "new.csv: 1 row with 1 level of the column 'c' that training does not know: 'q'; all inputs of the "
          + "column are 0 there",
        "new.csv: 1 row without a value in the column 'c', which had one in all rows of the training part: "
          + "all inputs of the column are 0 there",
      ])
    var rule = ColumnRule(.category)
    rule.minCount = 2
    let rare = try notices(rule)
    #expect(rare.0 == [0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1])
    #expect(rare.1.count == 2 && rare.1[0].contains("'q'; they count as rare levels"))
  }

  @Test("too many levels are an error that says what to do")
  func manyLevels() {
    let text = "c,t\n" + (0..<200).map { "k\($0 % 70),0\n" }.joined()
    let error = #expect(throws: FileError.self) {
      try Self.content(text) {
        var rule = ColumnRule(.category)
        rule.embedding = 0
        $0.rules = [("c", rule)]
      }.describe()
    }
    #expect(
      error?.description.hasPrefix(
        "t.csv: the column 'c' has 70 levels in the training part, more than 64: set 'minCount'")
        == true)
  }

  @Test(
    "beyond 64 levels a category is the number of a vector: 0 unknown, then levels, rare, missing")
  func embedding() throws {
    let text =
      "c,a,t\n" + (0..<140).map { "k\(100 + $0 % 70),\($0),0\n" }.joined() + ",5,0\nr,6,0\n"
    var rule = ColumnRule(.category)
    rule.minCount = 2
    let description = try Self.content(text) { $0.rules = [("c", rule)] }.describe()
    #expect(description.inputShape == [1])
    #expect(description.embedded == [EmbeddedColumn(name: "c", count: 73, width: 13)])
    let part = try Self.later("a,c\n1,k100\n2,new\n3,\n4,r\n5,k169\n", description)
    let codes = try part.dataset.categories.map(\.codes)
    #expect(codes == [[1, 71, 72, 71, 70]])
    #expect(
      try DataDescription(parsing: Array(description.json.compactText.utf8), source: "d")
        == description)

    let plain = try Self.content("c,t\nx,0\ny,1\n") {
      var rule = ColumnRule(.category)
      rule.embedding = 2
      $0.rules = [("c", rule)]
    }.describe()
    #expect(plain.inputShape == [0])
    let later = try Self.later("c\ny\nnew\n\n", plain)
    #expect(try later.dataset.categories.map(\.codes) == [[2, 0, 0]])
    #expect(try later.dataset.inputFields.map(\.description) == ["'category c' int32 below 3 []"])
    #expect(later.notices.count == 2 && later.notices[0].hasSuffix("'new'; their vector is 0"))
  }

  @Test("a level that a program wrote as a decimal is the same level")
  func decimals() throws {
    let description = try Self.content("c,t\n1.0,0\n2.0,1\n,0\n") {
      $0.rules = [("c", ColumnRule(.category))]
    }.describe()
    #expect(try Self.inputs(Self.later("c,t\n2,0\n1,0\n", description)) == [0, 1, 0, 1, 0, 0])
  }

  private static let mixed =
    "n,c,d,f,t\n1,x,2024-01-01,yes,0\n,y,2024-02-03,no,1\n5,,2024-03-05,yes,0\n7,x,2024-04-08,no,1\n"

  private static func fill(_ options: inout TableOptions) {
    options.missing = .median
    options.hasIndicators = true
    options.rules = [("c", ColumnRule(.category))]
  }

  @Test("columns in another order give the same inputs")
  func order() throws {
    let content = try Self.content(Self.mixed, Self.fill)
    let description = try content.describe()
    let rows = Self.mixed.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).reversed().joined(separator: ",")
    }
    let turned = try Self.later(rows.joined(separator: "\n") + "\n", description)
    #expect(try Self.inputs(turned) == Self.inputs(content.part(as: description)))
    #expect(turned.summary.examples == 4)
  }

  @Test("everything is fitted on the training part: other rows change nothing")
  func fitted() throws {
    let first = try Self.content(Self.mixed + "9,q,2030-12-31,yes,1\n", Self.fill)
    let second = try Self.content(Self.mixed + "-400,zz,1999-05-06 10:00,no,0\n", Self.fill)
    #expect(try first.describe([0, 1, 2, 3]) == second.describe([0, 1, 2, 3]))
    #expect(try first.describe([0, 1, 2, 3]) == Self.content(Self.mixed, Self.fill).describe())
    #expect(try first.describe() != second.describe())
  }

  @Test("a description of all kinds comes back from its file as it was")
  func json() throws {
    let description = try Self.content(Self.mixed) {
      Self.fill(&$0)
      $0.dialect.comment = "#"
      $0.weight = nil
      var date = ColumnRule(.date)
      date.parts = [.month, .days]
      $0.rules.append(("d", date))
    }.describe()
    let text = description.json.prettyText
    #expect(try DataDescription(parsing: Array(text.utf8), source: "d") == description)
    #expect(
      try Self.columns(description).inputNames == [
        "n", "n=(missing)", "c=x", "c=y", "c=(missing)", "d.month", "d.days", "f",
      ])
  }

  @Test("mean, median, a constant; the indicator is there where training had gaps")
  func missing() throws {
    func value(_ missing: MissingValues) throws -> [Float] {
      let content = try Self.content("a,t\n1,0\n,1\n2,0\n6,1\n") {
        $0.missing = missing
        $0.hasIndicators = true
        $0.standardize = false
      }
      return Array(try Self.inputs(content.part(as: content.describe()))[2..<4])
    }
    #expect(try value(.mean) == [3, 1])
    #expect(try value(.median) == [2, 1])
    #expect(try value(.fill(-1)) == [-1, 1])
    let error = #expect(throws: FileError.self) { try value(.refuse) }
    #expect(error?.description.contains("line 3, column 'a': the value is missing") == true)
    #expect(
      try Self.columns(
        Self.content("a,t\n1,0\n2,1\n") {
          $0.missing = .mean
          $0.hasIndicators = true
        }.describe()
      ).inputNames == ["a"])
  }

  @Test("several numbers and several labels; numbers in their own units")
  func targets() throws {
    let values = try Self.content("a,t,u\n1,10,-1\n2,30,-3\n") {
      $0.targets = ["t", "u"]
      $0.kind = .values
      $0.standardizesTarget = true
    }
    let description = try values.describe()
    guard case .targets(let scaled, 2) = try values.part(as: description).dataset.labels else {
      Issue.record("expected two targets")
      return
    }
    #expect(scaled == [-1, 1, 1, -1])
    #expect((0..<4).map { description.target.unscaled(scaled[$0], at: $0) } == [10, -1, 30, -3])
    let labels = try Self.content("a,t,u\n1,yes,0\n2,no,1\n") {
      $0.targets = ["t", "u"]
      $0.kind = .labels
    }
    guard case .targets(let found, 2) = try labels.part(as: labels.describe()).dataset.labels else {
      Issue.record("expected two labels")
      return
    }
    #expect(found == [1, 0, 0, 1])
    let text = try labels.describe().json.compactText
    #expect(try DataDescription(parsing: Array(text.utf8), source: "d") == labels.describe())
  }

  @Test("weights are a field of the labels")
  func weights() throws {
    let content = try Self.content("a,w,t\n1,0.5,0\n2,2,1\n") { $0.weight = "w" }
    let part = try content.part(as: content.describe())
    #expect(try part.dataset.labelFields.map(\.name) == ["label", "weight"])
    #expect(try part.dataset.weights == [0.5, 2])
    #expect(part.summary.columns.map(\.name) == ["a", "w", "t"])
    let other = try Self.content("a,w,t\n1,0.5,0\n2,3,1\n") { $0.weight = "w" }
    #expect(try other.part(as: other.describe()).examples.fingerprint != part.examples.fingerprint)
  }
}
