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
    let found = result.output.matches(
      of: #/case (\d+) rank (\d+): own (\d+) other (\d+) grown (-?\d+) kB/#
    ).map { $0.output }
    // Each rank in each case, once.
    let places = cases.indices.flatMap { number in (0..<ranks).map { "\(number) \($0)" } }
    try #require(found.map { "\($0.1) \($0.2)" } == places, "\(result.transcript)")
    for (index, figures) in found.enumerated() {
      let text = "\(cases[index / ranks]): \(figures.0)"
      #expect(figures.3 == "0", "\(text)\n\(result.errorOutput)")
      // Other libraries allocate in every step: counting works.
      #expect(figures.4 != "0", "\(text)")
    }
    return found.compactMap { Int($0.5) }
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
