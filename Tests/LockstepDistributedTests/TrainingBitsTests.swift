import LockstepEngine
import LockstepTesting
import Testing

/// The same bits on any number of ranks and threads, for every rule, however gradients travel and
/// whoever updates.
@Suite struct TrainingBitsTests {
  @Test(arguments: 1...8)
  func everyRuleShardedOnAnyNumberOfRanks(ranks: Int) throws {
    let expected = try TrainingRuns.wide.get()
    #expect(Set(expected.keys) == Set(TrainingRuns.rules))
    #expect(Set(expected.values).count == TrainingRuns.rules.count)
    // Ways of travelling and the ranks' places are dealt to the numbers of ranks.
    let way = [[], ["path=messages"], ["nodes=2"], ["nodes=3"]][ranks % 4]
    let result = try TrainingRuns.run(
      ["update=sharded", "compare=2"] + way + TrainingRuns.rules.map { "rule=\($0)" },
      ranks: ranks, deadline: .seconds(120))
    #expect(TrainingRuns.fingerprints(result) == expected, "\(result.transcript)")
    #expect(result.succeeded)
  }

  @Test(arguments: [3, 8])
  func everyRuleReplicatedOnAnyNumberOfRanks(ranks: Int) throws {
    let result = try TrainingRuns.run(
      ["compare=2"] + TrainingRuns.rules.map { "rule=\($0)" }, ranks: ranks,
      deadline: .seconds(120))
    #expect(TrainingRuns.fingerprints(result) == (try TrainingRuns.wide.get()))
    #expect(result.succeeded, "\(result.transcript)")
  }

  @Test(arguments: [(1, 2), (2, 2), (3, 2), (7, 1)])
  func modelsOnAnyNumberOfRanksAndThreads(ranks: Int, threads: Int) throws {
    let update = ranks % 2 == 0 ? "update=replicated" : "update=sharded"
    let expected = try [TrainingRuns.perceptron.get(), TrainingRuns.convolutional.get()]
    let cases = zip(["perceptron", "convolutional"], expected).map { model, expected in
      ["model=\(model)", "threads=\(threads)", update, "nodes=\(1 + ranks % 3)"]
        + expected.keys.map { "rule=\($0)" }
    }
    #expect(expected.allSatisfy { $0.count == 2 })
    let (result, lines) = try TrainingRuns.run(cases: cases, ranks: ranks)
    #expect(lines.map { TrainingRuns.fingerprints($0) } == expected, "\(result.transcript)")
  }

  /// Sums are rounded by the tree and not by the messages: at every level, and at those above 1,
  /// where some partials travel as Float32.
  @Test(arguments: 1...8)
  func bf16OnTheWireOnAnyNumberOfRanksAndThreads(ranks: Int) throws {
    let level = ranks % 2
    let expected = try TrainingRuns.rounded[level].get()
    #expect(try expected != TrainingRuns.convolutional.get())
    #expect(try TrainingRuns.rounded[0].get() != TrainingRuns.rounded[1].get())
    let ways = [["path=messages"], ["nodes=2"], ["nodes=3"], []]
    let cases = [("replicated", 1), ("sharded", 2)].map { update, threads in
      ["model=convolutional", "bf16Level=\(2 * level)", "update=\(update)", "compare=1"]
        + ["threads=\(threads)"] + ways[(ranks + threads) % 4]
        + expected.keys.map { "rule=\($0)" }
    }
    let (result, lines) = try TrainingRuns.run(cases: cases, ranks: ranks)
    for lines in lines {
      #expect(TrainingRuns.fingerprints(lines) == expected, "\(result.transcript)")
    }
  }

  /// Buckets travel while the last shard of a rank, which all have one size here, runs backwards.
  @Test(arguments: 2...8)
  func besideTheBackwardPassOnAnyNumberOfRanks(ranks: Int) throws {
    let update = ranks % 2 == 0 ? "update=sharded" : "update=replicated"
    try Self.sameBits(TrainingRuns.bucketed.get(), ranks: ranks) { arguments in
      [1, 40_000].map { arguments + ["path=messages", "bucket=\($0)", update] }
    }
  }

