import LockstepFiles
import LockstepTestSupport
import LockstepTesting
import Testing

/// `lockstep init`: what it writes trains as it is, and comments change nothing.
@Suite struct InitTests {
  /// Writes a configuration for data, and trains on two ranks by it.
  private func train(_ directory: String, _ arguments: [String], data: String) throws -> String {
    let made = try Lockstep.run(
      ["init", data] + arguments + ["--output", "made.json"], directory: directory)
    #expect(
      made.succeeded && made.output.contains("train with it: lockstep train made.json"),
      "\(made.transcript)")
    let text = String(decoding: try FileInput.contents(of: "\(directory)/made.json"), as: UTF8.self)
    #expect(text.contains("  // "))
    let trained = try Lockstep.run(
      ["train", "made.json", "--set", "epochs=1", "--run-directory", "none", "--quiet"], ranks: 2,
      directory: directory)
    #expect(trained.succeeded && trained.fingerprint != nil, "\(trained.transcript)\n\(text)")
    return text
  }

  @Test func aTable() throws {
    try withDirectory { directory in
      let rows = (0..<80).map { "\($0 % 7),\(["x", "y"][$0 % 2]),\($0 % 3 == 0 ? "yes" : "no")\n" }
      try AtomicFile.write("\(directory)/t.csv", text: "a,b,bought\n" + rows.joined())
      let text = try train(directory, ["--target", "bought"], data: "t.csv")
      #expect(
        text.contains(#""target": "bought""#)
          && text.contains("// the column that is to be predicted"))
      let again = try Lockstep.run(
        ["init", "t.csv", "--output", "made.json"], directory: directory)
      #expect(again.ending == .exited(2) && again.errorOutput.contains("is there already"))
    }
  }

  /// Numbers are classes, by the names that they are, or values.
  @Test(arguments: [
    ("-1,1", #""classes": ["-1", "1"]"#, 2),
    ("1,2,3,4,5", #""classes": ["1", "2", "3", "4", "5"]"#, 5),
    ("0,1,2", #""target": "y""#, 3), ("2001,2002,2003,2004", #""targetKind": "values""#, 1),
  ])
  func numbersAsTargets(_ labels: String, _ key: String, _ outputs: Int) throws {
    try withDirectory { directory in
      let labels = labels.split(separator: ",")
      let rows = (0..<80).map { "\($0 % 7),\($0 % 4).5,\(labels[$0 % labels.count])\n" }
      try AtomicFile.write("\(directory)/t.csv", text: "a,b,y\n" + rows.joined())
      let text = try train(directory, [], data: "t.csv")
      let plain = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      let spaced = plain.replacing("[ ", with: "[").replacing(" ]", with: "]")
      #expect(spaced.contains(key), "\(text)")
      #expect(spaced.contains("[32, \(outputs)]"), "\(text)")
    }
  }

  /// What a starter leaves out has its reason beside it.
  @Test func columnsThatAreLeftOutSayWhy() throws {
    try withDirectory { directory in
      let rows = (0..<80).map { "\($0 == 9 ? "inf" : "\($0 % 7)"),\($0 % 5),\($0 % 2)\n" }
      try AtomicFile.write("\(directory)/t.csv", text: "a,b,y\n" + rows.joined())
      let text = try train(directory, [], data: "t.csv")
      #expect(text.contains("columns that are left out; 'a': an error"), "\(text)")
      // The terminal says it, too; what a program reads is the configuration alone.
      let shown = try Lockstep.run(["init", "t.csv"], directory: directory)
      #expect(
        shown.errorOutput.contains("notice: the column 'a' is left out: an error"),
        "\(shown.transcript)")
      #expect(shown.output.hasPrefix("{") && !shown.output.contains("notice"))
    }
  }

  /// A command that is printed can be pasted into a shell.
  @Test func namesThatAShellWouldCutAreQuoted() throws {
    try withDirectory { directory in
      let rows = (0..<80).map { "\($0 % 7).5,\($0 % 2)\n" }
      try AtomicFile.write("\(directory)/t.csv", text: "a,y\n" + rows.joined())
      for (name, word) in [
        ("my table.json", "'my table.json'"), ("it's.json", #"'it'\''s.json'"#),
        ("$x.json", "'$x.json'"), ("plain-1.json", "plain-1.json"),
      ] {
        let made = try Lockstep.run(["init", "t.csv", "--output", name], directory: directory)
        #expect(made.output.contains("lockstep train \(word)\n"), "\(made.transcript)")
      }
    }
  }

  /// A table as it is written where fractions have commas.
  @Test func decimalCommasAreFound() throws {
    try withDirectory { directory in
      let rows = (0..<80).map { "\($0 % 7),5;\($0 % 4);\($0 * 7 % 90),25\n" }
      try AtomicFile.write("\(directory)/t.csv", text: "a;b;price\n" + rows.joined())
      let text = try train(directory, [], data: "t.csv")
      #expect(
        text.contains(#""decimal": ",""#) && text.contains(#""targetKind": "values""#), "\(text)")
    }
  }

  @Test func textsOfATable() throws {
    try withDirectory { directory in
      let rows = (0..<60).map { row in
        "\(["the sea was calm", "a fire burns hot"][row % 2]) \(row),\(["water", "fire"][row % 2])\n"
      }
      try AtomicFile.write("\(directory)/t.csv", text: "words,kind\n" + rows.joined())
      let text = try train(directory, ["--target", "kind", "--text", "words"], data: "t.csv")
      #expect(text.contains(#""type": "text-rows""#))
    }
  }

  @Test func seriesOfATable() throws {
    try withDirectory { directory in
      let rows = (0..<40).flatMap { series in
        (0..<6).map {
          "s\(series),\($0),\(series % 2 == 0 ? $0 : -$0),\(["up", "down"][series % 2])\n"
        }
      }
      try AtomicFile.write("\(directory)/t.csv", text: "id,t,x,kind\n" + rows.joined())
      let text = try train(
        directory, ["--target", "kind", "--series", "id", "--time", "t"], data: "t.csv")
      #expect(text.contains(#""type": "gruClassifier""#))
    }
  }

  @Test func imagesInFolders() throws {
    try withDirectory { directory in
      for name in ["ant", "bee"] {
        try SystemFileSystem().createDirectory("\(directory)/photos/\(name)")
        for number in 0..<20 {
          try AtomicFile.write(
            "\(directory)/photos/\(name)/\(number).png",
            bytes: pngFile(
              (0..<20 * 24 * 3).map { UInt8(($0 * (name == "ant" ? 3 : 7) + number) % 256) },
              width: 24,
              height: 20, channels: 3))
        }
      }
      let text = try train(directory, [], data: "photos")
      #expect(text.contains(#""size": 20"#) && text.contains(#""classes": 2"#))
    }
  }

  @Test func arraysAndTexts() throws {
    try withDirectory { directory in
      try AtomicFile.write(
        "\(directory)/x.npy", bytes: numpyFile("|u1", [40, 5], (0..<200).map { UInt8($0) }))
      try AtomicFile.write(
        "\(directory)/y.npy",
        bytes: numpyFile("<i8", [40], littleEndian((0..<40).map { Int64($0 % 3) })))
      let arrays = try train(directory, ["--labels", "y.npy"], data: "x.npy")
      #expect(arrays.contains("64,\n      3") || arrays.contains("[64, 3]"))
      try SystemFileSystem().remove("\(directory)/made.json")
      try AtomicFile.write(
        "\(directory)/n.txt", text: String(repeating: "All work and no play. ", count: 200))
      #expect(try train(directory, [], data: "n.txt").contains(#""tokenizer": "bytes""#))
      try SystemFileSystem().remove("\(directory)/made.json")
      try AtomicFile.write(
        "\(directory)/short.txt", text: String(repeating: "All work and no play. ", count: 8))
      #expect(try !train(directory, [], data: "short.txt").contains("testFraction"))
    }
  }

  /// One-hot labels are flags, negative ones numbers, and colours may be last.
  @Test func labelsAndLayoutsOfArrays() throws {
    try withDirectory { directory in
      func labels(_ shape: [Int], _ value: (Int) -> Int64) throws {
        try AtomicFile.write(
          "\(directory)/y.npy",
          bytes: numpyFile("<i8", shape, littleEndian((0..<shape.reduce(1, *)).map(value))))
      }
      try AtomicFile.write(
        "\(directory)/x.npy",
        bytes: numpyFile("|u1", [30, 8, 9, 3], (0..<30 * 216).map { UInt8($0 % 251) }))
      try labels([30, 3]) { $0 % 3 == $0 / 3 % 3 ? 1 : 0 }
      let flags = try train(directory, ["--labels", "y.npy"], data: "x.npy")
      #expect(flags.contains("binaryCrossEntropy") && flags.contains("channelsLast"), "\(flags)")
      try SystemFileSystem().remove("\(directory)/made.json")
      try labels([30]) { $0 % 2 == 0 ? -1 : 1 }
      let numbers = try train(directory, ["--labels", "y.npy"], data: "x.npy")
      #expect(numbers.contains("meanSquaredError"), "\(numbers)")
    }
  }

  @Test func whatCannotBeToldIsRefused() throws {
    try withDirectory { directory in
      try AtomicFile.write("\(directory)/t.csv", text: "a,b\n1,2\n3,4\n")
      try AtomicFile.write("\(directory)/gaps.csv", text: "a,y\n1,yes\n3,\n5,no\n")
      try AtomicFile.write("\(directory)/counter.csv", text: "a,y\n1,yes\n2,yes\n3,no\n")
      try AtomicFile.write("\(directory)/header.csv", text: "a,y\n")
      try AtomicFile.write("\(directory)/row.csv", text: "a,y\n0.5,yes\n")
      try AtomicFile.write("\(directory)/same.csv", text: "a,y\n0.5,yes\n1.5,yes\n")
      try AtomicFile.write("\(directory)/s.txt", text: "short")
      try AtomicFile.write("\(directory)/x.npy", bytes: numpyFile("|u1", [2, 2], [1, 2, 3, 4]))
      for (arguments, message) in [
        ([], "the data's path is missing"), (["none.csv"], "none.csv"),
        (["x.npy"], "name their labels by --labels FILE"),
        (["gaps.csv"], "the target 'y' is missing in 1 row"),
        (["counter.csv"], "has no column to learn from; 'a': counts the rows"),
        (["header.csv"], "header.csv: the table has no rows behind its header"),
        (["row.csv"], "row.csv: the table has one row"),
        (["same.csv"], "the target 'y' is the same in all 2 rows"),
        (["s.txt"], "has 5 bytes"),
        (["t.csv", "--labels", "x.npy"], "'--labels' does not go with 't.csv'"),
        (["t.csv", "--text", "c"], "'--text': t.csv has no column 'c'"),
        (["t.csv", "--time", "a"], "'--time' goes with '--series'"),
      ] {
        let result = try Lockstep.run(["init"] + arguments, directory: directory)
        #expect(
          result.ending == .exited(2) && result.errorOutput.contains(message),
          "\(result.transcript)")
      }
      let shown = try Lockstep.run(["inspect", "header.csv"], directory: directory)
      #expect(
        shown.ending == .exited(2)
          && shown.errorOutput.contains("the table has no rows behind its header"),
        "\(shown.transcript)")
    }
  }
}
