import LockstepFiles
import LockstepTesting
import Testing

/// `lockstep find-rate`: a run whose rate grows, the same on any number of ranks.
@Suite struct FindRateTests {
  private func find(
    _ directory: String, _ arguments: [String], ranks: Int = 1
  ) throws -> ProgramResult {
    let file = "\(directory)/small.json"
    try AtomicFile.write(file, text: SweepTests.small)
    return try Lockstep.run(["find-rate", file] + arguments, ranks: ranks)
  }

  @Test func theRateGrowsUntilTheLossDoes() throws {
    try withDirectory { directory in
      let plot = "\(directory)/rates.svg"
      let result = try find(directory, ["--json", "--plot", plot])
      #expect(result.succeeded, "\(result.transcript)")
      let lines = try result.lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse($0) }
      let steps = lines.dropLast()
      let rates = steps.compactMap { $0["learningRate"]?.doubleValue }
      try #require(rates.count > 10)
      #expect(abs(rates[0] - 1e-6) < 1e-15)
      let factor = rates[1] / rates[0]
      for (rate, next) in zip(rates, rates.dropFirst()) {
        #expect(abs(next / rate / factor - 1) < 1e-9)
      }
      let suggested = try #require(lines.last?["suggestedLearningRate"]?.doubleValue)
      let lowest = try #require(lines.last?["lowestLossAt"]?.doubleValue)
      #expect(suggested > 1e-5 && suggested < lowest)
      #expect(
        String(decoding: try FileInput.contents(of: plot, limit: 1 << 24), as: UTF8.self)
          .contains("learning rate"))
      let three = try find(directory, ["--json"], ranks: 3)
      #expect(
        three.lines.filter { $0.hasPrefix("{") } == result.lines.filter { $0.hasPrefix("{") },
        "\(three.transcript)")
      let text = try find(directory, [], ranks: 2)
      #expect(text.output.hasPrefix("suggested learning rate "), "\(text.transcript)")
    }
  }

  /// Losses that are not finite end the test, and are no failure.
  @Test func ratesThatAreTooLargeEndIt() throws {
    try withDirectory { directory in
      let result = try find(
        directory, ["--json", "--to", "1e30", "--steps", "30"], ranks: 2)
      #expect(result.succeeded, "\(result.transcript)")
      let last = try JSONValue.parse(result.lines.last { $0.hasPrefix("{") } ?? "")
      #expect((last["steps"]?.integerValue ?? 30) < 30)
    }
  }

  @Test func numbersAreChecked() throws {
    try withDirectory { directory in
      for (arguments, message) in [
        (["--from", "0"], "'--from' must be a positive number"),
        (["--from", "2", "--to", "1"], "'--from' must be below '--to'"),
        (["--steps", "3"], "'--steps' must be a whole number in 10"),
        (["--set", "optimizer=null", "--set", "hessianFree={}"], "hessianFree"),
      ] {
        let result = try find(directory, arguments)
        #expect(result.ending == .exited(2), "\(result.transcript)")
        #expect(result.errorOutput.contains(message), "\(result.transcript)")
      }
    }
  }
}
