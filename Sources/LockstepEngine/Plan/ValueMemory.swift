internal import CLockstepKernels
internal import COneDNN

// Where the values of a graph lie, in which layouts.

extension PlanBuilder {
  /// A value's type.
  func type(_ value: Graph.ValueID) -> TensorType { graph.values[value].type }

  /// A value in the layout it was computed in.
  func memory(_ value: Graph.ValueID) throws -> Memory {
    if let memory = placements[value]?.first { return memory }
    guard let leaf = leafOfValue[value] else {
      throw GraphError("internal: value \(value) is used before it is computed")
    }
    let type = type(value)
    let memory: Memory
    switch leaf {
    case .input(let name):
      throw GraphError("internal: input '\(name)' has no memory")
    case .parameter(let index), .vector(let index):
      let region: Region = if case .vector = leaf { .vector } else { .parameters }
      let slot = program.parameterLayout.slots[program.parameterSlots[index]]
      memory = Memory(
        buffer: Buffer(region, byteCount: slot.count * 4, offset: slot.offset * 4),
        descriptor: try .plain(type))
    case .statistic(let index):
      let slot = program.statisticLayout.slots[index]
      memory = Memory(
        buffer: Buffer(.statistics, byteCount: slot.count * 4, offset: slot.offset * 4),
        descriptor: try .plain(type))
    case .constant(let number):
      let buffer = region(.constants, type.count * 4)
      constants.append((buffer.offset, Array(repeating: number, count: type.count)))
      memory = Memory(buffer: buffer, descriptor: try .plain(type))
    case .table(let values):
      let buffer = region(.constants, values.count * 4)
      constants.append((buffer.offset, values))
      memory = Memory(buffer: buffer, descriptor: try .plain(type))
    }
    place(value, memory)
    return memory
  }

  /// A value in row-major layout, Float32 or Int32.
  func plain(_ value: Graph.ValueID) throws -> Memory {
    try memory(value, as: .plain(type(value)))
  }

  /// A value in row-major layout, of a given type.
  func plain(_ value: Graph.ValueID, _ storage: StorageType) throws -> Memory {
    try memory(value, as: .plain(type(value).shape, storage))
  }

  /// The type that a value was computed in.
  func storage(_ value: Graph.ValueID) throws -> StorageType {
    try memory(value).descriptor.storage ?? StorageType(type(value).scalar)
  }

  /// A value in row-major layout, of the type that it was computed in.
  func plainAsComputed(_ value: Graph.ValueID) throws -> Memory {
    try plain(value, storage(value))
  }

  /// The type of what products multiply.
  var factor: StorageType { options.precision.storage }

  /// A value in a given layout: converted where it is not there yet. Parameters are converted when
  /// they change, not in the schedule.
  func memory(_ value: Graph.ValueID, as descriptor: MemoryDescriptor) throws -> Memory {
    let first = try memory(value)
    if let there = placements[value]!.first(where: { $0.descriptor == descriptor }) {
      return there
    }
    if let twin = placements[value]!.first(where: { $0.descriptor.meansSameBytes(as: descriptor) })
    {
      let view = Memory(
        buffer: twin.buffer, descriptor: descriptor, byteOffset: twin.byteOffset)
      place(value, view)
      return view
    }
    guard first.descriptor.rank == descriptor.rank || type(value).shape.isEmpty else {
      // A grouped convolution's weight gradient has its groups as a dimension of their own: the
      // row-major layout is the common one.
      let storage = first.descriptor.storage ?? .float32
      let plain = try converted(
        value, from: first, to: .plain(first.descriptor.shape, storage))
      let view = Memory(
        buffer: plain.buffer, descriptor: try .plain(type(value).shape, storage))
      place(value, view)
      return view.descriptor == descriptor
        ? view : try converted(value, from: view, to: descriptor)
    }
    return try converted(value, from: first, to: descriptor)
  }

