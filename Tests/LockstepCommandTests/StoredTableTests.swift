import LockstepFiles
import LockstepTestSupport
import LockstepTesting
import Testing

/// A table that stays on the disk trains to the same weights as in memory, and answers alike.
@Suite struct StoredTableTests {
  /// Rows of all kinds of cells, in two files, one of them packed.
  private func write(_ directory: String, rows: Int = 1500) throws {
    func line(_ row: Int) -> String {
      let size = row % 11 == 0 ? "" : "\(row * 7919 % 1000)"
      return
        "\(size),\(["Bergen", "Oslo", "Bodø"][row * 31 % 3]),\(row % 3 == 0 ? "yes" : "no"),"
        + "2024-0\(row % 9 + 1)-1\(row % 7),s\(row * 13 % 80),\(row % 3 + 1),r\(row),"
        + "\(["a", "b"][(row * 7919 % 1000 > 400 ? row % 5 : row % 2) % 2])\n"
    }
    let header = "size,port,member,when,street,w,id,t\n"
    let text = { (range: Range<Int>) in Array((header + range.map(line).joined()).utf8) }
    try AtomicFile.write("\(directory)/part-1.csv", bytes: text(0..<rows / 2))
    try AtomicFile.write("\(directory)/part-2.csv.gz", bytes: gzipped(text(rows / 2..<rows)))
    try AtomicFile.write(
      "\(directory)/new.csv",
      text:
        "id,when,port,member,street,size\nq1,2024-05-11,Oslo,no,s3,7\nq2,2024-06-12,Rome,yes,x,\n")
  }

  private func configuration(_ data: String) -> String {
    """
    {"data": {"type": "csv", "file": "part-*", "target": "t", "id": "id", "weight": "w",
      "fillMissing": "median", "missingIndicators": true,
      "columns": {"street": {"kind": "category", "embedding": 3}}, \(data)},
     "model": {"type": "mlp", "sizes": [8, 2]}, "batchSize": 50, "shards": 8, "epochs": 2, "seed": 4,
     "optimizer": {"type": "adam", "learningRate": 0.01}, "checkpoint": {"everySteps": 5}}
    """
  }

  private func train(
    _ directory: String, _ data: String, _ more: [String] = ["--run-directory", "none"],
    ranks: Int = 1, environment: [String: String?] = [:]
  ) throws -> ProgramResult {
    try AtomicFile.write("\(directory)/config.json", text: configuration(data))
    return try Lockstep.run(
      ["train", "\(directory)/config.json", "--quiet"] + more, ranks: ranks,
      environment: environment)
  }

  @Test(arguments: [
    #""testFraction": 0.2"#, #""testFraction": 0.2, "groupBy": "street""#,
    #""testFraction": 0.2, "orderBy": "when""#, #""folds": 3, "fold": 1, "sampling": "balanced""#,
    #""testFraction": 0.2, "shuffleBlock": 16, "shuffleBuffer": 4"#,
  ])
  func memoryAndFilesGiveTheSameWeights(_ keys: String) throws {
    try withDirectory { directory in
      try write(directory)
      let data = keys.contains("groupBy") ? keys + #", "ignore": ["id"]"# : keys
      let memory = try train(directory, data)
      let expected = try #require(memory.fingerprint, "\(memory.transcript)")
      for ranks in [2, 5] {
        let files = try train(directory, data + #", "storage": "files""#, ranks: ranks)
        #expect(files.fingerprint == expected, "\(ranks): \(files.transcript)")
      }
      let made = try SystemFileSystem().list("\(directory)/.lockstep")
      #expect(made.count { $0.hasSuffix(".cells") } == 1, "\(made)")
      #expect(made.count { $0.hasSuffix(".rows") } == 2, "\(made)")
      #expect(made.count == 3, "\(made)")
    }
  }

  @Test func aRunThatWasKilledGoesOnAndMayChangeItsStorage() throws {
    try withDirectory { directory in
      try write(directory)
      let data = #""testFraction": 0.2, "shuffleBlock": 16, "cache": "made""#
      let expected = try train(directory, data).fingerprint
      let stored = data + #", "storage": "files""#
      let run = ["--run-directory", "\(directory)/run", "--resume"]
      for (ranks, step) in [(2, 7), (3, 31)] {
        let killed = try train(
          directory, stored, run, ranks: ranks,
          environment: ["LOCKSTEP_FAULT": "step:\(ranks - 1):\(step):kill"])
        #expect(!killed.succeeded, "\(killed.transcript)")
      }
      let resumed = try train(directory, data, run + ["--set", "data.storage=memory"], ranks: 5)
      #expect(resumed.fingerprint == expected && expected != nil, "\(resumed.transcript)")
      #expect(try !SystemFileSystem().list("\(directory)/made").isEmpty)
    }
  }

  @Test func evaluationsAndPredictionsAreTheSame() throws {
    try withDirectory { directory in
      try write(directory)
      let run = "\(directory)/run"
      let trained = try train(
        directory, #""testFraction": 0.2, "storage": "files""#, ["--run-directory", run], ranks: 3)
      #expect(trained.succeeded, "\(trained.transcript)")
      for arguments in [
        ["evaluate", run, "--classes"], ["evaluate", run, "--on", "training", "--json"],
        ["predict", run], ["predict", run, "--format", "csv", "--on", "training"],
        ["predict", run, "--input", "\(directory)/new.csv", "--id", "id"],
        ["evaluate", run, "--input", "\(directory)/part-1.csv"],
      ] {
        let memory = try Lockstep.run(arguments + ["--set", "data.storage=memory"])
        let files = try Lockstep.run(arguments + ["--set", "data.storage=files"], ranks: 2)
        #expect(memory.succeeded && files.succeeded, "\(memory.transcript) \(files.transcript)")
        #expect(memory.output == files.output, "\(arguments): \(files.transcript)")
      }
    }
  }

  @Test func whatIsWrongIsSaidAsOfATableInMemory() throws {
    try withDirectory { directory in
      try write(directory)
      let text = String(
        decoding: try FileInput.contents(of: "\(directory)/part-1.csv"), as: UTF8.self)
      for (from, to) in [
        ("\n", "\nbad,Oslo,no,2024-01-11,s1,1,r0,a\n"), ("r700,", "r700,,"),
        (",1,r30,", ",-1,r30,"),
      ] {
        guard let place = text.firstRange(of: from) else {
          Issue.record("no \(from)")
          continue
        }
        var changed = text
        changed.replaceSubrange(place, with: to)
        try AtomicFile.write("\(directory)/part-1.csv", text: changed)
        let memory = try train(directory, #""testFraction": 0.2"#)
        let files = try train(directory, #""testFraction": 0.2, "storage": "files""#, ranks: 2)
        #expect(memory.ending == .exited(2) && files.ending == .exited(2), "\(files.transcript)")
        #expect(memory.complaints.first == files.complaints.first, "\(files.transcript)")
      }
    }
  }
}
