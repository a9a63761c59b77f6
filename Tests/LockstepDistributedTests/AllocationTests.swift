import LockstepEngine
import LockstepTesting
import Testing

/// The steady state of a step: nothing of ours is allocated, and nothing grows.
@Suite struct AllocationTests {
  /// Runs the cases in one job, one after the other; by how many kilobytes each rank grew in each.
  private func grown(_ cases: [[String]], ranks: Int) throws -> [Int] {
    let program = try MPIRunner.builtExecutable("allocation-checks")
    let result = try MPIRunner.run(
      program, Array(cases.joined(separator: ["then"])), ranks: ranks, deadline: .seconds(180))
    #expect(result.succeeded, "\(result.transcript)")
    let grown = result.lines.compactMap { line -> Int? in
      let words = line.split(separator: " ")
      guard words.count == 11, words[0] == "case", words[4] == "own", words[8] == "grown",
        let number = Int(words[1]), let others = Int(words[7]), let grown = Int(words[9])
      else { return nil }
      #expect(words[5] == "0", "\(cases[number]): \(line)\n\(result.errorOutput)")
      // Other libraries allocate in every step: counting works.
      #expect(others > 0, "\(cases[number]): \(line)")
      return grown
    }
    #expect(grown.count == ranks * cases.count, "\(result.transcript)")
    return grown
  }

  @Test(arguments: [1, 2, 3])
  func aStepAllocatesNothing(ranks: Int) throws {
    _ = try grown(
      [
        [], ["model=convolutional"], ["path=messages"],
        ["path=messages", "bucket=1", "profile="],
        ["model=convolutional", "path=messages", "bucket=1"], ["update=sharded"],
        ["inputs=ahead"], ["threads=2"], ["profile="],
        ["threads=2", "inputs=ahead", "profile="],
      ], ranks: ranks)
  }

  @Test(arguments: [3, 4])
  func norDoesOneOverSeveralNodes(ranks: Int) throws {
    _ = try grown(
      [["bucket=1"], ["model=convolutional", "bucket=1", "profile="], ["update=sharded"]].map {
        $0 + ["nodes=2"]
      }, ranks: ranks)
  }

  @Test(.enabled(if: InstructionSet.detected.multipliesAndAddsAtOnce), arguments: [2, 3])
  func norDoesOneThatMultipliesFactors(ranks: Int) throws {
    _ = try grown(
      [[], ["path=messages"], ["nodes=2", "profile="]].flatMap { way in
        ["replicated", "sharded"].map {
          ["model=deep", "batch=16", "factors=", "update=\($0)"] + way
        }
      }, ranks: ranks)
  }

  @Test func memoryStaysFlatOverTenThousandSteps() throws {
    let grown = try grown([["steps=10000", "inputs=ahead"]], ranks: 2)
    #expect(grown.allSatisfy { $0 < 512 }, "\(grown)")
  }
}
