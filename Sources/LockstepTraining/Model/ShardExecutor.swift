import LockstepObservation
import LockstepDatasets
import LockstepEngine
import LockstepLayers

/// The lanes of one thread, or of one shard: one for each plan it has run.
final class LaneSet {
  /// Where the thread's time is recorded.
  var track: Track?
  /// The thread's scratch for augmenting.
  let inputScratch = InputScratch()
  private var executors: [ObjectIdentifier: ShardExecutor] = [:]
  private var scratch: Arena<Float>?
  private let sharesActivations: Bool
  private var activations: Arena<UInt8>?

  /// - Parameter sharesActivations: whether lanes use one memory for their activations, one after the
  ///   other.
  init(sharesActivations: Bool = false) { self.sharesActivations = sharesActivations }

  /// The thread's lane of a plan.
  func executor(_ plan: Plan) throws -> ShardExecutor {
    if let executor = executors[ObjectIdentifier(plan)] { return executor }
    if sharesActivations, activations.map({ $0.count < plan.activationBytes }) ?? true {
      activations = Arena(count: plan.activationBytes)
    }
    let executor = try ShardExecutor(plan, activations: activations)
    executors[ObjectIdentifier(plan)] = executor
    return executor
  }

  /// Forgets all lanes: their plans are gone.
  func removeAll() { executors = [:] }

  /// A canonical leaf for a micro-batch that is to be added to another.
  func scratchLeaf(count: Int) -> UnsafeMutableBufferPointer<Float> {
    if let scratch, scratch.count == count { return scratch.buffer }
    let arena = Arena<Float>(count: count)
    scratch = arena
    return arena.buffer
  }
}

/// A plan for shards of one size, and the lane that runs them.
final class ShardExecutor {
  let lane: Lane
  /// Whether the plan writes leaves in the canonical layout.
  let leavesAreCanonical: Bool

  /// Where carried states go in and out; nil where there are none.
  let carriedPorts: CarriedPorts?

  private var bound: ExamplePorts?
  private let teacherRows: UnsafeMutableBufferPointer<Float>?
  /// Where the labels of examples that are mixed in go; nil where the loss takes none.
  let mixedPorts: MixedLabelPorts?
  private var unpackers: [UnsafePair: LeafUnpacker] = [:]
  private lazy var packedLeaf = Arena<Float>(count: lane.plan.leafCount)

  private struct UnsafePair: Hashable {
    let from: UnsafeMutablePointer<Float>
    let to: UnsafeMutablePointer<Float>
  }

  init(_ plan: Plan, activations: Arena<UInt8>? = nil) throws {
    lane = try Lane(plan, activations: activations)
    leavesAreCanonical = plan.leavesAreCanonical
    carriedPorts = CarriedPorts(lane)
    teacherRows = lane.input(Distillation.teacherInput)?.bindMemory(to: Float.self)
    mixedPorts = MixedLabelPorts(lane)
  }

  /// Where the lane takes a source's fields; the same source each time.
  func ports(for source: any ExampleSource) -> ExamplePorts {
    if let bound { return bound }
    let ports = ExamplePorts(source, in: lane)
    bound = ports
    return ports
  }

  /// Copies what need not be prepared, labels among it, and a teacher's logits to the lane's inputs.
  ///
  /// - Parameter isAll: whether nothing is prepared, so that everything is copied.
  /// - Throws: ``GraphError`` where the loss asks for a teacher and there is none that fits; what the
  ///   source throws.
  func loadRest(
    _ examples: ArraySlice<Int>, of dataset: any ExampleSource, teacher: TeacherLogits?,
    isAll: Bool = false
  ) throws {
    let ports = ports(for: dataset)
    if isAll {
      try ports.loadAll(examples, of: dataset)
    } else {
      try ports.loadDirect(examples, of: dataset)
    }
    guard let teacherRows else { return }
    guard let teacher else {
      throw GraphError("the loss distils from a teacher, and the source has none")
    }
    guard teacher.count == dataset.count, teacherRows.count == examples.count * teacher.classes
    else {
      throw GraphError(
        "the teacher has \(teacher.classes) logits for \(teacher.count) examples, the model "
          + "\(teacherRows.count / max(examples.count, 1)) outputs for \(dataset.count)")
    }
    teacher.copy(examples, into: teacherRows)
  }

  /// Copies examples to the lane's inputs, as they are.
  func load(_ examples: ArraySlice<Int>, of dataset: any ExampleSource) throws {
    try ports(for: dataset).loadAll(examples, of: dataset)
  }

  /// Converts the parameters to the primitives' layouts.
  func packParameters() throws { try lane.plan.packParameters() }

  /// Converts a packed leaf, or a sum of some, to the canonical layout.
  func unpack(
    _ packed: UnsafeMutableBufferPointer<Float>,
    into canonical: UnsafeMutableBufferPointer<Float>
  ) throws {
    try unpacker(packed, into: canonical)?.run()
  }

  /// What does so; nil where there is nothing to convert.
  func unpacker(
    _ packed: UnsafeMutableBufferPointer<Float>,
    into canonical: UnsafeMutableBufferPointer<Float>
  ) throws -> LeafUnpacker? {
    guard let from = packed.baseAddress, let to = canonical.baseAddress else { return nil }
    let pair = UnsafePair(from: from, to: to)
    if let unpacker = unpackers[pair] { return unpacker }
    let unpacker = try lane.plan.makeUnpacker(from: from, to: to)
    unpackers[pair] = unpacker
    return unpacker
  }

  /// Lets `compute` write a leaf of the plan's own layout, and brings it to `leaf`.
  func withCanonicalLeaf(
    _ leaf: UnsafeMutableBufferPointer<Float>,
    _ compute: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    try compute(destination(of: leaf))
    try bring(to: leaf)
  }

  /// Where the lane is to write a leaf that ``bring(to:)`` then brings to `leaf`.
  func destination(
    of leaf: UnsafeMutableBufferPointer<Float>
  ) -> UnsafeMutableBufferPointer<Float> {
    leavesAreCanonical ? leaf : packedLeaf.buffer
  }

  /// Converts what the lane has written to the canonical layout.
  func bring(to leaf: UnsafeMutableBufferPointer<Float>) throws {
    if !leavesAreCanonical { try unpack(packedLeaf.buffer, into: leaf) }
  }
}
