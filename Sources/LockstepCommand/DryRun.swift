import Lockstep
import LockstepConfiguration
import LockstepFiles

/// What a run would do, in words: sizes, steps, and how the ranks share a step.
struct DryRun {
  let text: String

  /// - Parameter collective: the ranks that it was made for.
  /// - Throws: `GraphError`.
  init(_ run: ConfiguredRun, on collective: MPICollective) throws {
    let plan = run.step.plan
    let layout = run.source.memory.trainableLayout
    let parameters = layout.slots.reduce(0) { $0 + $1.count }
    let frozen = run.source.memory.frozenLayout.slots.reduce(0) { $0 + $1.count }
    var lines = [
      (
        "training examples",
        "\(run.data.training.count) of shape \(run.data.training.inputFields.first?.shape ?? [])"
      ),
      ("test examples", "\(run.data.test?.count ?? 0)"),
      (
        "trainable parameters",
        "\(parameters) in \(counted(layout.slots.count, "tensor"))"
          + (frozen > 0 ? ", \(frozen) frozen" : "")
      ),
      (
        "steps",
        "\(run.totalSteps), \(run.sampler.batchesPerEpoch) an epoch, "
          + "\(counted(run.configuration.batchSize, "example")) each"
      ),
      (
        "shards",
        "\(plan.shards), about "
          + "\(counted(run.configuration.batchSize / plan.shards, "example")) each"
      ),
      ("ranks", "\(plan.ranks), \(counted(run.configuration.threads, "thread")) each"),
      (
        "update",
        run.isSharded
          ? "sharded: each rank updates what it owns" : "replicated: every rank updates all"
      ),
    ]
    for (rank, shards) in plan.shardRuns.enumerated() where plan.ranks <= 16 {
      lines.append(
        (
          "  rank \(rank)",
          "shards \(shards.lowerBound)..<\(shards.upperBound), owns \(counted(plan.slices[rank].count, "value"))"
        ))
    }
    if let privacy = PrivacyText(run) { lines.append(("privacy", privacy.plan)) }
    lines += Self.memory(run)
    let efficiency = Int((100 / plan.loadBound).rounded())
    lines.append(
      (
        "load",
        plan.loadBound == 1
          ? "every rank has the same"
          : "the busiest rank has \(readable(plan.loadBound, digits: 3)) times the mean: at most "
            + "\(efficiency) % efficient"
      ))
    if !collective.sharesOneNode { lines += Self.network(run, collective) }
    let layers = try run.source.layerWork()
    lines += Self.work(layers, run)
    text =
      Self.layerTable(layers) + "\n" + table(lines) + run.notices.map { "notice: \($0)\n" }.joined()
  }

  /// What a step computes, and what is folded of it.
  private static func work(_ layers: [LayerWork], _ run: ConfiguredRun) -> [(String, String)] {
    let forward = 2 * Double(layers.map(\.multiplyAdds).reduce(0, +))
    let step = 3 * forward * Double(run.configuration.batchSize)
    return [
      ("arithmetic", "\(readable(step / 1e9, digits: 3)) GFLOP a step, 3 times the forward pass"),
      (
        "gradient",
        "\(ByteCount(4 * run.source.layout.count)) a shard, with statistics; folded once a step"
      ),
    ]
  }

  /// The model's layers, a line each.
  private static func layerTable(_ layers: [LayerWork]) -> String {
    let shown = layers.filter { !$0.name.isEmpty || $0.parameters > 0 || $0.multiplyAdds > 0 }
    func line(_ name: String, _ shape: String, _ parameters: Int, _ multiplyAdds: Int) -> [String] {
      [name, shape, "\(parameters)", readable(2 * Double(multiplyAdds) / 1e6, digits: 3)]
    }
    var rows = [["layer", "result of one example", "parameters", "MFLOP forward"]]
    for layer in shown {
      rows.append(
        line(
          layer.name.isEmpty ? "(model)" : layer.name, "\(Array(layer.shape.dropFirst()))",
          layer.parameters, layer.multiplyAdds))
    }
    rows.append(
      line(
        "all", "", layers.map(\.parameters).reduce(0, +), layers.map(\.multiplyAdds).reduce(0, +)))
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let blanks = String(repeating: " ", count: widths[column] - cell.count)
        return column < 2 ? cell + blanks : blanks + cell
      }
      return "  " + cells.joined(separator: "  ") + "\n"
    }.joined()
  }

  private static func memory(_ run: ConfiguredRun) -> [(String, String)] {
    let memory = NodeMemory.now()
    var lines = [("memory", "\(ByteCount(run.memoryNeed.total)) a rank, beside data and program")]
    for part in run.memoryNeed.parts {
      lines.append(("  \(part.name)", "\(ByteCount(part.bytes))"))
    }
    lines.append(("  available", "\(ByteCount(memory.node)) on this node (\(memory.limit))"))
    return lines
  }

  /// How gradients travel between nodes.
  private static func network(
    _ run: ConfiguredRun, _ collective: MPICollective
  ) -> [(String, String)] {
    let buckets =
      run.configuration.bucketBytes.map { "buckets of \(counted($0, "byte")), as configured" }
      ?? collective.link.map { "\($0.text): buckets of \($0.bucketBytes >> 10) KiB" }
      ?? "MPI's own reduction"
    var lines = [("between nodes", buckets)]
    if let other = run.wireForm {
      lines.append(("  as \(other.form)", other.names.joined(separator: ", ")))
    }
    return lines
  }
}
