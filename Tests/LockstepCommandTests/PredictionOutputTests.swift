import LockstepFiles
import LockstepTesting
import Testing

/// Predictions as arrays, and written while they are computed.
@Suite struct PredictionOutputTests {
  /// The values of a NumPy file of Float32, and its header.
  private func array(_ path: String) throws -> (header: String, values: [Float]) {
    let bytes = try FileInput.contents(of: path, limit: 1 << 24)
    #expect(bytes.starts(with: [0x93] + Array("NUMPY".utf8) + [1, 0]))
    let length = Int(bytes[8]) + Int(bytes[9]) << 8
    #expect((10 + length) % 64 == 0 && bytes[9 + length] == UInt8(ascii: "\n"))
    let header = String(decoding: bytes[10..<10 + length], as: UTF8.self)
    let values = bytes[(10 + length)...].withUnsafeBytes { body in
      (0..<body.count / 4).map {
        Float(bitPattern: body.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))
      }
    }
    return (header, values)
  }

  /// The array holds the probabilities of the lines, in their order, whatever the ranks and however many
  /// examples are computed before they are written.
  @Test func arraysHoldWhatLinesDo() throws {
    try withDirectory { directory in
      let file = "\(directory)/small.json"
      try AtomicFile.write(file, text: SweepTests.small)
      let run = "\(directory)/run"
      #expect(try Lockstep.run(["train", file, "--run-directory", run]).succeeded)
      let set = ["--on", "training", "--set", "evaluate.batchSize=3"]
      // 160 examples in batches of one, of which 256 are written together, and of three.
      var found: [[UInt8]] = []
      for ranks in [1, 3] {
        let path = "\(directory)/\(ranks).npy"
        let result = try Lockstep.run(["predict", run, "--output", path] + set, ranks: ranks)
        #expect(result.succeeded, "\(result.transcript)")
        found.append(try FileInput.contents(of: path, limit: 1 << 24))
      }
      #expect(found[0] == found[1])
      let (header, values) = try array("\(directory)/1.npy")
      #expect(
        header.contains("'descr': '<f4'") && header.contains("'shape': (160, 2)"), "\(header)")
      let lines = try Lockstep.run(["predict", run] + set, ranks: 2)
      let rows = try lines.lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse($0) }
      try #require(rows.count == 160 && values.count == 320, "\(lines.transcript)")
      for (index, row) in rows.enumerated() {
        #expect(row["row"] != nil)
        for place in 0..<2 {
          let expected = row["probabilities"]?.objectValue?["\(place)"]?.doubleValue
          #expect(Float(expected ?? -1) == values[2 * index + place])
        }
      }
      let csv = try Lockstep.run(["predict", run, "--format", "csv"] + set, ranks: 2)
      #expect(csv.lines.count { $0.hasPrefix("row,") } == 1)
      #expect(csv.lines.count { !$0.isEmpty } == 161)
    }
  }

  @Test func arraysNeedAFile() throws {
    try withDirectory { directory in
      let file = "\(directory)/small.json"
      try AtomicFile.write(file, text: SweepTests.small)
      let run = "\(directory)/run"
      #expect(try Lockstep.run(["train", file, "--run-directory", run]).succeeded)
      for (arguments, message) in [
        (["--format", "npy"], "'--format npy' needs '--output FILE'"),
        (["--format", "np"], "'--format' must be jsonl, csv or npy; found 'np'"),
        (["--output", "\(directory)/no/where.csv"], "where.csv"),
      ] {
        for ranks in [1, 2] {
          let result = try Lockstep.run(["predict", run] + arguments, ranks: ranks)
          #expect(!result.succeeded && result.errorOutput.contains(message), "\(result.transcript)")
        }
      }
    }
  }
}
