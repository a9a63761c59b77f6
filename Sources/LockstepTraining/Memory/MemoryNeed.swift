import LockstepCollective
import LockstepEngine

/// What a rank is about to ask the system for, part by part.
package struct MemoryNeed: Sendable, Equatable {
  /// One part.
  package struct Part: Sendable, Equatable {
    /// What it is for.
    package let name: String
    /// Its bytes.
    package let bytes: Int
  }

  /// The parts, in the order in which they were added.
  package private(set) var parts: [Part] = []

  /// No parts yet.
  package init() {}

  /// The bytes of all parts; `Int.max` stands for all that is more.
  package var total: Int { parts.reduce(0) { Self.sum($0, $1.bytes) } }

  /// Adds so many values; parts of no bytes are left out.
  package mutating func add(_ name: String, values: Int, of width: Int = 4, times: Int = 1) {
    let bytes = Self.product(Self.product(values, width), times)
    if bytes > 0 { parts.append(Part(name: name, bytes: bytes)) }
  }

  private static func sum(_ a: Int, _ b: Int) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? .max : sum
  }

  private static func product(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? .max : product
  }

  /// The parts of two needs.
  package static func + (a: MemoryNeed, b: MemoryNeed) -> MemoryNeed {
    var both = a
    both.parts += b.parts
    return both
  }

  /// What a model will take, before it does.
  init(model program: Program) {
    add("parameters", values: program.parameterLayout.count)
    add("running statistics", values: program.statisticLayout.count)
  }

  /// What training a model will take beside it, at the least.
  init(training program: Program, threads: Int) {
    add("sums of gradients", values: program.leafLayout.count)
    add("a shard's gradient", values: program.leafLayout.count, times: threads)
  }

  /// Makes sure that what all ranks of each node are about to ask for is there. Called by all ranks.
  ///
  /// - Parameters:
  ///   - memory: what this rank finds.
  ///   - held: what it has already, for the message: that is part of what is needed, and of what there is.
  /// - Throws: ``MemoryShortage``, on all ranks alike.
  package func check(
    _ memory: NodeMemory = .now(), beside held: MemoryNeed = MemoryNeed(),
    on collective: any Collective
  ) throws {
    let mine = SIMD4(total, memory.node, memory.process ?? .max, held.total)
    let all = try collective.allgather(mine)
    let heldParts = held.parts
    func refuse(_ ranks: Range<Int>, _ needed: Int, _ available: Int, _ limit: String) -> Error {
      let held = ranks.reduce(0) { Self.sum($0, all[$1][3]) }
      return MemoryShortage(
        ranks: ranks, needed: Self.sum(needed, held), available: Self.sum(available, held),
        limit: limit, parts: heldParts + parts)
    }
    for node in collective.nodes {
      let needed = node.reduce(0) { Self.sum($0, all[$1][0]) }
      let available = node.lazy.map { all[$0][1] }.min() ?? .max
      if needed > available { throw refuse(node, needed, available, memory.limit) }
    }
    for (rank, words) in all.enumerated() where words[0] > words[2] {
      throw refuse(
        rank..<rank + 1, words[0], words[2],
        "the limit of a process's address space (ulimit -v)")
    }
  }
}

/// A node has not the memory that its ranks would need.
package struct MemoryShortage: Error, Equatable, CustomStringConvertible {
  /// The ranks that need it together.
  package let ranks: Range<Int>
  /// The bytes that they need, at the least.
  package let needed: Int
  /// The bytes that there are.
  package let available: Int
  /// What sets the limit.
  package let limit: String
  /// What this rank would need.
  package let parts: [MemoryNeed.Part]

  package var description: String {
    let who =
      ranks.count == 1
      ? "rank \(ranks.lowerBound) needs"
      : "ranks \(ranks.lowerBound) to \(ranks.upperBound - 1) need together"
    let largest = parts.sorted { $0.bytes > $1.bytes }.prefix(4).map {
      "\($0.name) \(ByteCount($0.bytes))"
    }.joined(separator: ", ")
    return
      "not enough memory: \(who) at least \(ByteCount(needed)), and \(ByteCount(available)) are "
      + "available (\(limit)); a rank needs \(largest): take a smaller model or batch, more shards, or "
      + "fewer ranks or threads"
  }
}

/// A number of bytes as people read it, `1.5 GiB`.
package struct ByteCount: CustomStringConvertible {
  private let bytes: Int

  /// So many bytes; `Int.max` stands for all that is more.
  package init(_ bytes: Int) { self.bytes = bytes }

  package var description: String {
    if bytes == .max { return "more than 8 EiB" }
    var value = Double(bytes)
    var unit = "bytes"
    for larger in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] where value >= 1024 {
      value /= 1024
      unit = larger
    }
    let tenths = Int((value * 10).rounded())
    return unit == "bytes" ? "\(bytes) bytes" : "\(tenths / 10).\(tenths % 10) \(unit)"
  }
}
