import LockstepTesting
import Testing

/// Gradients fold to the same bits on any number of ranks, however they travel.
@Suite struct ExchangeTests {
  static let foldings: Set<String> = [
    "ragged-8", "ragged-16", "tiny-8", "empty-8", "jitter-8", "bf16-8", "bf16-16-2",
  ]

  /// How gradients travel: `announced…` part by part and in buckets; the last six as if the ranks lay
  /// on several nodes.
  static let ways = [
    "messages", "announced", "announcedBlocks", "shared", "automatic", "crowded", "nodes2",
    "nodes3", "lopsided", "announcedNodes2", "announcedNodes3", "announcedLopsided",
  ]

  /// The fingerprints that a way of folding printed, by folding.
  static func fingerprints(_ way: String, in result: ProgramResult) -> [String: String] {
    var found: [String: String] = [:]
    for line in result.lines {
      let words = line.split(separator: " ").map(String.init)
      if words.count == 3, words[0] == way { found[words[1]] = words[2] }
    }
    return found
  }

  /// What one rank alone folds to.
  static func reference() throws -> [String: String] {
    let result = try MPIRunner.runAlone(
      MPIRunner.builtExecutable("fold-checks"), ["in-process", "1"])
    return fingerprints("in-process", in: result)
  }

  @Test(arguments: 1...8)
  func everyWayFoldsToTheSameBits(ranks: Int) throws {
    let program = try MPIRunner.builtExecutable("fold-checks")
    let expected = try Self.reference()
    #expect(Set(expected.keys) == Self.foldings)
    // Different foldings have different fingerprints.
    #expect(Set(expected.values).count == Self.foldings.count)

    let threads = try MPIRunner.runAlone(program, ["in-process", String(ranks)], processors: ranks)
    #expect(Self.fingerprints("in-process", in: threads) == expected, "\(threads.transcript)")

    let result = try MPIRunner.run(
      program, ["collectives", "allreduce"] + Self.ways, ranks: ranks,
      deadline: .seconds(120))
    #expect(result.succeeded, "\(result.transcript)")
    #expect(result.lines.contains("collectives ok"))
    #expect(result.lines.contains("allreduce ok"))
    for way in Self.ways {
      #expect(
        Self.fingerprints(way, in: result) == expected, "\(way): \(result.transcript)")
    }
    // Only where space is short a notice says so, once an exchange.
    let notices = result.lines.filter { $0.hasPrefix("notice ") }
    if ranks > 1 { #expect(!notices.isEmpty) }
    for notice in notices {
      #expect(notice.hasPrefix("notice gradients travel as messages, not through shared memory: "))
      #expect(notice.contains(" bytes of shared memory are needed and 10000 are free in "))
    }
  }

  @Test(arguments: [2, 3])
  func aFailingVisitorEndsTheStepOnAllRanks(ranks: Int) throws {
    let result = try MPIRunner.run(
      MPIRunner.builtExecutable("fold-checks"), ["failure"], ranks: ranks, deadline: .seconds(30))
    #expect(result.succeeded, "\(result.transcript)")
    #expect(result.lines.contains("failure ok"))
  }

  @Test func sharedMemoryOfOldExchangesIsGivenBack() throws {
    let result = try MPIRunner.run(
      MPIRunner.builtExecutable("fold-checks"), ["reuse"], ranks: 2, deadline: .seconds(30))
    #expect(result.succeeded, "\(result.transcript)")
    #expect(result.lines.contains("reuse ok"))
  }
}
