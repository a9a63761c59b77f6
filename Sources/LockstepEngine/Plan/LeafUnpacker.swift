internal import COneDNN

/// Converts a packed leaf, or a sum of such leaves, to the canonical layout.
package final class LeafUnpacker {
  private let schedule: BoundSchedule
  /// The slots' values in the canonical arena.
  private let slots: [UnsafeMutableBufferPointer<Float>]
  /// The steps that convert each slot; none for a slot of zeros.
  private let parts: [Range<Int>]
  private let stream: OneDNNStream

  init(
    _ plan: Plan, from leaf: UnsafeMutablePointer<Float>, to canonical: UnsafeMutablePointer<Float>
  ) throws {
    var steps: [PlanStep] = []
    var parts: [Range<Int>] = []
    slots = plan.program.leafLayout.slots.map {
      .init(start: canonical + $0.offset, count: $0.count)
    }
    for (slot, memory) in zip(plan.program.leafLayout.slots, plan.leafMemory) {
      guard let memory else {
        parts.append(steps.count..<steps.count)
        continue
      }
      // As the descriptor has it: a grouped convolution's weight has one dimension more.
      let shape = memory.descriptor.shape
      let destination = Memory(
        buffer: Buffer(.parameters, byteCount: slot.count * 4, offset: slot.offset * 4),
        descriptor: try .plain(shape))
      let primitive = try Primitive.reorder(from: memory.descriptor, to: destination.descriptor)
      steps.append(
        PlanStep(
          label: slot.name,
          action: .primitive(primitive, [(DNNL_ARG_FROM, memory), (DNNL_ARG_TO, destination)])))
      parts.append(steps.count - 1..<steps.count)
    }
    schedule = try BoundSchedule(
      steps, addresses: [.leaf: .init(leaf), .sum: .init(leaf), .parameters: .init(canonical)])
    self.parts = parts
    stream = try OneDNNStream()
  }

  /// Writes all slots of the canonical arena.
  public func run() throws {
    for slot in slots.indices { try run(slot: slot) }
  }

  /// Writes one slot of the canonical arena.
  public func run(slot: Int) throws {
    if parts[slot].isEmpty {
      slots[slot].update(repeating: 0)
    } else {
      try schedule.run(parts[slot], RunContext(), stream)
    }
  }
}

extension Plan {
  /// Prepares the conversion of packed leaves, or sums of them, to canonical ones.
  package func makeUnpacker(
    from leaf: UnsafeMutablePointer<Float>, to canonical: UnsafeMutablePointer<Float>
  ) throws -> LeafUnpacker {
    try LeafUnpacker(self, from: leaf, to: canonical)
  }
}
