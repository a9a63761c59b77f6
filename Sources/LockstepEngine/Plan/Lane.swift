/// One logical shard's memory and the plan bound to it: a lane runs shards one after the other.
///
/// A lane is used by one thread at a time.
package final class Lane {
  package let plan: Plan
  private let activations: Arena<UInt8>
  private let ports: Arena<UInt8>
  private let stream: OneDNNStream
  /// The schedule bound to each leaf and sum it was run with.
  private var schedules: [Destination: BoundSchedule] = [:]

  private struct Destination: Hashable {
    let leaf: UnsafeMutablePointer<Float>?
    let sum: UnsafeMutablePointer<Float>?
  }

  /// A lane of a plan.
  ///
  /// - Parameter arena: at least ``Plan/activationBytes``, which other lanes may use between this
  ///   one's runs; its own if nil.
  package init(_ plan: Plan, activations arena: Arena<UInt8>? = nil) throws {
    precondition(arena.map { $0.count >= plan.activationBytes } ?? true, "activations do not fit")
    self.plan = plan
    activations = arena ?? Arena(count: plan.activationBytes)
    ports = Arena(count: plan.sizes[.ports]?.byteCount ?? 0)
    stream = try OneDNNStream()
  }

  /// The bytes of a named input, to be written before a run; nil where the program has none of
  /// that name.
  package func input(_ name: String) -> UnsafeMutableRawBufferPointer? {
    guard let input = plan.inputs.first(where: { $0.name == name }) else { return nil }
    return UnsafeMutableRawBufferPointer(
      start: ports.base + input.memory.buffer.offset, count: input.type.count * 4)
  }

  /// The value of a scalar of the program after a run, of one of the shards that were run.
  package func scalar(_ index: Int, shard: Int = 0) -> Float {
    UnsafeRawPointer(ports.base + plan.scalarMemory[index].buffer.offset)
      .load(fromByteOffset: shard * MemoryLayout<Float>.stride, as: Float.self)
  }

  /// An output of the program after a run, row-major.
  package func output(_ index: Int) -> UnsafeBufferPointer<Float> {
    let count = plan.program.outputs[index].type.count
    let start = ports.base + plan.outputMemory[index].buffer.offset
    return UnsafeBufferPointer(
      start: UnsafeMutableRawPointer(start).assumingMemoryBound(to: Float.self), count: count)
  }

  /// Makes the schedule for a leaf ready, so that the first run allocates nothing either.
  package func prepare(leaf: UnsafeMutablePointer<Float>? = nil) throws {
    _ = try schedule(leaf, nil)
  }

  /// Computes the program on the lane's inputs. The leaf, of the plan's packed layout, is written;
  /// slots that the program leaves empty keep their values.
  ///
  /// With a `sum`, of the same layout, what the plan's ``Plan/partsToAdd`` do not cover is added to
  /// it and not written to the leaf; the rest of the leaf is left for the caller to add. Every
  /// element of the sum becomes sum + leaf, with one rounding, as if the whole leaf had been
  /// written and added.
  public func run(
    _ context: RunContext, leaf: UnsafeMutablePointer<Float>? = nil,
    addingTo sum: UnsafeMutablePointer<Float>? = nil
  ) throws {
    var context = context
    context.accumulates = sum != nil
    try schedule(leaf, sum).run(context, stream)
  }

  /// As ``run(_:leaf:addingTo:)``, with each step's number handed to `passed` once it is done.
  public func run(
    _ context: RunContext, leaf: UnsafeMutablePointer<Float>?,
    addingTo sum: UnsafeMutablePointer<Float>?, _ passed: (_ step: Int) -> Void
  ) throws {
    var context = context
    context.accumulates = sum != nil
    let schedule = try schedule(leaf, sum)
    for step in plan.steps.indices {
      try schedule.run(step..<step + 1, context, stream)
      passed(step)
    }
  }

  // MARK: Segments

  /// Runs a part of the program: what lies before, between or behind the places where all shards
  /// meet. Parts are run in order, `0...plan.synchronizations.count`.
  ///
  /// Behind a part ``vector(_:)`` of its number holds the shard's contribution, and wants the sum over
  /// all shards before the next part is run. A run of the whole program takes its own contribution
  /// for all: the shard is the batch.
  public func run(
    segment: Int, _ context: RunContext, leaf: UnsafeMutablePointer<Float>?
  ) throws {
    try schedule(leaf, nil).run(plan.segments[segment], context, stream)
  }

  /// What all shards fold at a place where they meet; see ``SynchronizationPoint``.
  package func vector(_ index: Int) -> UnsafeMutableBufferPointer<Double> {
    let memory = plan.synchronizedMemory[index]
    let start = activations.base + memory.buffer.offset + memory.byteOffset
    return UnsafeMutableBufferPointer(
      start: UnsafeMutableRawPointer(start).assumingMemoryBound(to: Double.self),
      count: plan.synchronizations[index].count)
  }

  /// As ``run(_:leaf:addingTo:)``, with each step's number, start and end handed to `visit`.
  ///
  /// - Parameter clock: the time in nanoseconds.
  package func profile(
    _ context: RunContext, leaf: UnsafeMutablePointer<Float>?,
    addingTo sum: UnsafeMutablePointer<Float>? = nil, clock: () -> UInt64,
    _ visit: (_ step: Int, _ start: UInt64, _ end: UInt64) -> Void
  ) throws {
    var context = context
    context.accumulates = sum != nil
    try schedule(leaf, sum).profile(context, stream, clock: clock, visit)
  }

  private func schedule(
    _ leaf: UnsafeMutablePointer<Float>?, _ sum: UnsafeMutablePointer<Float>?
  ) throws -> BoundSchedule {
    let key = Destination(leaf: leaf, sum: sum)
    if let schedule = schedules[key] { return schedule }
    var addresses = plan.sharedAddresses
    addresses[.activations] = .init(activations.base)
    addresses[.ports] = .init(ports.base)
    addresses[.leaf] = leaf.map { .init($0) }
    addresses[.sum] = (sum ?? leaf).map { .init($0) }
    let schedule = try BoundSchedule(plan.steps, addresses: addresses)
    schedules[key] = schedule
    return schedule
  }
}
