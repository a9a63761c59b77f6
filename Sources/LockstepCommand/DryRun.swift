import Lockstep
import LockstepConfiguration
import LockstepFiles

/// What a run would do, in words: sizes, steps, and how the ranks share a step.
struct DryRun {
  let text: String

  /// - Parameter collective: the ranks that it was made for.
  init(_ run: ConfiguredRun, on collective: MPICollective) {
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
    text = table(lines) + run.notices.map { "notice: \($0)\n" }.joined()
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