  /// A value in a form that a kernel of our own makes of it: `count` floats from its row-major values. Parameters
  /// are taken when they change, not in the schedule.
  func turned(
    _ value: Graph.ValueID, _ count: Int, calling name: String,
    _ kernel: @escaping (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Memory {
    let source = try plain(value)
    let buffer = isPacked(value) ? region(.packed, count * 4) : activation(count * 4)
    let turned = Memory(buffer: buffer, descriptor: try .plain([count]))
    let step = PlanStep(
      label: "\(label): packing",
      action: .kernel([turned, source]) {
        let (turned, source) = ($0[0].floats, $0[1].floats)
        return { _ in kernel(turned, source) }
      })
    append(step, of: value)
    return turned
  }

  /// Whether a value's conversions are no part of the schedule.
  private func isPacked(_ value: Graph.ValueID) -> Bool {
    switch leafOfValue[value] {
    case .parameter, .vector: true
    default: false
    }
  }

  /// Appends a value's conversion to the steps that run when parameters change, or vectors, or to the schedule.
  private func append(_ conversion: PlanStep, of value: Graph.ValueID) {
    switch leafOfValue[value] {
    case .parameter: packing.append(conversion)
    case .vector: vectorPacking.append(conversion)
    default: emit(conversion)
    }
  }

  private func converted(
    _ value: Graph.ValueID, from source: Memory, to descriptor: MemoryDescriptor
  ) throws -> Memory {
    let buffer =
      isPacked(value)
      ? region(.packed, descriptor.byteCount) : activation(descriptor.byteCount)
    let copy = Memory(buffer: buffer, descriptor: descriptor)
    let kernel = isPacked(value) ? try packed(from: source, to: copy) : nil
    append(try kernel ?? reorder(from: source, to: copy), of: value)
    place(value, copy)
    return copy
  }

  /// The conversion of a row-major matrix to panels by our own kernel, several times as fast as the
  /// primitive where rows are a power of two apart; nil for other layouts.
  private func packed(from source: Memory, to destination: Memory) throws -> PlanStep? {
    let shape = source.descriptor.shape
    guard shape.count == 2, let panels = destination.descriptor.panels,
      try source.descriptor == .plain(shape)
    else { return nil }
    let kernels = isa.kernels.pointee
    let isRounded = destination.descriptor.storage == .bfloat16
    return PlanStep(
      label: "\(label): packing",
      action: .kernel([source, destination]) { addresses in
        let from = addresses[0].floats
        if isRounded {
          let (to, pack) = (addresses[1].halves, kernels.pack_bf16_panels!)
          return { _ in pack(to, from, shape[0], shape[1], panels.width, panels.stride) }
        }
        let (to, pack) = (addresses[1].floats, kernels.pack_panels!)
        return { _ in pack(to, from, shape[0], shape[1], panels.width, panels.stride) }
      })
  }

  /// A value under another shape of the same row-major values, in a given layout.
  func memory(
    _ value: Graph.ValueID, as descriptor: MemoryDescriptor, shape: [Int]
  ) throws -> Memory {
    guard shape != type(value).shape else { return try memory(value, as: descriptor) }
    if let there = placements[value]?.first(where: { $0.descriptor == descriptor }) {
      return there
    }
    let flat = try plain(value)
    let view = Memory(
      buffer: flat.buffer, descriptor: try .plain(shape), byteOffset: flat.byteOffset)
    guard view.descriptor != descriptor else { return view }
    return try converted(value, from: view, to: descriptor)
  }

  /// Memory for a result. A gradient that is wanted goes straight to the leaf. `reusing` names an
  /// input whose memory may be overwritten if nothing reads it later.
  /// `accumulating` says that the step can add the result to what lies there; it must, in a run
  /// that accumulates, if the memory's region is the sum's.
  func define(
    _ value: Graph.ValueID, _ descriptor: MemoryDescriptor, reusing input: Graph.ValueID? = nil,
    in site: Site? = nil, accumulating: Bool = false
  ) -> Memory {
    if let slot = slotOfGradient[value], leafMemory[slot] == nil, descriptor.storage == .float32 {
      // What is read again later, by other nodes or slots, must be this shard's own.
      let region = accumulating && pendingUses[value] == 1 ? Region.sum : .leaf
      let memory = Memory(
        buffer: Buffer(region, byteCount: descriptor.byteCount), descriptor: descriptor)
      leafMemory[slot] = memory
      place(value, memory)
      return memory
    }
    if let input, let site, let old = placements[input]?.first, old.descriptor == descriptor,
      old.byteOffset == 0, old.buffer.region == .activations, isLastUse(of: old.buffer, in: site)
    {
      let memory = Memory(buffer: old.buffer, descriptor: descriptor)
      place(value, memory)
      return memory
    }
    let memory = Memory(buffer: activation(descriptor.byteCount), descriptor: descriptor)
    place(value, memory)
    return memory
  }

  /// Lets a value share the memory of another: the same bytes under another shape.
  func alias(_ value: Graph.ValueID, to memory: Memory) { place(value, memory) }

  func place(_ value: Graph.ValueID, _ memory: Memory) {
    placements[value, default: []].append(memory)
    memory.buffer.values.append(value)
  }

  /// Whether no node behind `site`, and no read-out, reads what lies in `buffer`.
  private func isLastUse(of buffer: Buffer, in site: Site) -> Bool {
    buffer.values.allSatisfy { value in
      pendingUses[value] == site.reads.count { $0 == value }
    }
  }

  /// How often a value is still to be read.
  func useCount(of value: Graph.ValueID) -> Int { pendingUses[value] }
  /// How many slots of the leaf a value fills.
  func slotCount(of value: Graph.ValueID) -> Int {
    program.leaves.count { $0?.value == value }
  }
  /// How often a scalar is read out.
  func readOutCount(of value: Graph.ValueID) -> Int { program.scalars.count { $0.id == value } }
}
