import LockstepEngine
import LockstepTesting
import Testing

/// The steady state of a step: nothing of ours is allocated, and nothing grows.
@Suite struct AllocationTests {
  private func run(_ arguments: [String], ranks: Int) throws -> [(own: Int, grown: Int)] {
    let program = try MPIRunner.builtExecutable("allocation-checks")
    let result = try MPIRunner.run(program, arguments, ranks: ranks, deadline: .seconds(120))
    #expect(result.succeeded, "\(result.transcript)")
    let found = result.lines.compactMap { line -> (own: Int, grown: Int)? in
      let words = line.split(separator: " ")
      guard words.count == 9, words[0] == "rank" else { return nil }
      #expect(words[2] == "own" && words[6] == "grown")
      // Other libraries allocate in every step: counting works.
      #expect(Int(words[5])! > 0, "\(line)")
      return (Int(words[3])!, Int(words[7])!)
    }
    #expect(found.count == ranks, "\(result.transcript)")
    #expect(found.allSatisfy { $0.own == 0 }, "\(arguments): \(result.transcript)")
    return found
  }

  @Test(arguments: [
    [], ["model=convolutional"], ["path=messages"], ["path=messages", "bucket=1", "profile="],
    ["model=convolutional", "path=messages", "bucket=1"], ["update=sharded"], ["inputs=ahead"],
    ["threads=2"], ["profile="], ["threads=2", "inputs=ahead", "profile="],
  ])
  func aStepAllocatesNothing(_ arguments: [String]) throws {
    for ranks in [1, 2, 3] { _ = try run(arguments, ranks: ranks) }
  }

  @Test(arguments: [
    ["bucket=1"], ["model=convolutional", "bucket=1", "profile="], ["update=sharded"],
  ])
  func norDoesOneOverSeveralNodes(_ arguments: [String]) throws {
    for ranks in [3, 4] { _ = try run(arguments + ["nodes=2"], ranks: ranks) }
  }

  @Test(
    .enabled(if: InstructionSet.detected.multipliesAndAddsAtOnce),
    arguments: [[], ["path=messages"], ["nodes=2", "profile="]], ["replicated", "sharded"])
  func norDoesOneThatMultipliesFactors(_ way: [String], update: String) throws {
    let arguments = ["model=deep", "batch=16", "factors=", "update=\(update)"]
    for ranks in [2, 3] { _ = try run(arguments + way, ranks: ranks) }
  }

  @Test func memoryStaysFlatOverTenThousandSteps() throws {
    let found = try run(["steps=10000", "inputs=ahead"], ranks: 2)
    #expect(found.allSatisfy { $0.grown < 512 }, "\(found)")
  }
}
