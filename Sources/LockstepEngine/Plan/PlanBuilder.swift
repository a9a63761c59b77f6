internal import CLockstepKernels
internal import COneDNN

/// Turns a program into a schedule: chooses layouts, fuses, orders and places memory.
///
/// Operations lower themselves node by node, in the graph's order, by asking the builder for the
/// memory of their inputs, defining that of their results, and emitting steps.
final class PlanBuilder {
  let program: Program
  let isa: InstructionSet
  let options: PlanOptions
  /// The number of shards that the examples make up, equal ones, one behind the other.
  let shards: Int
  /// Takes what the gradients that are left out are products of; nil where none is left out.
  let deferred: (any DeferredProducts)?
  /// The slots of the leaf that are left out.
  let omittedSlots: Set<Int>
  /// The operands of their products that are handed over so far.
  var handedOver: [ProductOperand] = []
  var graph: Graph { program.graph }

  private(set) var steps: [PlanStep] = []
  /// The number of leading steps that are not there for gradients.
  private(set) var forwardStepCount = 0
  /// Reorders of parameters to be run when the parameters have changed.
  var packing: [PlanStep] = []
  /// Reorders of a direction in parameter space, to be run when the direction has changed.
  var vectorPacking: [PlanStep] = []
  var constants: [(offset: Int, values: [Float])] = []
  private(set) var inputs: [(name: String, type: TensorType, memory: Memory)] = []
  /// The layout of each slot of the packed leaf.
  var leafMemory: [Memory?]
  private(set) var sizes: [Region: RegionSize] = [:]
  /// Before which steps all shards meet, and what they fold.
  private(set) var synchronizations: [(step: Int, memory: Memory)] = []

  let fusion: FusionPlan
  let precision: PrecisionPlan
  var placements: [Graph.ValueID: [Memory]] = [:]
  private(set) var leafOfValue: [Graph.ValueID: Graph.Leaf] = [:]
  private var activations: [Buffer] = []
  /// How often each value is still to be read.
  private(set) var pendingUses: [Int]
  private(set) var slotOfGradient: [Graph.ValueID: Int] = [:]
  private(set) var label = ""
  /// Whether the program can be run for several shards at once.
  private(set) var isShardwise = false
  /// What has a row an example, as far as that has been looked at.
  var perExample: Set<Graph.ValueID> = []

  init(
    _ program: Program, shards: Int, deferring deferred: (any DeferredProducts)?,
    isa: InstructionSet,
    options: PlanOptions
  ) throws {
    self.program = program
    self.shards = shards
    self.deferred = deferred
    omittedSlots = Set(deferred?.slots ?? [])
    self.isa = isa
    self.options = options
    leafMemory = Array(repeating: nil, count: program.leaves.count)
    let live = program.liveNodes()
    fusion = FusionPlan(program, live: live)
    precision = PrecisionPlan(program, live: live, precision: options.precision)
    pendingUses = Array(repeating: 0, count: program.graph.values.count)
    for (id, leaf) in program.graph.leaves { leafOfValue[id] = leaf }
    countUses(live)
    isShardwise = findShardwise(live: live)
    guard shards == 1 && deferred == nil || isShardwise else {
      throw GraphError("internal: the program cannot be run for several shards at once")
    }
    for (name, type, id) in program.inputs {
      let memory = Memory(
        buffer: region(.ports, type.count * 4), descriptor: try .plain(type))
      inputs.append((name, type, memory))
      place(id, memory)
    }
    for index in live where !fusion.isAbsorbed(index) { try lower(index) }
    label = "read out"
    try finishLeaf()
    try readOut()
    placeLeaves()
    sizes[.activations] = RegionSize()
    _ = sizes[.activations]!.place(placeByLifetime(activations))
  }

  /// Counts the reads of each value, and finds the slot of the leaf that each gradient fills.
  private func countUses(_ live: [Int]) {
    for index in live { for input in program.graph.nodes[index].inputs { pendingUses[input] += 1 } }
    for tensor in program.scalars + program.outputs { pendingUses[tensor.id] += 1 }
    for (slot, source) in program.leaves.enumerated() {
      guard let source else { continue }
      pendingUses[source.value] += 1
      // The first slot that a value fills is its home; others are copied from there.
      if source.scale == 1, slot < program.gradientCount, leafOfValue[source.value] == nil,
        slotOfGradient[source.value] == nil
      {
        slotOfGradient[source.value] = slot
      }
    }
  }

