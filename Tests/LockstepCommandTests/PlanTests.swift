import LockstepFiles
import LockstepTesting
import Testing

/// `lockstep plan`: predictions from what it measures.
@Suite struct PlanTests {
  private static func plan(_ arguments: [String], ranks: Int = 1) throws -> JSONValue {
    let result = try Lockstep.run(
      ["plan", Lockstep.example("digits-mlp"), "--json"] + arguments, ranks: ranks)
    let line = try #require(result.lines.last { $0.hasPrefix("{") }, "\(result.transcript)")
    return try JSONValue.parse(line)
  }

  @Test(arguments: [1, 2]) func predictsForTheRanksAskedAboutAndManyMore(ranks: Int) throws {
    let plan = try Self.plan(
      ["--nodes", "2", "--ranks-per-node", "2", "--set", "shards=8", "--up-to", "2048"],
      ranks: ranks)
    let asked = try #require(plan["asked"])
    #expect(asked["ranks"] == 4)
    #expect(asked["nodes"] == 2)
    let step = try #require(asked["step"]?.doubleValue)
    #expect(step > 0 && step < 1)
    let parts = ["compute", "fold", "wire", "numbers", "update"].compactMap {
      asked[$0]?.doubleValue
    }
    #expect(parts.count == 5 && parts.allSatisfy { $0 > 0 })
    #expect(abs(parts.reduce(0, +) - step) < 1e-9)
    let memory = try #require(asked["memory"]?.integerValue)
    #expect(memory > 5 << 20 && memory < 1 << 30)

    let fixed = try #require(plan["fixedBatch"]?.arrayValue)
    #expect(fixed.compactMap { $0["ranks"]?.integerValue } == [1, 2, 4, 8])
    let growing = try #require(plan["growingBatch"]?.arrayValue)
    #expect(growing.last?["ranks"] == 2048)
    // Each rank keeps the two shards that four ranks have of eight.
    #expect(growing.last?["shards"] == 4096)
    #expect(growing.first?["efficiency"]?.doubleValue == 1)
    // Between nodes on a link of 10 Gbit/s thousands of messages are longer than two shards.
    let crossed = try #require(plan["crossovers"]?["growingBatch"]?["sendingOverComputing"])
    #expect(crossed.arrayValue?.last?.arrayValue?.last == 2048, "\(crossed)")
  }

  @Test func printsTablesForPeople() throws {
    let result = try Lockstep.run(["plan", Lockstep.example("digits-mlp"), "--up-to", "64"])
    #expect(result.succeeded, "\(result.transcript)")
    #expect(result.output.contains("measured on this machine"))
    #expect(result.output.contains("a batch that grows with the ranks"))
    #expect(result.output.contains("sending takes longer than computing"))
    #expect(result.lines.contains { $0.split(separator: " ").first == "64" })
  }

  @Test(arguments: [
    (["--nodes", "0"], "'--nodes' must be a whole number of at least 1"),
    (["--nodes", "9223372036854775807"], "'--nodes' must be at most 65536"),
    (["--bandwidth", "fast"], "'--bandwidth' must be a positive number; found 'fast'"),
    (["--latency", "-3"], "'--latency' must be a positive number; found '-3'"),
    (["--nodes", "64", "--ranks-per-node", "64"], "4096 ranks but only"),
    (["--set", "hessianFree.iterations=3"], "'optimizer'"),
  ])
  func whatCannotBePredictedIsRefused(_ arguments: [String], _ message: String) throws {
    let result = try Lockstep.run(["plan", Lockstep.example("digits-mlp")] + arguments)
    #expect(result.ending == .exited(2), "\(result.transcript)")
    #expect(result.errorOutput.contains(message), "\(result.transcript)")
  }
}
