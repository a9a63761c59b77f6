import LockstepBenchmark
import LockstepFiles

/// Predictions for growing numbers of ranks: the configuration's batch cut ever finer, and a batch
/// that grows with the ranks.
struct ScalingTables {
  private let model: CostModel
  private let ranksPerNode: Int
  /// The ranks that were asked about.
  private let asked: CostPrediction
  /// The configuration's batch on ever more ranks, one rank first.
  private let fixedBatch: [CostPrediction]
  /// As many shards a rank as the ranks asked about have.
  private let growingBatch: [CostPrediction]
  /// Where ways of taking a step cross, in either table.
  private let crossovers: (fixedBatch: Crossovers, growingBatch: Crossovers)

  /// - Parameters:
  ///   - shards: the configuration's.
  ///   - limit: the largest number of ranks.
  /// - Throws: `FoldPlanError` where there are to be more ranks than shards.
  init(
    _ model: CostModel, shards: Int, nodes: Int, ranksPerNode: Int, limit: Int
  ) throws {
    self.model = model
    self.ranksPerNode = ranksPerNode
    asked = try model.predict(nodes: nodes, ranksPerNode: ranksPerNode, shards: shards)
    let ranks = nodes * ranksPerNode
    let sizes = Self.sizes(ranksPerNode: ranksPerNode, limit: max(limit, ranks), including: ranks)
    func row(_ ranks: Int, _ shards: Int) -> Crossovers.Row {
      let inside = min(ranks, ranksPerNode)
      return (ranks / inside, inside, shards)
    }
    let each = max(shards / ranks, 1)
    let fixed = sizes.filter { $0 <= shards }.map { row($0, shards) }
    let growing = sizes.map { ranks in
      var shards = each
      while shards < each * ranks { shards *= 2 }
      return row(ranks, shards)
    }
    func predict(_ row: Crossovers.Row) throws -> CostPrediction {
      try model.predict(nodes: row.nodes, ranksPerNode: row.ranksPerNode, shards: row.shards)
    }
    fixedBatch = try fixed.map(predict)
    growingBatch = try growing.map(predict)
    crossovers = (try Crossovers(model, rows: fixed), try Crossovers(model, rows: growing))
  }

  /// Powers of two up to a full node, then whole nodes, doubling.
  private static func sizes(ranksPerNode: Int, limit: Int, including asked: Int) -> [Int] {
    var sizes: Set<Int> = [asked]
    var ranks = 1
    while ranks < ranksPerNode {
      sizes.insert(ranks)
      ranks *= 2
    }
    ranks = ranksPerNode
    while ranks <= limit {
      sizes.insert(ranks)
      ranks *= 2
    }
    sizes.insert(1)
    return sizes.sorted()
  }

  var json: JSONValue {
    let work = model.work
    return .object([
      "measured": .object([
        "shardSize": .integer(work.shardSize), "shard": .number(work.shard),
        "fixed": .number(work.fixed), "additionPerValue": .number(work.addition),
        "readingPerValue": .number(work.reading),
        "normalisationPerValue": .number(work.normalisation),
        "updatePerValue": .number(work.update),
        "matrices": .number(matrixSeconds), "warning": warning.map { .string($0) } ?? .null,
        "productRate": .number(work.productRate),
        "meeting": .number(work.meeting),
        "values": .integer(work.layout.count),
      ]),
      "latency": .number(model.link.latency), "bandwidth": .number(model.link.bandwidth),
      "asked": asked.json(over: fixedBatch[0]),
      "fixedBatch": .array(fixedBatch.map { $0.json(over: fixedBatch[0]) }),
      "growingBatch": .array(growingBatch.map { $0.json(over: growingBatch[0]) }),
      "crossovers": .object([
        "fixedBatch": crossovers.fixedBatch.json, "growingBatch": crossovers.growingBatch.json,
      ]),
    ])
  }

