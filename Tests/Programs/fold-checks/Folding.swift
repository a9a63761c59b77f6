import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepFiles
import LockstepMPI
import LockstepTraining

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A run of folds whose bits must not depend on the ranks or on how gradients travel.
struct Folding: Sendable {
  let name: String
  let layout: FlatLayout
  let shards: Int
  let steps: Int
  /// Whether ranks pause at random places, so that they meet in every order.
  let isJittery: Bool
  /// How many slots at the end are statistics.
  var statistics = 0
  var wire = WirePrecision.float32

  /// Sizes that are multiples of nothing: parts of units, whole units, single values, and fewer
  /// blocks than ranks.
  static let all = [
    Folding(
      name: "ragged-8",
      layout: FlatLayout([
        ("a", [7, 13]), ("b", [5003]), ("c", [3, 3, 3, 3]), ("d", [1]), ("e", [2, 5001]),
        ("f", [101, 67]), ("g", []),
      ]), shards: 8, steps: 6, isJittery: false),
    Folding(
      name: "ragged-16",
      layout: FlatLayout([("a", [4097]), ("b", [129, 31]), ("c", [17])]), shards: 16, steps: 5,
      isJittery: false),
    Folding(
      name: "tiny-8", layout: FlatLayout([("a", [3]), ("b", [1])]), shards: 8, steps: 5,
      isJittery: false),
    Folding(
      name: "empty-8", layout: FlatLayout([]), shards: 8, steps: 3, isJittery: false),
    Folding(
      name: "jitter-8", layout: FlatLayout([("a", [33, 129]), ("b", [5]), ("c", [4100])]),
      shards: 8, steps: 60, isJittery: true),
    Folding(
      name: "bf16-8", layout: mixed, shards: 8, steps: 5, isJittery: true, statistics: 2,
      wire: .bfloat16(level: 0)),
    Folding(
      name: "bf16-16-2", layout: mixed, shards: 16, steps: 5, isJittery: false, statistics: 2,
      wire: .bfloat16(level: 2)),
  ]

  /// Odd numbers of gradients, so that statistics in a message need padding before them.
  private static let mixed = FlatLayout([
    ("a", [33, 129]), ("b", [5]), ("c", [4100]), ("mean", [4099]), ("variance", [7]),
  ])

  /// The gradient of one shard in one step: values of very different magnitude, so that the order
  /// of additions shows in the bits.
  func fill(_ leaf: UnsafeMutableBufferPointer<Float>, step: Int, shard: Int) {
    for (number, slot) in layout.slots.enumerated() {
      for index in slot.range {
        let bits = mix(
          UInt64(step) << 48 ^ UInt64(shard) << 36 ^ UInt64(number) << 30 ^ UInt64(index))
        let fraction = Float(Int32(truncatingIfNeeded: bits)) / Float(1 << 30)
        leaf[index] = fraction * Float(1 << (bits >> 60)) / 256
      }
    }
  }

  /// Folds all steps; the fingerprint of every folded arena, and the values behind the last.
  ///
  /// Each owned block is scaled when it is visited, as clipping or an update would change it. The
  /// partials are rewritten at once after a gather, while slower ranks still read the folded arena.
  ///
  /// Where `announces`, partials are announced part by part, in another order on every rank, and every
  /// second step is first begun with other values and abandoned, some ranks having announced more of it
  /// than others. In every third step nothing is announced on odd ranks, as where they could not; in
  /// half of the steps gradients are asked back beforehand.
  func run(on group: any Collective, announces: Bool = false) throws -> Fingerprint {
    let plan = try FoldPlan(
      shards: shards, ranks: group.size, layout: layout,
      gradientSlotCount: layout.slots.count - statistics, wire: wire)
    let exchange = try group.makeExchange(plan)
    let accumulator = ShardAccumulator(plan, rank: group.rank)
    var seed = UInt64(group.rank + 1) &* 0x9E37_79B9
    func pause() {
      guard isJittery else { return }
      seed = mix(seed)
      if seed % 4 == 0 { usleep(UInt32(seed >> 32) % 300) }
    }
    /// The values of blocks that another one follows, in some order.
    func parts() -> [Range<Int>] {
      let starts = [0] + plan.blocks.dropFirst().map(\.offset) + [plan.layout.count]
      let ranges = zip(starts, starts.dropFirst()).map { $0..<$1 }
      return ranges.map { (key: mix(UInt64($0.lowerBound) &+ seed), range: $0) }
        .sorted { $0.key < $1.key }.map(\.range)
    }
    func announce(_ parts: some Sequence<Range<Int>>) {
      for part in parts {
        exchange.ready(part)
        exchange.progress()
        pause()
      }
    }
    var hashes: [UInt64] = []
    for step in 0..<steps {
      if announces, step % 2 == 1 {
        try accumulator.accumulate(into: exchange.partials) {
          fill($1, step: step + 100, shard: $0)
        }
        announce(parts().prefix(plan.blocks.count * group.rank / group.size))
        exchange.abandon()
      }
      try accumulator.accumulate(into: exchange.partials) { shard, leaf in
        fill(leaf, step: step, shard: shard)
        pause()
      }
      if announces, step % 3 != 2 || group.rank % 2 == 0 { announce(parts()) }
      exchange.returnsGradients = step % 2 == 0
      pause()
      var visited: [Int] = []
      try exchange.combine { index in
        for place in plan.blocks[index].range { exchange.folded[place] *= 0.75 + Float(index % 3) }
        plan.round(block: index, of: exchange.folded)
        visited.append(index)
        pause()
      }
      let expected =
        exchange.visitsAllBlocks ? Array(plan.blocks.indices) : Array(plan.blockSlices[group.rank])
      guard visited == expected else {
        throw Wrong(description: "step \(step) visited \(visited)")
      }
      pause()
      try exchange.gather()
      let first = Fingerprint(of: UnsafeRawBufferPointer(exchange.folded))
      pause()
      // Read again later: nobody may have written in between.
      let second = Fingerprint(of: UnsafeRawBufferPointer(exchange.folded))
      guard first == second else {
        throw Wrong(description: "step \(step): the folded arena changed under its readers")
      }
      hashes += [first.high, first.low]
    }
    let own = Fingerprint(of: hashes)
    let everyone = try group.allgather(own.low)
    guard everyone.allSatisfy({ $0 == own.low }) else {
      throw Wrong(description: "the ranks' folded arenas differ")
    }
    return withExtendedLifetime(exchange) { own }
  }
}

struct Wrong: Error, CustomStringConvertible {
  let description: String
}

/// SplitMix64's finalizer.
private func mix(_ value: UInt64) -> UInt64 {
  var bits = value &+ 0x9E37_79B9_7F4A_7C15
  bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
  bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
  return bits ^ (bits >> 31)
}
