internal import CLockstepKernels
internal import COneDNN

/// A program made ready to run: a fixed schedule of primitives and kernels with all memory placed.
///
/// A plan is made once for each number of examples. ``Lane``s run it, each with activations of its
/// own; what depends on the parameters alone is shared by all lanes.
package final class Plan {
  package let program: Program
  /// The number of shards that a run computes at once: the examples are as many for each, one shard
  /// behind the other.
  package let shards: Int
  /// Whether plans of several shards, and such that leave gradients out, can be made of the program's kind.
  package let isShardwise: Bool
  /// The slots of the leaf that a run leaves out.
  package let omittedSlots: Set<Int>
  let steps: [PlanStep]
  /// The number of leading steps that make up the forward pass.
  package let forwardStepCount: Int
  let inputs: [(name: String, type: TensorType, memory: Memory)]
  let scalarMemory: [Memory]
  let outputMemory: [Memory]
  let leafMemory: [Memory?]
  let sizes: [Region: RegionSize]
  /// The steps between the places where all shards meet: one run more than there are places.
  let segments: [Range<Int>]
  /// What the shards fold where they meet, and where it lies in a lane.
  package let synchronizations: [SynchronizationPoint]
  let synchronizedMemory: [Memory]
  private let packing: [PlanStep]
  private let vectorPacking: [PlanStep]
  private let constants: Arena<UInt8>
  private let packed: Arena<UInt8>
  private let parameters: UnsafeMutableRawPointer
  private let statistics: UnsafeMutableRawPointer
  private let vector: UnsafeMutableRawPointer?
  private var boundPacking: BoundSchedule?
  private var boundVectorPacking: BoundSchedule?
  private let stream: OneDNNStream

  /// Plans a program.
  ///
  /// - Parameters:
  ///   - shards: how many shards the examples make up: 1, or a larger power of two where
  ///     ``isShardwise`` holds of a plan of one.
  ///   - deferred: takes what gradients are products of that a run leaves out, where ``isShardwise``
  ///     holds; nil where it makes all.
  ///   - parameters: the canonical parameters, in the program's parameter layout.
  ///   - statistics: the running statistics, in the program's statistic layout.
  ///   - isa: the instruction set of our own kernels.
  ///   - options: algorithms to choose from.
  ///   - vector: the direction that a product's program multiplies by, in the trainable part of the
  ///     parameter layout.
  package init(
    _ program: Program, shards: Int = 1, deferring deferred: (any DeferredProducts)? = nil,
    parameters: UnsafeMutableBufferPointer<Float>,
    statistics: UnsafeMutableBufferPointer<Float>, isa: InstructionSet,
    options: PlanOptions = PlanOptions(), vector: UnsafeMutableBufferPointer<Float>? = nil
  ) throws {
    precondition(parameters.count >= program.parameterLayout.count, "parameters do not fit")
    precondition(statistics.count >= program.statisticLayout.count, "statistics do not fit")
    precondition(
      shards > 0 && shards & (shards - 1) == 0 && shards <= Self.mostShards
        && program.graph.batchCount % shards == 0, "\(shards) shards of a size")
    ComputeLibrary.useSingleThread()
    try options.precision.check()
    let builder = try PlanBuilder(
      program, shards: shards, deferring: deferred, isa: isa, options: options)
    self.program = program
    self.shards = shards
    omittedSlots = builder.omittedSlots
    isShardwise = builder.isShardwise
    steps = builder.steps
    let cuts = builder.synchronizations.map(\.step)
    segments = zip([0] + cuts, cuts + [builder.steps.count]).map { $0..<$1 }
    synchronizations = program.synchronizations
    synchronizedMemory = builder.synchronizations.map(\.memory)
    precondition(
      synchronizations.count == cuts.count, "operations meet where the program does not say so")
    forwardStepCount = builder.forwardStepCount
    packing = builder.packing
    vectorPacking = builder.vectorPacking
    self.vector = vector?.baseAddress.map { UnsafeMutableRawPointer($0) }
    inputs = builder.inputs
    scalarMemory = builder.scalarMemory
    outputMemory = builder.outputMemory
    leafMemory = builder.leafMemory
    sizes = builder.sizes
    leavesAreCanonical = Self.areCanonical(builder, program.leafLayout)
    precondition(
      omittedSlots.isEmpty || leavesAreCanonical, "gradients of other layouts are left out")
    (leafParts, partsToAdd) = Self.leafParts(builder, program.leafLayout)
    leafStatistics = builder.leafMemory[program.gradientCount...].compactMap { memory in
      memory.map {
        $0.buffer.offset / 4..<($0.buffer.offset + $0.buffer.byteCount) / 4
      }
    }
    leafCompletions = Self.completions(of: builder.leafMemory, by: builder.steps)
    constants = Arena(count: sizes[.constants]?.byteCount ?? 0)
    packed = Arena(count: sizes[.packed]?.byteCount ?? 0)
    // Empty buffers have no address; nothing is ever read through the stand-in.
    self.parameters =
      parameters.baseAddress.map { UnsafeMutableRawPointer($0) } ?? .init(packed.base)
    self.statistics =
      statistics.baseAddress.map { UnsafeMutableRawPointer($0) } ?? .init(packed.base)
    stream = try OneDNNStream()
    fillConstants(builder.constants)
    boundPacking = try BoundSchedule(packing, addresses: sharedAddresses)
    boundVectorPacking = try BoundSchedule(vectorPacking, addresses: sharedAddresses)
  }

  private func fillConstants(_ places: [(offset: Int, values: [Float])]) {
    for (offset, values) in places {
      (constants.base + offset).withMemoryRebound(to: Float.self, capacity: values.count) {
        $0.update(from: values, count: values.count)
      }
    }
  }

  /// How many shards a run can compute at once.
  package static let mostShards = 128

  /// The addresses of what all lanes share.
  var sharedAddresses: [Region: UnsafeMutableRawPointer] {
    var addresses: [Region: UnsafeMutableRawPointer] = [
      .parameters: parameters, .statistics: statistics, .constants: .init(constants.base),
      .packed: .init(packed.base),
    ]
    addresses[.vector] = vector
    return addresses
  }

  /// Converts the parameters to the layouts that the primitives want. To be called once after they
  /// have changed.
  package func packParameters() throws { try boundPacking?.run(RunContext(), stream) }

  /// The same for the direction that a product's program multiplies by.
  package func packVector() throws { try boundVectorPacking?.run(RunContext(), stream) }

  // MARK: Leaves

  /// The length of a packed leaf, in values.
  package var leafCount: Int { (sizes[.leaf]?.byteCount ?? 0) / 4 }

  /// The number of values of a packed leaf, from its start, that are gradients; statistics follow.
  package var leafGradientCount: Int {
    leafMemory[program.gradientCount...].lazy.compactMap { $0 }.first.map {
      $0.buffer.offset / 4
    } ?? leafCount
  }

  /// Whether a packed leaf is a canonical one already.
  package let leavesAreCanonical: Bool

  /// The parts of a packed leaf, in values, that a run makes: all but what it leaves out.
  package let leafParts: [Range<Int>]

  /// The parts of a packed leaf, in values, that a run with a sum leaves to be added to it.
  package let partsToAdd: [Range<Int>]

  /// Where a packed leaf has the sums of statistics, in values.
  package let leafStatistics: [Range<Int>]

  /// The slots of the leaf in the order in which a run completes them, each with the last step that
  /// touches it; -1 where none does.
  package let leafCompletions: [(step: Int, slot: Int)]

  /// Where a slot lies in a packed leaf, padding included, in values; nil for one that is zeros and
  /// has no place there.
  package func leafRange(ofSlot slot: Int) -> Range<Int>? {
    leafMemory[slot].map {
      $0.buffer.offset / 4..<$0.buffer.offset / 4 + ($0.buffer.byteCount + 63) / 64 * 16
    }
  }

  private static func completions(
    of memories: [Memory?], by steps: [PlanStep]
  ) -> [(step: Int, slot: Int)] {
    let touched = steps.map { step in
      step.memories.filter { $0.buffer.region == .leaf || $0.buffer.region == .sum }
        .map { $0.buffer.offset..<$0.buffer.offset + $0.buffer.byteCount }
    }
    return memories.enumerated().map { slot, memory in
      guard let buffer = memory?.buffer else { return (-1, slot) }
      let place = buffer.offset..<buffer.offset + buffer.byteCount
      return (touched.lastIndex { $0.contains { $0.overlaps(place) } } ?? -1, slot)
    }
    .sorted { ($0.step, $0.slot) < ($1.step, $1.slot) }
  }

  private static func areCanonical(_ builder: PlanBuilder, _ layout: FlatLayout) -> Bool {
    zip(layout.slots, builder.leafMemory).enumerated().allSatisfy { index, element in
      let (slot, memory) = element
      if builder.omittedSlots.contains(index) { return true }
      guard let memory, let plain = try? MemoryDescriptor.plain(slot.shape) else { return false }
      return memory.descriptor == plain && memory.buffer.offset == slot.offset * 4
    }
  }

  /// The parts of a leaf that a run makes, and those of them that a run
  /// does not add to a sum itself.
  private static func leafParts(
    _ builder: PlanBuilder, _ layout: FlatLayout
  ) -> (all: [Range<Int>], toAdd: [Range<Int>]) {
    let count = (builder.sizes[.leaf]?.byteCount ?? 0) / 4
    let left = layout.slots.enumerated().map { index, slot in
      !builder.omittedSlots.contains(index) ? nil : slot.offset..<slot.offset + slot.count
    }
    let added = zip(builder.leafMemory, left).map { memory, left in
      guard left == nil, let memory, memory.buffer.region == .sum else { return left }
      let offset = memory.buffer.offset / 4
      return offset..<offset + memory.buffer.byteCount / 4
    }
    return (parts(without: left, count: count), parts(without: added, count: count))
  }

  /// What is left of a leaf without some slots, padding of these included.
  private static func parts(without slots: [Range<Int>?], count: Int) -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var start = 0
    for slot in slots {
      guard let slot else { continue }
      if slot.lowerBound > start { parts.append(start..<slot.lowerBound) }
      start = slot.lowerBound + (slot.count + 15) / 16 * 16
    }
    if count > start { parts.append(start..<count) }
    return parts
  }

  // MARK: Inspection

  /// The number of bytes of activations that a lane needs.
  package var activationBytes: Int { sizes[.activations]?.byteCount ?? 0 }

  /// The number of bytes of a lane: activations, inputs and read-outs.
  package var laneBytes: Int { activationBytes + (sizes[.ports]?.byteCount ?? 0) }

  /// The bytes of a lane, and of what all lanes share, of a plan of one shard that is not made: none is
  /// allocated.
  package static func bytes(
    _ program: Program, isa: InstructionSet, options: PlanOptions
  ) throws -> (lane: Int, packed: Int) {
    ComputeLibrary.useSingleThread()
    let sizes = try PlanBuilder(program, shards: 1, deferring: nil, isa: isa, options: options)
      .sizes
    func bytes(_ region: Region) -> Int { sizes[region]?.byteCount ?? 0 }
    return (bytes(.activations) + bytes(.ports), bytes(.packed) + bytes(.constants))
  }

  /// The number of bytes that all lanes share beside the parameters: weights in the primitives'
  /// layouts, and constants.
  package var packedBytes: Int { packed.count + constants.count }

  /// The number of steps of the schedule.
  package var stepCount: Int { steps.count }

  /// The schedule's steps, each by the layer and the operation.
  package var labels: [String] { steps.map(\.label) }

  /// The schedule in words: what runs in which implementation.
  package var summary: [(label: String, implementation: String)] {
    (packing + steps).map { ($0.label, $0.implementation) }
  }
}