  var text: String {
    let work = model.work
    let values = Double(work.layout.count)
    var text = "measured on this machine\n"
    text += table([
      (
        "a shard of \(work.shardSize)",
        "\(milliseconds(work.shard)) ms, and \(milliseconds(work.fixed)) ms a step beside"
      ),
      ("an addition of gradients", "\(milliseconds(work.addition * values)) ms"),
      ("dividing and measuring", "\(milliseconds(work.normalisation * values)) ms"),
      ("clip, optimizer, constraints", "\(milliseconds(work.update * values)) ms"),
    ])
    if !work.matrices.isEmpty {
      text += table([
        (
          "\(counted(work.matrices.count, "matrix", plural: "matrices")) of the update",
          "\(milliseconds(matrixSeconds)) ms"
        )
      ])
    }
    if !work.linearMaps.isEmpty {
      text += table([
        ("products of factors", "\(format(work.productRate / 1e9, 0)) GFLOP/s")
      ])
    }
    text += "\n\(counted(asked.ranks, "rank")) on \(counted(asked.nodes, "node"))\n"
    text += table([
      (
        "step",
        "\(milliseconds(asked.step)) ms: compute \(milliseconds(asked.compute)), fold "
          + "\(milliseconds(asked.fold)), wire \(milliseconds(asked.wire)), numbers "
          + "\(milliseconds(asked.numbers)), update \(milliseconds(asked.update))"
      ),
      ("efficiency", "\(percent(asked.efficiency(over: fixedBatch[0]))) of as many single ranks"),
      ("over a node's link", "\(megabytes(asked.wireBytes)) MB a step and direction"),
      ("update", asked.isSharded ? "sharded" : "replicated"),
      ("memory of a rank", "\(megabytes(asked.memory)) MB"),
    ])
    if asked.bucketBytes > 0 {
      text += table([
        (
          "sent beside backward",
          "at best \(milliseconds(asked.overlappedStep)) ms, in buckets of "
            + "\(asked.bucketBytes >> 10) KiB as a run chooses them"
        )
      ])
    }
    if let warning { text += "notice: \(warning)\n" }
    text += "\nthe batch of \(asked.batchSize) on growing numbers of ranks\n" + rows(fixedBatch)
    text += "\n" + table(crossovers.fixedBatch.lines)
    text += "\na batch that grows with the ranks\n" + rows(growingBatch)
    text += "\n" + table(crossovers.growingBatch.lines)
    return text
  }

  /// What the update's matrices take on one rank.
  private var matrixSeconds: Double { model.work.matrices.reduce(0) { $0 + $1.seconds } }

  /// What to do where the update takes longer than all else of a step.
  private var warning: String? {
    guard asked.update > asked.step - asked.update else { return nil }
    return
      "the update takes \(milliseconds(asked.update)) ms of a step's \(milliseconds(asked.step)) ms, more than "
      + "gradients do: take a larger batch"
      + (model.work.matrices.isEmpty
        ? "" : ", more ranks, which share its matrices, or an update that works element by element")
  }

  private func rows(_ predictions: [CostPrediction]) -> String {
    let titles = [
      "ranks", "nodes", "batch", "compute", "fold", "wire", "numbers", "update", "step ms",
      "efficiency", "examples/s", "memory MB", "bucket KiB", "form",
    ]
    var lines = [titles]
    for one in predictions {
      lines.append([
        "\(one.ranks)", "\(one.nodes)", "\(one.batchSize)", milliseconds(one.compute),
        milliseconds(one.fold), milliseconds(one.wire), milliseconds(one.numbers),
        milliseconds(one.update), milliseconds(one.step),
        percent(one.efficiency(over: predictions[0])), "\(Int(one.examplesPerSecond))",
        megabytes(one.memory), one.bucketBytes == 0 ? "" : "\(one.bucketBytes >> 10)",
        (one.isSharded ? "sharded" : "replicated") + (one.makesProducts ? ", factors" : ""),
      ])
    }
    let widths = titles.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      zip(line, widths).map { text, width in
        "  " + String(repeating: " ", count: width - text.count) + text
      }.joined() + "\n"
    }.joined()
  }

  private func milliseconds(_ seconds: Double) -> String { format(seconds * 1e3, 3) }
  private func percent(_ share: Double) -> String { format(share * 100, 1) + " %" }
  private func megabytes(_ bytes: Int) -> String { format(Double(bytes) / 1e6, 1) }
}
