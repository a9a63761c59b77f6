import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

/// A table in a file of its cells gives what the same table in memory gives.
@Suite struct StoredPartTests {
  private let directory = TemporaryDirectory()

  private var stored: TableStorage {
    var storage = TableStorage(.files, folder: directory.path)
    storage.blockRows = 300
    return storage
  }

  /// Cells of all kinds, some of them missing. The second file has its columns in another order, and the third one
  /// is packed: each is a block of its own, or more, and some of these begin within a row.
  private func write(_ rows: Int = 15_000) -> [String] {
    let names = ["size", "port", "member", "when", "street", "note", "w", "id", "t"]
    func cell(_ name: String, _ row: Int) -> String {
      switch name {
      case "size": row % 17 == 3 ? "" : "\(Double(row * 7919 % 1000) / 8 - 20)"
      case "port": ["Bergen", "Oslo", "NA", "Tromsø"][row * 31 % 4]
      case "member": row % 3 == 0 ? "yes" : "no"
      case "when": "2024-0\(row % 9 + 1)-1\(row % 7) \(10 + row % 11):\(10 + row % 49):00"
      case "street": "street \(row * 13 % 90)"
      case "note": row % 5 == 0 ? "\"two\nlines, \(row)\"" : "note \(row)"
      case "w": "\(row % 4)"
      case "id": "r\(row)"
      default: ["a", "b", "c"][row * row % 3]
      }
    }
    func text(_ range: Range<Int>, _ names: [String]) -> [UInt8] {
      Array(
        (names.joined(separator: ",") + "\n"
          + range.map { row in names.map { cell($0, row) }.joined(separator: ",") + "\n" }.joined())
          .utf8)
    }
    return [
      directory.write(text(0..<rows / 3, names), to: "1.csv"),
      directory.write(text(rows / 3..<rows / 2, names.reversed()), to: "2.csv"),
      directory.write(gzipped(text(rows / 2..<rows, names)), to: "3.csv.gz"),
    ]
  }

  private func options(_ change: (inout TableOptions) -> Void = { _ in }) -> TableOptions {
    var options = TableOptions(target: "t")
    options.weight = "w"
    options.id = "id"
    options.missing = .median
    options.hasIndicators = true
    var street = ColumnRule(.category)
    street.embedding = 3
    options.rules = [("street", street)]
    change(&options)
    return options
  }

  private func contents(
    _ paths: [String], _ options: TableOptions
  ) throws -> (memory: TableContent, stored: TableContent) {
    (
      try TableContent(
        reading: paths, name: "t", options, texts: options.texts, TableStorage(.memory)),
      try TableContent(reading: paths, name: "t", options, texts: options.texts, stored)
    )
  }

  /// All values of a source, field by field.
  private func values(_ source: any ExampleSource, _ examples: [Int]) throws -> [[Double]] {
    try source.fields.map { field in
      if field.isInteger {
        var values = [Int32](repeating: -9, count: examples.count * field.size)
        var span = values.mutableSpan
        try source.load(field, of: examples[...], into: &span)
        return values.map { Double($0) }
      }
      var values = [Float](repeating: -9, count: examples.count * field.size)
      var span = values.mutableSpan
      try source.load(field, of: examples[...], into: &span)
      return values.map { Double($0) }
    }
  }

  private func check(_ a: DataPart, _ b: DataPart) throws {
    #expect(a.examples.count == b.examples.count)
    #expect(a.examples.inputFields == b.examples.inputFields)
    #expect(a.examples.labelFields == b.examples.labelFields)
    #expect(a.examples.fingerprint == b.examples.fingerprint)
    #expect(a.summary == b.summary)
    #expect(a.notices == b.notices)
    #expect(a.isLabelled == b.isLabelled)
    let count = a.examples.count
    let orders = [
      Array(0..<count), Array((0..<count).reversed()), [count - 1, 0, 1, 2, count / 2],
      (0..<count).map { $0 * 7 % count },
    ]
    for order in orders {
      #expect(try values(a.examples, order) == values(b.examples, order))
    }
    for example in stride(from: 0, to: count, by: 37) + [count - 1] {
      #expect(a.places.text(example) == b.places.text(example))
      #expect(a.places.row(example) == b.places.row(example))
    }
    #expect(try a.names(of: 0..<count) == b.names(of: 0..<count))
  }