  /// Emits the steps of a node and of those that are fused into it.
  private func lower(_ index: Int) throws {
    let node = graph.nodes[index]
    guard let operation = node.operation as? any Lowerable else {
      throw GraphError("\(node.operation.name) cannot be run, only evaluated")
    }
    label = node.scope.isEmpty ? node.operation.name : "\(node.scope): \(node.operation.name)"
    let site = Site(
      node: node, index: index,
      reads: node.inputs + fusion.absorbed(by: index).flatMap { program.graph.nodes[$0].inputs })
    try operation.lower(site, self)
    for input in site.reads { pendingUses[input] -= 1 }
    if index < program.forwardNodeCount { forwardStepCount = steps.count }
  }

  /// Places the slots of the leaf in the order of the canonical layout, so that a leaf of plain slots
  /// is canonical.
  private func placeLeaves() {
    for (slot, memory) in zip(program.leafLayout.slots, leafMemory) {
      let offset = sizes[.leaf, default: RegionSize()].place(
        memory?.buffer.byteCount ?? slot.count * 4)
      memory?.buffer.offset = offset
    }
  }

  /// The node that is being lowered.
  struct Site {
    let node: Graph.Node
    let index: Int
    /// Everything that is read here, by the nodes that were fused into this one too.
    let reads: [Graph.ValueID]
    var inputs: [Graph.ValueID] { node.inputs }
    var outputs: [Graph.ValueID] { node.outputs }
  }

  private(set) var scalarMemory: [Memory] = []
  private(set) var outputMemory: [Memory] = []

  // MARK: What a forward node leaves for its gradient

  private var workspaces: [Int: Memory] = [:]

  /// The opaque memory that a forward node writes and its gradient reads.
  func workspace(of node: Int, _ descriptor: MemoryDescriptor) -> Memory {
    if let memory = workspaces[node] { return memory }
    let memory = Memory(buffer: activation(descriptor.byteCount), descriptor: descriptor)
    workspaces[node] = memory
    return memory
  }

  private var forward: [Int: Primitive] = [:]

  /// Keeps a forward node's primitive as the hint of its gradient.
  func keep(_ primitive: Primitive, of node: Int) { forward[node] = primitive }
  /// The primitive of a forward node that was kept.
  func primitive(of node: Int) -> Primitive? { forward[node] }

  // MARK: Buffers

  /// Working memory that lives during the next step alone.
  func scratch(_ bytes: Int) -> Memory {
    Memory(buffer: activation(bytes), descriptor: scratchDescriptor)
  }
  private lazy var scratchDescriptor: MemoryDescriptor = {
    // A descriptor for memory that only kernels of our own touch.
    // swift-format-ignore: NeverUseForceTry
    try! .plain([1])  // one dimension of one value is always valid
  }()

  func activation(_ bytes: Int) -> Buffer {
    let buffer = Buffer(.activations, byteCount: max(bytes, 64))
    activations.append(buffer)
    return buffer
  }

  func region(_ region: Region, _ bytes: Int) -> Buffer {
    Buffer(
      region, byteCount: bytes, offset: sizes[region, default: RegionSize()].place(max(bytes, 4)))
  }

  // MARK: Steps

  /// Appends a primitive with its arguments; its scratchpad is added.
  func emit(_ primitive: Primitive, _ arguments: [(Int32, Memory)]) {
    var arguments = arguments.map { (argument: $0.0, memory: $0.1) }
    if let scratchpad = primitive.scratchpad {
      arguments.append(
        (
          DNNL_ARG_SCRATCHPAD,
          Memory(buffer: activation(scratchpad.byteCount), descriptor: scratchpad)
        ))
    }
    emit(PlanStep(label: label, action: .primitive(primitive, arguments)))
  }

  /// The same, with a second primitive on the same arguments that adds to what lies there, for runs
  /// that accumulate.
  func emit(_ primitive: Primitive, adding: Primitive, _ arguments: [(Int32, Memory)]) {
    var arguments = arguments.map { (argument: $0.0, memory: $0.1) }
    let scratchpads = [primitive, adding].compactMap(\.scratchpad)
    if let largest = scratchpads.max(by: { $0.byteCount < $1.byteCount }) {
      arguments.append(
        (
          DNNL_ARG_SCRATCHPAD,
          Memory(buffer: activation(largest.byteCount), descriptor: largest)
        ))
    }
    emit(PlanStep(label: label, action: .accumulating(primitive, adding, arguments)))
  }

