import LockstepCollective
import LockstepState
import LockstepFold
import LockstepEngine
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// A rank's sums are announced part by part, each once and complete.
@Suite struct AnnouncementTests {
  /// Takes down what it hears.
  private final class Listener: GradientExchange {
    let inner: any GradientExchange
    let listens = true
    /// What was announced in this step: the part, its values then, and the looks at progress before.
    var heard: [(part: Range<Int>, values: [UInt32], looks: Int)] = []
    var looks = 0
    /// For each step, whether all was well, and how many moments announced something.
    var found: [(isWhole: Bool, moments: Int)] = []

    init(_ inner: any GradientExchange) { self.inner = inner }
    var partials: [UnsafeMutableBufferPointer<Float>] { inner.partials }
    var folded: UnsafeMutableBufferPointer<Float> { inner.folded }
    func ready(_ part: Range<Int>) { heard.append((part, bits(partials[0][part]), looks)) }
    func progress() { looks += 1 }

    func combine(_ visit: (Int) throws -> Void) throws {
      let parts = heard.map(\.part).sorted { $0.lowerBound < $1.lowerBound }
      let ends = [0] + parts.map(\.upperBound)
      let isWhole =
        parts.map(\.lowerBound) == Array(ends.dropLast()) && ends.last == partials[0].count
        && heard.allSatisfy { $0.values == bits(partials[0][$0.part]) }
      found.append((isWhole, Set(heard.map(\.looks)).count))
      heard = []
      try inner.combine(visit)
    }
    func gather(_ contents: FoldedContents) throws { try inner.gather(contents) }
  }

  /// One rank whose exchange listens.
  private final class ListeningRank: ExchangeMaking {
    let inner = SoloCollective()
    var listener: Listener?
    let rank = 0
    let size = 1
    func barrier() {}
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) {}
    func allgather(
      _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
    ) throws { try inner.allgather(bytes, counts: counts, into: result) }
    func makeExchange(
      for plan: FoldPlan, of source: (any GradientSource)?
    ) throws -> any GradientExchange {
      let made = Listener(try inner.makeExchange(plan))
      listener = made
      return made
    }
  }

  private func train(
    _ model: SmallModel, wire: WirePrecision, examples: Int, threads: Int = 1,
    on group: any Collective
  ) throws -> String {
    let source = try ModelSource(
      dataset: try SmallModel.dataset(count: 96), seed: 9, threads: threads, trace: model.trace)
    source.memory.initialize(seed: 4)
    let step = try TrainingStep(
      source: source,
      update: try UpdateRule(
        layout: source.memory.trainableLayout, chain: .adam()), shards: 8, wire: wire, on: group)
    for index in 0..<3 {
      _ = try step.run(
        StepBatch(step: index, epoch: 0, examples: Array(0..<examples)[...], shards: 8))
    }
    let registry = StateRegistry()
    try registry.add(source.stateEntries, of: source)
    return registry.fingerprint().description
  }

  @Test(arguments: [SmallModel.perceptron, .convolutional])
  func partsAreCompleteAndTileTheArena(model: SmallModel) throws {
    for wire in [WirePrecision.float32, .bfloat16(level: 0), .bfloat16(level: 1)] {
      let rank = ListeningRank()
      let heard = try train(model, wire: wire, examples: 40, on: rank)
      let found = try #require(rank.listener).found
      #expect(found.count == 3)
      #expect(found.allSatisfy { $0.isWhole && $0.moments > 2 }, "\(found)")
      // The same bits as where nobody listens.
      #expect(try heard == train(model, wire: wire, examples: 40, on: SoloCollective()))
    }
  }

  /// Shards of several sizes, several threads, shards that see each other.
  @Test func whatIsNotAddedSlotBySlotIsNotAnnounced() throws {
    for (model, examples, threads) in [
      (SmallModel.convolutional, 44, 1), (.convolutional, 40, 2), (.synchronized, 40, 1),
    ] {
      let rank = ListeningRank()
      let heard = try train(
        model, wire: .float32, examples: examples, threads: threads, on: rank)
      let listener = try #require(rank.listener)
      #expect(listener.found.allSatisfy { $0.moments == 0 } && listener.looks == 0)
      let solo = try train(
        model, wire: .float32, examples: examples, threads: threads, on: SoloCollective())
      #expect(heard == solo)
    }
  }
}