  @Test("descriptions, examples, hashes, notices, places and names are the same bits")
  func sameBits() throws {
    let paths = write()
    for missing in [MissingValues.median, .mean, .fill(3)] {
      let (memory, stored) = try contents(paths, options { $0.missing = missing })
      #expect(memory.notices == stored.notices)
      #expect(try memory.strata() == stored.strata())
      #expect(try memory.groups(in: "street") == stored.groups(in: "street"))
      let some = (0..<memory.count).filter { $0 % 5 != 1 }
      for rows in [nil, some, [0, 1, 4000, memory.count - 1]] {
        let description = try memory.describe(rows)
        #expect(try stored.describe(rows) == description)
        #expect(
          try memory.fittingNotices(rows, as: description)
            == stored.fittingNotices(rows, as: description))
        #expect(
          memory.roundingNotices(as: description) == stored.roundingNotices(as: description))
        try check(
          memory.part(rows, as: description), stored.part(rows, as: description))
        // The second time the files are there.
        try check(
          memory.part(rows, as: description), stored.part(rows, as: description))
        #expect(
          try memory.summary(as: description) == stored.summary(as: description))
      }
    }
  }

  @Test("targets of numbers and of labels are the same, standardised and cut into strata")
  func targets() throws {
    let paths = write()
    for (names, kind) in [(["size"], TargetKind.values), (["w", "size"], .values)] {
      let options = options {
        $0.targets = names
        $0.kind = kind
        $0.weight = nil
        $0.standardizesTarget = true
      }
      let message = message { _ = try contents(paths, options).memory }
      #expect(message == self.message { _ = try contents(paths, options).stored })
    }
    let whole = [
      "a,b,y,z\n" + (0..<3000).map { "\($0),\($0 % 7),\($0 % 2),\($0 * 3 % 2)\n" }.joined()
    ]
    let path = directory.write(Array(whole[0].utf8), to: "whole.csv")
    for (names, kind) in [
      (["a"], TargetKind.values), (["a", "b"], .values), (["y"], .labels), (["y", "z"], .labels),
      (["b"], .classes),
    ] {
      var options = TableOptions(target: names[0])
      options.targets = names
      options.kind = kind
      options.standardizesTarget = kind == .values
      let (memory, stored) = try contents([path], options)
      #expect(try memory.strata() == stored.strata())
      let rows = Array(0..<2000) + [2999]
      let description = try memory.describe(rows)
      #expect(try stored.describe(rows) == description)
      try check(memory.part(as: description), stored.part(as: description))
    }
  }

  @Test("rows without a target, and files without its column, are read for predictions")
  func predictions() throws {
    let options = options()
    let description = try contents(write(), options).memory.describe()
    let later =
      "id,t,size,port,member,when,street,extra\n"
      + (0..<900).map {
        "x\($0),\($0 % 4 == 0 ? "" : "b"),\($0),Oslo,no,2024-01-1\($0 % 9) 10:00:00,other \($0 % 3),1\n"
      }.joined()
    let path = directory.write(Array(later.utf8), to: "later.csv")
    let texts: Set = ["id", "t", "port", "member", "when", "street"]
    func read(_ path: String, _ storage: TableStorage) throws -> (DataPart, [String]) {
      let content = try TableContent(
        reading: [path], CSVDialect(), texts: texts, storage, as: description,
        isTargetOptional: true)
      return (try content.part(as: description), content.notices)
    }
    for text in [later, later.replacing(",t,", with: ",u,")] {
      let path = directory.write(Array(text.utf8), to: "later.csv")
      let (memory, stored) = (try read(path, TableStorage(.memory)), try read(path, stored))
      #expect(memory.1 == stored.1)
      try check(memory.0, stored.0)
    }
    _ = path
  }

  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  @Test("what is wrong with a table is said in the same words")
  func faults() throws {
    let rows = (0..<2500).map { "\($0),x\($0 % 3),2024-01-1\($0 % 9),1,\($0 % 2)" }
    for (place, line) in [
      (2000, "abc,x,2024-01-11,1,0"), (2000, ",x,2024-01-11,1,0"), (2000, "1,x,2024-01-11,1,"),
      (2000, "1,x,2024-01-11,-1,0"), (2000, "1,x,2024-01-11,1"), (2000, "1e39,x,2024-01-11,1,0"),
      (2000, "1,x,2024-01-99,1,0"), (2000, "1,\"x,2024-01-11,1,0"), (2000, "1,x,,1,0"),
      (2000, "1,x,2024-01-11,1,0.5"), (0, "1,x,12/01/2024,1,1"),
    ] {
      var lines = rows
      lines[place] = line
      let text = "n,c,d,w,t\n" + lines.joined(separator: "\n") + "\n"
      let path = directory.write(Array(text.utf8), to: "bad.csv")
      var options = TableOptions(target: "t")
      options.weight = "w"
      func load(_ storage: TableStorage) throws {
        let content = try TableContent(
          reading: [path], name: path, options, texts: options.texts, storage)
        _ = try content.part(as: content.describe())
      }
      let memory = message { try load(TableStorage(.memory)) }
      #expect(!memory.isEmpty || place == 0, "\(line)")
      #expect(message { try load(stored) } == memory)
    }
  }

  @Test("a table that was changed is read anew, and damaged files are refused by name")
  func changed() throws {
    let options = TableOptions(target: "t")
    func load(_ text: String) throws -> Fingerprint {
      let path = directory.write(Array(text.utf8), to: "small.csv")
      let content = try TableContent(
        reading: [path], name: path, options, texts: options.texts, stored)
      return try content.part(as: content.describe()).examples.fingerprint
    }
    let first = try load("a,t\n1,x\n2,y\n3,x\n")
    #expect(try load("a,t\n1,x\n2,y\n4,x\n") != first)
    #expect(try load("a,t\n1,x\n2,y\n3,x\n") == first)
    for name in try SystemFileSystem().list(directory.path) where name.hasPrefix("small.csv-") {
      _ = directory.write([1, 2, 3], to: name)
    }
    let path = directory.file("small.csv")
    let error = message {
      _ = try TableContent(reading: [path], name: path, options, texts: options.texts, stored)
    }
    #expect(error.hasSuffix(".cells: is no file of a table's cells, or damaged: remove it"))
  }

  @Test("a folder that cannot be written is named with what to do")
  func folder() throws {
    let path = directory.write(Array("a,t\n1,x\n2,y\n".utf8), to: "small.csv")
    let error = message {
      let options = TableOptions(target: "t")
      _ = try TableContent(
        reading: [path], name: path, options, texts: options.texts,
        TableStorage(.files, folder: "/dev/null/cache"))
    }
    #expect(error.contains("'data.cache'") && error.contains("'data.storage'"), "\(error)")
  }
}