  /// Makes sure that each reference case has its bits in all its variants, too, on some ranks.
  private static func sameBits(
    _ reference: TrainingRuns.ReferenceCases, ranks: Int, variants: ([String]) -> [[String]]
  ) throws {
    #expect(reference.fingerprints.allSatisfy { $0.count == 1 })
    let cases = reference.arguments.map(variants)
    let (result, lines) = try TrainingRuns.run(cases: Array(cases.joined()), ranks: ranks)
    #expect(result.succeeded, "\(result.transcript)")
    let expected = zip(cases, reference.fingerprints).flatMap { variants, fingerprints in
      variants.map { _ in fingerprints }
    }
    for (index, expected) in expected.enumerated() {
      #expect(
        TrainingRuns.fingerprints(lines[index]) == expected, "case \(index): \(result.transcript)")
    }
  }

  /// Ranks of one node announce to each other, some of which may have nothing to announce: those with
  /// several threads here, and those whose shards have several sizes.
  @Test(arguments: [(3, 2, 1), (4, 2, 1), (4, 2, 2), (5, 3, 1), (8, 2, 1), (8, 3, 1)])
  func besideTheBackwardPassOnNodesOfSeveralRanks(ranks: Int, nodes: Int, threads: Int) throws {
    try Self.sameBits(TrainingRuns.bucketedOnNodes.get(), ranks: ranks) { arguments in
      [(1, "replicated"), (40_000, "sharded")].map { bucket, update in
        arguments
          + ["nodes=\(nodes)", "bucket=\(bucket)", "update=\(update)", "threads=\(threads)"]
      }
    }
  }

  /// Gradients made of factors, which travel between nodes of one rank and of several, or lie in the memory of
  /// one node; of one layer, or of two; and added up in the tail batches of the same run.
  @Test(arguments: 2...8, [16, 24])
  func factorsOnAnyNumberOfNodes(ranks: Int, batch: Int) throws {
    let reference = try TrainingRuns.factors.get()
    let index = ranks % 4 * 2 + (batch == 16 ? 0 : 1)
    let (arguments, expected) = (reference.arguments[index], reference.fingerprints[index])
    #expect(arguments.contains("batch=\(batch)") && expected.count == 2)
    #expect(reference.lines[index].contains { $0.hasPrefix("factors in 0 of ") })
    let used =
      InstructionSet.detected.multipliesAndAddsAtOnce
      ? [16: "factors in 12 of 14 steps", 24: "factors in 8 of 10 steps"][batch]!
      : "factors in 0 of "
    let cases = ["path=messages", "path=shared", "nodes=2", "nodes=3"].flatMap { way in
      ["replicated", "sharded"].map { update in
        arguments + [way, "update=\(update)", "bucket=\(ranks % 2 == 0 ? 1 : 4000)"]
      }
    }
    let (result, lines) = try TrainingRuns.run(cases: cases, ranks: ranks)
    #expect(result.succeeded, "\(result.transcript)")
    for (arguments, lines) in zip(cases, lines) {
      #expect(
        TrainingRuns.fingerprints(lines) == expected, "\(arguments) \(result.transcript)")
      #expect(lines.count { $0.hasPrefix(used) } == 2, "\(arguments) \(result.transcript)")
    }
  }

  @Test(arguments: [(1, 2), (2, 1), (3, 1), (4, 2), (5, 1), (8, 1)])
  func statisticsOfTheWholeBatchOnAnyNumberOfRanksAndThreads(ranks: Int, threads: Int) throws {
    let expected = try TrainingRuns.synchronized.get()
    #expect(Set(expected.values).count == 2)
    let cases = ["replicated", "sharded"].map { update in
      [
        "model=synchronized", "threads=\(threads)", "update=\(update)", "compare=1",
        "nodes=\(1 + ranks % 3)",
      ] + expected.keys.map { "rule=\($0)" }
    }
    let (result, lines) = try TrainingRuns.run(cases: cases, ranks: ranks)
    for lines in lines {
      #expect(TrainingRuns.fingerprints(lines) == expected, "\(result.transcript)")
    }
  }

  @Test(
    .enabled(if: ComputeLibrary.hasBFloat16, "this processor has no AVX-512 BF16"),
    arguments: [(2, 1), (3, 2), (4, 1)])
  func bfloat16OnAnyNumberOfRanksAndThreads(ranks: Int, threads: Int) throws {
    for model in ["perceptron", "convolutional"] {
      let arguments = ["model=\(model)", "precision=bfloat16"]
      let alone = try TrainingRuns.run(arguments, ranks: 1)
      #expect(TrainingRuns.fingerprints(alone).count == 1, "\(alone.transcript)")
      let update = ranks % 2 == 0 ? "update=sharded" : "update=replicated"
      let many = try TrainingRuns.run(
        arguments + ["threads=\(threads)", update, "nodes=\(1 + ranks % 3)"], ranks: ranks)
      #expect(
        TrainingRuns.fingerprints(many) == TrainingRuns.fingerprints(alone), "\(many.transcript)")
    }
  }

  /// Replicas stay equal; the bits are this number of ranks' own.
  @Test(arguments: [3])
  func allreduceKeepsReplicasEqual(ranks: Int) throws {
    let result = try TrainingRuns.run(
      ["model=perceptron", "reduction=allreduce", "compare=1"], ranks: ranks)
    #expect(result.succeeded, "\(result.transcript)")
    #expect(TrainingRuns.fingerprints(result).count == 1)
    let refused = try TrainingRuns.run(
      ["update=sharded", "reduction=allreduce"], ranks: ranks)
    #expect(refused.errorOutput.contains("a sharded update needs the reduction 'tree'"))
    #expect(!refused.succeeded)
  }

  @Test func tooLittleSharedMemoryCostsANoticeAndNoBit() throws {
    for nodes in [1, 2] {
      let result = try TrainingRuns.run(
        ["sharedMemory=10000", "nodes=\(nodes)", "update=sharded"], ranks: 4)
      #expect(
        TrainingRuns.fingerprints(result)["adam"] == (try TrainingRuns.wide.get()["adam"]))
      #expect(result.output.contains("notice gradients travel as messages"))
      let refused = try TrainingRuns.run(
        ["sharedMemory=10000", "nodes=\(nodes)", "path=shared"], ranks: 4)
      #expect(refused.errorOutput.contains("bytes of shared memory are needed"))
    }
  }

  @Test(arguments: ["baseline", "avx2"])
  func aPinnedInstructionSetGivesTheSameBitsOnAllRanks(set: String) throws {
    let arguments = ["model=convolutional", "isa=\(set)"]
    let alone = try TrainingRuns.run(arguments, ranks: 1)
    let three = try TrainingRuns.run(arguments, ranks: 3)
    if set != "baseline", alone.errorOutput.contains("is asked for and the processor of rank 0") {
      return
    }
    #expect(alone.lines.contains("instruction set \(set)"), "\(alone.transcript)")
    #expect(TrainingRuns.fingerprints(alone).count == 1)
    #expect(TrainingRuns.fingerprints(alone) == TrainingRuns.fingerprints(three))
  }
}
