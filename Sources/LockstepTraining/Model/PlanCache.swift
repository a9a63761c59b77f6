import LockstepEngine
import LockstepFold

/// The plans of a model, one for each number of examples that a shard can have, of each form.
///
/// Threads only ask for plans that exist already.
final class PlanCache {
  /// Takes what gradients are products of that shards leave out; nil where they make all.
  var deferred: (any DeferredProducts)?

  private let model: TracedModel
  private var plans: [Size: Plan] = [:]
  /// Counts the times that parameters were packed, and for each size the last one it took part in.
  private var packing = 0
  private var packed: [Size: Int] = [:]

  /// What a plan is made for.
  private struct Size: Hashable {
    let examples: Int
    let shards: Int
    /// The number of the batch's form.
    let form: Int
    /// What takes the gradients that are left out.
    var deferred: ObjectIdentifier?
  }

  /// As many examples are computed at once at the most, so that what a lane holds of them stays in the
  /// caches.
  private static let mostAtOnce = 128

  init(_ model: TracedModel) { self.model = model }

  /// Forgets all plans: they know their parameters by address.
  func removeAll() {
    plans = [:]
    packed = [:]
  }

  /// The plan for a number of examples, of so many shards.
  ///
  /// - Parameter form: the number of the batch's form; nil for the widest.
  func plan(
    _ count: Int, shards: Int = 1, form: Int? = nil,
    deferring deferred: (any DeferredProducts)? = nil
  ) throws -> Plan {
    let form = form ?? model.forms.count - 1
    let size = Size(
      examples: count, shards: shards, form: form, deferred: deferred.map { ObjectIdentifier($0) })
    if let plan = plans[size] { return plan }
    let plan = try Plan(
      model.program(examples: count, form: form), shards: shards, deferring: deferred,
      parameters: model.memory.parameters, statistics: model.memory.runningStatistics,
      isa: model.isa, options: model.options)
    plans[size] = plan
    return plan
  }

  /// The plan that computes as many shards at once as gain by it, from the plan of one: a power of two
  /// of them, `widest` at the most.
  func atOnce(
    _ one: Plan, widest: Int, form: Int? = nil,
    deferring deferred: (any DeferredProducts)? = nil
  ) throws -> Plan {
    guard one.isShardwise else { return one }
    let examples = one.program.graph.batchCount
    var shards = 1
    while 2 * shards <= min(widest, Plan.mostShards), 2 * shards * examples <= Self.mostAtOnce {
      shards *= 2
    }
    guard shards > 1 || deferred != nil else { return one }
    let plan = try plan(
      shards * examples, shards: shards, form: form, deferring: deferred)
    try plan.packParameters()
    return plan
  }

  // MARK: Packing

  /// The numbers of examples of a rank's shards.
  private struct Sizes {
    var first = 0
    var isOne = true

    mutating func insert(_ size: Int) {
      if first == 0 { first = size }
      if size != first || size == 0 { isOne = false }
    }
  }

  /// Packs the parameters for all plans that the shards need, once each. Returns the plan of all of them
  /// where they have one size and are computed whole, and nobody reads their leaves in the canonical layout.
  func pack(for shards: Range<Int>, of batch: StepBatch) throws -> Plan? {
    var sizes = Sizes()
    let form = model.form(of: batch)
    packing += 1
    for shard in shards {
      for microBatch in 0..<batch.microBatches {
        let size = batch.positions(ofShard: shard, microBatch: microBatch).count
        sizes.insert(size)
        let key = Size(examples: size, shards: 1, form: form)
        guard size > 0, packed[key] != packing else { continue }
        try plan(size, form: form).packParameters()
        packed[key] = packing
      }
    }
    guard sizes.isOne, sizes.first > 0, batch.microBatches == 1, model.shardClip == nil else {
      return nil
    }
    return try plan(sizes.first, form: form)
  }
}
