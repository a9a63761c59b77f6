import LockstepFold
import LockstepEngine

/// Finishes the last leaf of a rank slot by slot, while the backward pass still computes others, and
/// lets the exchange know which parts of the rank's sums are complete.
///
/// A slot goes through what the whole leaf would go through at the end: it is rounded, added up as
/// far as the binary counter carries, and brought to the canonical layout. All of that is
/// elementwise, so the bits are the same.
final class LeafAnnouncer {
  private let plan: Plan
  private let exchange: any GradientExchange
  private let accumulator: ShardAccumulator
  /// The canonical parts of the slots, padding included: they tile the arena.
  private let ranges: [Range<Int>]
  /// What brings the rank's sums to the canonical layout; nobody where they are written in it.
  private let unpackers: [LeafUnpacker]
  private var next = 0
  private var failure: (any Error)?

  /// - Parameters:
  ///   - plan: what computes the last shard.
  ///   - accumulator: adds its leaf, piece by piece.
  ///   - unpackers: one for each of the rank's sums; none where the plan's leaves are canonical.
  init(
    _ plan: Plan, _ exchange: any GradientExchange, _ accumulator: ShardAccumulator,
    _ unpackers: [LeafUnpacker]
  ) {
    self.plan = plan
    self.exchange = exchange
    self.accumulator = accumulator
    self.unpackers = unpackers
    let layout = plan.program.leafLayout
    let starts = [0] + layout.slots.dropFirst().map(\.offset) + [layout.count]
    ranges = zip(starts, starts.dropFirst()).map { $0..<$1 }
  }

  /// Whether it announces what this plan computes to this exchange.
  func serves(
    _ plan: Plan, _ exchange: any GradientExchange, _ accumulator: ShardAccumulator
  ) -> Bool {
    plan === self.plan && exchange === self.exchange && accumulator === self.accumulator
  }

  /// The last shard is about to be computed.
  func begin() {
    next = 0
    failure = nil
    exchange.progress()
  }

  /// A step of the schedule is done.
  func passed(_ step: Int) {
    while next < plan.leafCompletions.count, plan.leafCompletions[next].step <= step {
      finish(plan.leafCompletions[next].slot)
      next += 1
    }
    exchange.progress()
  }

  /// The last shard has been computed.
  ///
  /// - Throws: what kept a slot from its place.
  func end() throws {
    passed(.max)
    if let failure { throw failure }
  }

  private func finish(_ slot: Int) {
    guard failure == nil, !plan.omittedSlots.contains(slot) else { return }
    if let range = plan.leafRange(ofSlot: slot) { accumulator.finish(range) }
    do { for unpacker in unpackers { try unpacker.run(slot: slot) } } catch {
      failure = error
      return
    }
    exchange.ready(ranges[slot])
  }
}
