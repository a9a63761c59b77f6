import LockstepBenchmark
import LockstepCollective
import LockstepEngine
import LockstepFold
import LockstepTraining
import Testing

/// Where ways of taking a step cross, against the predictions that they are of.
@Suite struct CrossoversTests {
  private static func model(bandwidth: Double) -> CostModel {
    var work = CostModel.Work(layout: FlatLayout([("w", [1000, 1024])]))
    work.shardSize = 32
    work.shard = 2e-3
    work.fixed = 0.5e-3
    work.addition = 0.3e-9
    work.normalisation = 0.1e-9
    work.update = 1e-9
    work.productRate = 100e9
    work.linearMaps = [0: LinearMapShape(outputs: 1000, inputs: 1024)]
    return CostModel(
      work: work, link: NetworkLink(latency: 30e-6, bandwidth: bandwidth), sharing: .automatic)
  }

  private static let rows = [1, 2, 4, 8, 16, 64, 512].map {
    (nodes: $0, ranksPerNode: 1, shards: 2 * $0)
  }

  private static func ranks(_ crossovers: Crossovers, _ key: String) throws -> Set<Int> {
    let answer = try #require(crossovers.answers.first { $0.key == key })
    return Set(
      rows.map(\.nodes).filter { ranks in answer.ranges.contains { $0.contains(ranks) } })
  }

  @Test(arguments: [125e6, 1.25e9, 1.25e11])
  func eachAnswerIsThatOfThePredictions(_ bandwidth: Double) throws {
    let model = Self.model(bandwidth: bandwidth)
    let crossovers = try Crossovers(model, rows: Self.rows)
    func step(_ row: Crossovers.Row, _ change: (inout CostModel) -> Void) throws -> Double {
      var other = model
      change(&other)
      return try other.predict(
        nodes: row.nodes, ranksPerNode: row.ranksPerNode, shards: row.shards
      ).step
    }
    for row in Self.rows {
      let one = try model.predict(nodes: row.nodes, ranksPerNode: 1, shards: row.shards)
      let sharded = try step(row) { $0.sharing = .sharded }
      let replicated = try step(row) { $0.sharing = .replicated }
      let sums = try step(row) { $0.makesProducts = false }
      let isIn = try [
        "sendingOverComputing": one.wire > one.compute, "sharded": sharded < replicated,
        "replicated": replicated < sharded, "factors": one.makesProducts && one.step < sums,
      ].filter { try Self.ranks(crossovers, $0.key).contains(row.nodes) != $0.value }
      #expect(isIn.isEmpty, "\(row.nodes) nodes")
    }
  }

  /// Factors of ever more examples are ever less worth sending; one rank has nobody to share with.
  @Test func factorsAreQuickerOnFewRanksAlone() throws {
    let crossovers = try Crossovers(Self.model(bandwidth: 125e6), rows: Self.rows)
    let factors = try Self.ranks(crossovers, "factors")
    #expect(factors.contains(2) && !factors.contains(1) && !factors.contains(512))
    #expect(try !Self.ranks(crossovers, "sharded").contains(1))
    #expect(try !Self.ranks(crossovers, "replicated").contains(1))
    #expect(crossovers.lines.allSatisfy { $0.1 == "never" || $0.1.hasSuffix(" ranks") })
  }
}
