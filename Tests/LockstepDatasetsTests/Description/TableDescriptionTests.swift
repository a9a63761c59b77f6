import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

/// What training learns about tables is what later files are read with.
@Suite struct TableDescriptionTests {
  private func content(
    _ text: String, _ change: (inout TableOptions) -> Void = { _ in }
  ) throws -> TableContent {
    var options = TableOptions(target: "t")
    change(&options)
    return try TableContent(CSVTable.parse(Array(text.utf8), path: "train.csv"), options)
  }

  private func later(
    _ text: String, _ description: DataDescription, isTargetOptional: Bool = false,
    id: String? = nil
  ) throws -> (part: DataPart, notices: [String]) {
    let content = try TableContent(
      CSVTable.parse(Array(text.utf8), path: "new.csv"), as: description,
      isTargetOptional: isTargetOptional, id: id)
    return (try content.part(as: description), content.notices)
  }

  private func inputs(_ part: DataPart) throws -> [Float] {
    if case .floats(let values) = try? part.dataset.inputs { values } else { [] }
  }

  private func message(_ body: () throws -> Void) -> String? {
    #expect(throws: FileError.self, performing: body)?.description
  }

  private let text = "a,b,t\n1,10,cat\n3,30,dog\n5,20,cat\n"

  @Test("columns are matched by name: any order gives the same examples")
  func order() throws {
    let content = try content(text)
    let description = try content.describe()
    let training = try content.part(as: description)
    let shuffled = try later("t,b,a\ncat,10,1\ndog,30,3\ncat,20,5\n", description)
    #expect(try inputs(shuffled.part) == inputs(training))
    #expect(try shuffled.part.dataset.strata == training.dataset.strata)
    #expect(shuffled.notices.isEmpty)
    let mean = try inputs(training).enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    #expect(mean.reduce(0, +) == 0)
  }

