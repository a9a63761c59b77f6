import LockstepFiles
import LockstepTesting
import Testing

/// `lockstep find-batch-size`: steps that move no weight, of several sizes.
@Suite struct FindBatchSizeTests {
  private func find(
    _ directory: String, _ arguments: [String], ranks: Int = 1
  ) throws -> ProgramResult {
    let file = "\(directory)/small.json"
    try AtomicFile.write(file, text: SweepTests.small)
    return try Lockstep.run(["find-batch-size", file] + arguments, ranks: ranks)
  }

  private func rows(_ result: ProgramResult) throws -> [JSONValue] {
    #expect(result.succeeded, "\(result.transcript)")
    return try result.lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse($0) }
  }

  @Test func sizesAreTimedAndNoiseIsTheSameOnAnyNumberOfRanks() throws {
    try withDirectory { directory in
      let one = try rows(try find(directory, ["--json", "--steps", "6"]))
      // 160 training examples: 8 · 32 are too many.
      #expect(one.dropLast().compactMap { $0["batchSize"]?.integerValue } == [8, 16, 32, 64, 128])
      for row in one.dropLast() {
        #expect(try #require(row["examplesPerSecond"]?.doubleValue) > 0)
        #expect(try #require(row["memory"]?.integerValue) > 0)
      }
      func squares(_ rows: [JSONValue]) -> [Double] {
        rows.compactMap { $0["meanSquareGradientNorm"]?.doubleValue }
      }
      let three = try rows(try find(directory, ["--json", "--steps", "6"], ranks: 3))
      try #require(squares(one).count == 5 && squares(one) == squares(three))
      #expect(one.last?["noiseScale"] == three.last?["noiseScale"])
      let text = try find(directory, ["--sizes", "16,64", "--steps", "3"], ranks: 2)
      #expect(text.lines[0].hasPrefix("batch size 16: "), "\(text.transcript)")
      #expect(text.lines.last { !$0.isEmpty }?.hasPrefix("suggested batch size ") == true)
    }
  }

  @Test func numbersAreChecked() throws {
    try withDirectory { directory in
      for (arguments, message) in [
        (["--sizes", "16,x"], "'--sizes' must be positive whole numbers"),
        (["--sizes", "16,16"], "each once"),
        (["--steps", "1"], "'--steps' must be a whole number"),
        (["--sizes", "32,500"], "'--sizes' has 500, and there are 160 training examples"),
      ] {
        let result = try find(directory, arguments)
        #expect(
          result.ending == .exited(2) && result.errorOutput.contains(message),
          "\(result.transcript)")
      }
    }
  }
}