  /// Appends a kernel of our own, or the call of a library's function by name, over the memories
  /// given.
  func emit(
    _ memories: [Memory], calling function: String? = nil,
    _ bind: @escaping ([UnsafeMutableRawPointer]) -> Kernel
  ) {
    emit(PlanStep(label: label, action: .kernel(memories, bind), implementation: function))
  }

  /// Ends a segment of the schedule: what lies in `memory` is folded over all shards here, and every
  /// lane goes on with the result in its place.
  func synchronize(_ memory: Memory) { synchronizations.append((steps.count, memory)) }

  func emit(_ step: PlanStep) {
    for memory in step.memories { memory.buffer.use(at: steps.count) }
    steps.append(step)
  }

  func reorder(from source: Memory, to destination: Memory) throws -> PlanStep {
    let primitive = try Primitive.reorder(
      from: source.descriptor, to: destination.descriptor)
    var arguments = [(argument: DNNL_ARG_FROM, memory: source), (DNNL_ARG_TO, destination)]
    if let scratchpad = primitive.scratchpad {
      // Packing steps run outside the schedule: their scratchpads never share memory with it.
      let buffer =
        destination.buffer.region == .packed
        ? region(.packed, scratchpad.byteCount) : activation(scratchpad.byteCount)
      arguments.append((DNNL_ARG_SCRATCHPAD, Memory(buffer: buffer, descriptor: scratchpad)))
    }
    return PlanStep(label: "\(label): reorder", action: .primitive(primitive, arguments))
  }

  /// Appends a copy between two memories of equal shape.
  func copy(from source: Memory, to destination: Memory) throws {
    emit(try reorder(from: source, to: destination))
  }

  // MARK: Results

  /// Fills the slots of the leaf that no operation wrote directly.
  private func finishLeaf() throws {
    for (slot, source) in program.leaves.enumerated() {
      guard let source, leafMemory[slot] == nil, !omittedSlots.contains(slot) else { continue }
      let type = type(source.value)
      let destination = Memory(
        buffer: Buffer(.leaf, byteCount: type.count * 4), descriptor: try .plain(type))
      leafMemory[slot] = destination
      let from = try plain(source.value)
      if source.scale == 1 {
        try copy(from: from, to: destination)
      } else {
        let scale = isa.kernels.pointee.scale!
        emit([from, destination]) { addresses in
          let (x, y) = (addresses[0].floats, addresses[1].floats)
          return { _ in scale(y, x, source.scale, type.count) }
        }
      }
    }
  }

  /// Copies scalars and outputs to memory that keeps its place.
  private func readOut() throws {
    func export(_ tensor: Tensor, _ descriptor: MemoryDescriptor) throws -> Memory {
      let destination = Memory(
        buffer: region(.ports, descriptor.byteCount), descriptor: descriptor)
      try copy(from: try memory(tensor.id, as: descriptor), to: destination)
      return destination
    }
    scalarMemory = try program.scalars.map { try export($0, scalars()) }
    outputMemory = try program.outputs.map { try export($0, .plain($0.type)) }
  }
}

/// An operation that can be run: it knows the primitives and kernels it consists of.
protocol Lowerable {
  /// Emits the steps that compute the results of `site` from its inputs.
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws
}

extension Program {
  /// The inputs in the order in which the graph met them.
  fileprivate var inputs: [(String, TensorType, Graph.ValueID)] {
    graph.leaves.compactMap { id, leaf in
      if case .input(let name) = leaf { (name, graph.values[id].type, id) } else { nil }
    }
  }
}

extension UnsafeMutableRawPointer {
  var floats: UnsafeMutablePointer<Float> { assumingMemoryBound(to: Float.self) }
  var doubles: UnsafeMutablePointer<Double> { assumingMemoryBound(to: Double.self) }
  var integers: UnsafeMutablePointer<Int32> { assumingMemoryBound(to: Int32.self) }
  /// The bits of bfloat16 numbers.
  var halves: UnsafeMutablePointer<UInt16> { assumingMemoryBound(to: UInt16.self) }
}