  @Test("missing and renamed columns are refused with the nearest name, new ones noticed")
  func columns() throws {
    let description = try content("radius,mass,t\n1,2,0\n3,4,1\n").describe()
    #expect(
      message { _ = try later("Radius,mass,t\n1,2,0\n", description) }
        == "new.csv: lacks the column 'radius' (is it 'Radius'?), which the run was trained with; it "
        + "has 'Radius', 'mass', 't'")
    #expect(
      message { _ = try later("x\n1\n", description) }
        == "new.csv: lacks the columns 'radius', 'mass', 't', which the run was trained with; it has "
        + "'x'")
    let extra = try later("radius,colour,mass,t\n1,red,2,0\n", description)
    #expect(
      extra.notices == ["new.csv: the run does not know the column 'colour' and leaves it out"])
    #expect(try inputs(extra.part) == [-1, -1])
    let broken = try later("radius,\"co\nlour\",mass,t\n1,red,2,0\n", description)
    #expect(
      broken.notices == [
        "new.csv: the run does not know the column 'co\\u{a}lour' and leaves it out"
      ])
    #expect(
      message { _ = try later("radius,mass,t\nwide,2,0\n", description) }
        == "new.csv: line 2, column 'radius': expected a number, found 'wide'; the run was trained on "
        + "numbers in this column")
  }

  @Test("columns that are no features anyway are noticed where 'id' and 'ignore' name them")
  func uselessNames() throws {
    let text = "a,p,t\n1,5,x\n2,7,y\n"
    #expect(
      try content(text) { $0.ignoring = [" t"] }.notices == [
        "train.csv: 'data.ignore' has no effect on 't', which is the target"
      ])
    #expect(
      try content(text) { $0.id = "t" }.notices == [
        "train.csv: 'data.id' names 't', which is the target"
      ])
    #expect(
      try content(text) {
        $0.id = "p"
        $0.ignoring = ["p"]
      }.notices == [
        "train.csv: 'data.ignore' has no effect on 'p', which 'data.id' keeps from the features"
      ])
  }

  @Test("ignored columns and the id may be there or not")
  func ignored() throws {
    let description = try content("a,name,id,t\n1,x,p1,0\n2,y,p2,1\n") {
      $0.ignoring = ["name"]
      $0.id = "id"
    }.describe()
    let with = try later("id,name,a,t\nq1,z,1,1\n", description)
    #expect(with.part.ids == ["q1"])
    #expect(with.notices.isEmpty)
    #expect(try later("a,t\n1,1\n", description).part.ids == nil)
    #expect(try later("a,t,key\n1,1,k\n", description, id: "key").part.ids == ["k"])
    #expect(
      message { _ = try later("a,t,key\n1,1,k\n", description, id: "keys") }
        == "new.csv: has no column 'keys'; did you mean 'key'?")
  }

  @Test("classes keep the numbers that training gave them; others are refused with their row")
  func classes() throws {
    let description = try content("a,t\n1,a\n2,b\n3,c\n").describe()
    #expect(try later("a,t\n1,c\n2,a\n", description).part.dataset.strata == [2, 0])
    #expect(try later("a,t\n1, b \n", description).part.dataset.classCount == 3)
    #expect(
      message { _ = try later("a,t\n1,a\n\n2,bb\n", description) }
        == "new.csv: line 4, column 't': the class 'bb' is unknown: the training part has no example "
        + "of it; did you mean 'b'? The classes are 'a', 'b', 'c'")
    let numbers = try content("a,t\n1,0\n2,1\n3,3\n").describe()
    #expect(try later("a,t\n1,1.0\n", numbers).part.dataset.classCount == 4)
    for (cell, reason) in [
      ("4", "the class 4 is unknown; the classes are 0...3"),
      (
        "2",
        "the class 2 is unknown: the training part has no example of it; numbers that are no classes "
          + "need 'data.targetKind' to be 'values'"
      ),
      ("cat", "the class 'cat' is unknown"), ("-1", "the class -1 is unknown"),
    ] {
      let text = message { _ = try later("a,t\n1,\(cell)\n", numbers) }
      #expect(text?.contains("new.csv: line 2, column 't': \(reason)") == true, "\(text ?? "")")
    }
  }

  @Test("the classes are those of the training part, whatever else is in the file")
  func classesOfTheTrainingPart() throws {
    let content = try content("a,t\n1,b\n2,a\n3,c\n")
    let description = try content.describe([0, 1])
    #expect(try content.part([0, 1], as: description).dataset.strata == [1, 0])
    let text = message { _ = try content.part([2], as: description) }
    #expect(text?.hasPrefix("train.csv: line 4, column 't': the class 'c' is unknown") == true)
  }

  @Test("class cells are trimmed and missing like features")
  func cells() throws {
    #expect(
      try content("a,t\n1,cat\n2, cat\n3,\"cat \"\n4,dog\n").part(
        as: content("a,t\n1,cat\n2,dog\n").describe()
      ).dataset.strata == [0, 0, 0, 1])
    for word in ["NA", " ", "nan", "?", "null", " N/A "] {
      let text = message { _ = try content("a,t\n1,cat\n2,\(word)\n") }
      #expect(
        text?.hasPrefix("train.csv: line 3, column 't': the target is missing") == true,
        "\(text ?? "")")
    }
    #expect(
      message { _ = try content("a,t\n1,0\n2,0x1\n").describe() }
        == "train.csv: line 3, column 't': expected a class 0, 1, …, found '0x1'")
    #expect(
      message { _ = try content("a,t\n1,0\n2,1.5\n").describe() }?.contains("'targetKind'") == true)
    #expect(
      message { _ = try content("a,t\n1,20261129\n").describe() }?.contains("too large") == true)
  }

  @Test("declared classes have the order and the number that was declared")
  func declared() throws {
    let named = try content("a,t\n1,low\n2,high\n") {
      $0.classes = try? ClassNames(names: ["low", "middle", "high"])
    }
    #expect(try named.part(as: named.describe()).dataset.strata == [0, 2])
    #expect(try named.describe().target.classes?.count == 3)
    let counted = try content("a,t\n1,0\n2,1\n") { $0.classes = ClassNames(count: 5) }
    #expect(try later("a,t\n1,4\n", counted.describe()).part.dataset.strata == [4])
    #expect(throws: DatasetError.self) { try ClassNames(names: ["a", "a"]) }
  }

  @Test("declared names are trimmed, and none stands for a missing value")
  func declaredNames() throws {
    #expect(try ClassNames(names: ["x ", "y"]).names == ["x", "y"])
    #expect(throws: DatasetError("classes", "the name 'x' stands twice")) {
      try ClassNames(names: ["x ", "x"])
    }
    for word in ["NA", " ", "null"] {
      let error = #expect(throws: DatasetError.self) { try ClassNames(names: ["x", word]) }
      #expect(error?.reason.contains("stands for a missing value") == true)
    }
    // What a run recorded before is read as it is.
    let recorded = Array(
      #"""
      {"version": 1, "input": {"kind": "columns", "columns": [{"name": "a", "kind": "number",
      "mean": 0, "deviation": 1, "fill": null}], "ignored": [], "id": null, "delimiter": ","},
      "target": {"column": "t", "kind": "classes", "names": ["x ", "NA"]}}
      """#.utf8)
    let description = try DataDescription(parsing: recorded, source: "d")
    #expect(description.target.classes?.names == ["x ", "NA"])
  }

  @Test("numbers in other notations are no names of classes unless they are declared")
  func numbersAsClasses() throws {
    for (first, second) in [("0x1", "0x0"), ("inf", "-inf"), ("Infinity", "a")] {
      let text = "a,t\n1,\(first)\n2,\(second)\n"
      let found = message { _ = try content(text).describe() }
      let start = "train.csv: line 2, column 't': expected a class, found '\(first)'"
      #expect(found?.hasPrefix(start) == true, "\(found ?? "")")
      let declared = try content(text) { $0.classes = try? ClassNames(names: [first, second]) }
      #expect(try declared.part(as: declared.describe()).dataset.strata == [0, 1])
    }
    let none = try content("a,t\n1,None\n2,b\n")
    #expect(none.notices.first?.contains("'None' is a class of the target 't'") == true)
    #expect(try none.describe().target.classes?.names == ["None", "b"])
  }

  @Test("numbers that become one in Float32 are named; digits that are none are not")
  func rounding() throws {
    func notices(
      _ text: String, _ change: (inout TableOptions) -> Void = { _ in }
    ) throws -> [String] {
      let content = try content(text, change)
      return content.roundingNotices(as: try content.describe())
    }
    func rows(_ row: (Int) -> String) -> String { (0..<100).map { row($0) + "\n" }.joined() }
    let targets = "a,t\n" + rows { "\($0),\(16_777_216 + $0 % 2)" }
    #expect(
      try notices(targets) { $0.kind = .values } == [
        "train.csv: the target 't' holds 16777216 and 16777217, which are one number in Float32, as "
          + "targets are kept: subtract an offset from the column"
      ])
    let features = "b,a,t\n" + rows { "\($0),\(1_000_000_000 + 10 * ($0 % 2)),0" }
    #expect(
      try notices(features) { $0.standardize = false } == [
        "train.csv: the column 'a' holds 1000000000 and 1000000010, which are one number in Float32, "
          + "as features are kept: set 'data.standardize' to true, or subtract an offset from the column"
      ])
    #expect(try notices(features).isEmpty)
    let noise = "a,t\n" + rows { "\(1e9 + 10 * Double($0 % 2) + Double($0) / 128),0" }
    #expect(try notices(noise) { $0.standardize = false }.count == 1)
    #expect(try notices(noise).isEmpty)
    // One value far away takes the others' digits, standardised or not.
    let outlier = "a,t\n1e15,0\n" + rows { "\($0),0" }
    #expect(try notices(outlier).count == 1)
    // Values that differ behind the seventh digit, as measured ones do.
    let fine = "a,t\n" + rows { "\(Double($0 / 2) / 100 + Double($0 % 2) * 1e-12),0" }
    #expect(try notices(fine).isEmpty)
    #expect(try notices(fine) { $0.standardize = false }.isEmpty)
    let binary = "a,t\n" + rows { "0.1,\($0 % 2)" }
    #expect(try notices(binary) { $0.kind = .values }.isEmpty)
  }

  @Test("means, deviations and fills are the training part's, whoever else is in the file")
  func fitted() throws {
    let content = try content("a,t\n1,0\n,1\n3,0\n") { $0.missing = .fill(2) }
    let description = try content.describe()
    guard case .columns(let columns) = description.input else { return }
    #expect(columns.columns[0].number.mean == 2)
    let alone = try later("a,t\n5,0\n", description)
    let among = try later("a,t\n100,0\n5,1\n,0\n-100,0\n", description)
    #expect(try inputs(alone.part)[0] == inputs(among.part)[1])
    #expect(try inputs(among.part)[2] == 0)
    let strict = try self.content("a,t\n1,0\n3,1\n").describe()
    #expect(
      message { _ = try later("a,t\n?,0\n", strict) }
        == "new.csv: line 2, column 'a': the value is missing: fill it in; the run was trained without "
        + "'data.fillMissing'")
  }

  @Test("a large offset costs no digits")
  func offset() throws {
    let values = (0..<100).map { Double($0) / 128 }
    func inputs(_ offset: Double) throws -> [Float] {
      let rows = values.map { "\($0 + offset),0\n" }.joined()
      let content = try content("a,t\n" + rows)
      return try self.inputs(try content.part(as: content.describe()))
    }
    let (plain, far) = (try inputs(0), try inputs(1e9))
    for (one, other) in zip(plain, far) { #expect((one - other).magnitude < 1e-4) }
    #expect(Set(far).count == 100)
  }

  @Test("rows without a target are read where they may lack it")
  func unlabelled() throws {
    let description = try content(text).describe()
    let none = try later("b,a\n10,1\n", description, isTargetOptional: true).part
    #expect(none.isLabelled == [false])
    let some = try later("b,a,t\n10,1,\n20,2,dog\n", description, isTargetOptional: true).part
    #expect(some.isLabelled == [false, true])
    #expect(try some.dataset.strata[1] == 1)
    let all = try later("b,a,t\n10,1,cat\n", description, isTargetOptional: true).part
    #expect(all.isLabelled == nil)
    #expect(
      message { _ = try later("b,a\n10,1\n", description) }?.contains("lacks the column 't'")
        == true)
  }

  @Test("examples know their lines and rows")
  func places() throws {
    let description = try content(text).describe()
    let part = try later("a,b,t\n1,2,cat\n\n3,4,dog\n", description).part
    #expect(part.places.rows == [1, 2])
    #expect(part.places.lines == [2, 4])
    #expect(part.places.text(1) == "line 4")
  }

  @Test("a column that counts the rows is noticed")
  func counters() throws {
    #expect(try content(",a,t\n0,5,0\n1,6,1\n").notices.count == 1)
    #expect(try content("a,t\n0,0\n1,1\n").notices.isEmpty)
    #expect(try content(",a,t\n0,5,0\n2,6,1\n").notices.isEmpty)
    #expect(try content(",a,t\n0,5,0\n1,6,1\n") { $0.ignoring = [""] }.notices.isEmpty)
    let many = (1...30).map { "\($0),\($0 * $0),0\n" }.joined()
    #expect(
      try content("key,a,t\n" + many).notices.first?.contains("'key' counts the rows") == true)
  }

  @Test("a description comes back from its file as it was")
  func json() throws {
    let content = try content("a,n,b,t\n1,x,0.1,a\n3,y,,b\n7,z,0.3,a\n") {
      $0.missing = .fill(0.25)
      $0.id = "n"
      $0.dialect.delimiter = ","
    }
    var description = try content.describe()
    description.training = try content.part(as: description).summary
    let text = description.json.prettyText
    #expect(try DataDescription(parsing: Array(text.utf8), source: "d") == description)
    for damaged in ["{}", "[", #"{"version": 1}"#, #"{"version": 99}"#] {
      #expect(throws: FileError.self) {
        try DataDescription(parsing: Array(damaged.utf8), source: "d")
      }
    }
  }

  @Test("damaged descriptions never crash")
  func fuzz() async {
    await #expect(processExitsWith: .success) {
      let text = "a,b,t\n1,10,cat\n3,30,dog\n5,20,cat\n"
      let content = try TableContent(
        CSVTable.parse(Array(text.utf8), path: "t.csv"), TableOptions(target: "t"))
      var description = try content.describe()
      description.training = try content.part(as: description).summary
      let sound = Array(description.json.compactText.utf8)
      var mutator = Mutator(seed: 8)
      var read = 0
      for _ in 0..<3000 {
        guard let other = try? DataDescription(parsing: mutator.mutate(sound), source: "d") else {
          continue
        }
        read += 1
        _ = try? TableContent(
          CSVTable.parse(Array(text.utf8), path: "t.csv"), as: other
        ).part(as: other)
      }
      #expect(read > 20)
    }
  }

  @Test(
    "what differs from the recorded data is named",
    arguments: [
      ("a,b,t\n1,10,cat\n3,30,dog\n5,20,cat\n6,20,cat\n", "has 4 examples, and had 3"),
      ("a,b,t\n1,10,cat\n3,31,dog\n5,20,cat\n", "other values in 'b', first on line 3"),
      ("a,b,t\n1,10,cat\n3,30,dog\n5,20,dog\n", "other values in 't', first on line 4"),
      ("b,a,t\n10,1,cat\n30,3,dog\n20,5,cat\n", "columns in another order"),
      ("a,c,t\n1,10,cat\n3,30,dog\n5,20,cat\n", "lacks 'b' and has 'c' besides"),
    ])
  func differences(_ other: String, _ reason: String) throws {
    func record(_ text: String) throws -> DataRecord {
      let content = try content(text)
      var description = try content.describe()
      let part = try content.part(as: description)
      description.training = part.summary
      return DataRecord(description, training: part.places, test: nil)
    }
    let before = try record(text)
    #expect(before.difference(from: before.description) == nil)
    let difference = try record(other).difference(from: before.description)
    #expect(difference?.contains(reason) == true, "\(difference ?? "")")
  }

  @Test("one target that moved the cut is named; where the whole is unknown, it comes first")
  func differencesOfCuts() throws {
    func record(_ text: String, _ training: [Int], hasWhole: Bool) throws -> DataRecord {
      let content = try content(text) { $0.kind = .values }
      var description = try content.describe(training)
      let part = try content.part(training, as: description)
      description.training = part.summary
      if hasWhole { description.whole = try content.summary(as: description) }
      return DataRecord(
        description, training: part.places, test: nil,
        whole: hasWhole ? content.places : nil)
    }
    let (before, after) = ("a,b,t\n1,2,3\n4,5,6\n7,8,9\n", "a,b,t\n1,2,3\n4,5,7\n7,8,9\n")
    let whole = try record(before, [0, 1], hasWhole: true)
    let again = try DataDescription(whole.description.json, source: "d")
    #expect(again == whole.description)
    #expect(whole.difference(from: again) == nil)
    let moved = try record(after, [0, 2], hasWhole: true)
    #expect(
      moved.difference(from: again)
        == "the data (train.csv) has other values in 't', first on line 3")
    // A run of an earlier version did not record the whole.
    let old = try record(before, [0, 1], hasWhole: false)
    #expect(
      moved.difference(from: old.description)
        == "the training part (train.csv) has other rows or values in 't', 'a', 'b', first on line "
        + "4")
    #expect(
      try record(before, [0, 1], hasWhole: true).difference(from: old.description) == nil)
  }
}
