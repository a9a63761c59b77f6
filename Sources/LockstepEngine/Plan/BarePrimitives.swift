/// The primitives of a plan by themselves, each on memory of its own: what the kernels allow,
/// without conversions, without what is left to our own kernels, and without neighbours.
package final class BarePrimitives {
  /// The layer and the operation of each, in the plan's order.
  package let labels: [String]
  private let schedules: [BoundSchedule]
  private let arenas: [Arena<UInt8>]
  private let stream: OneDNNStream

  /// Takes the primitives that compute; copies between layouts are left out.
  package init(_ plan: Plan) throws {
    var labels: [String] = []
    var schedules: [BoundSchedule] = []
    var arenas: [Arena<UInt8>] = []
    for step in plan.steps
    where step.implementation != "kernel" && !step.label.hasSuffix(": reorder") {
      var size = RegionSize()
      func own(_ memory: Memory) -> Memory {
        // Scratch has a buffer alone, and no shape.
        let bytes = max(memory.descriptor.byteCount, memory.buffer.byteCount)
        return Memory(
          buffer: Buffer(.activations, byteCount: bytes, offset: size.place(bytes)),
          descriptor: memory.descriptor)
      }
      let action: PlanStep.Action =
        switch step.action {
        case .primitive(let primitive, let arguments):
          .primitive(primitive, arguments.map { ($0.argument, own($0.memory)) })
        case .accumulating(let primitive, _, let arguments):
          .primitive(primitive, arguments.map { ($0.argument, own($0.memory)) })
        case .kernel(let memories, let bind): .kernel(memories.map(own), bind)
        }
      let arena = Arena<UInt8>(count: size.byteCount)
      schedules.append(
        try BoundSchedule(
          [PlanStep(label: step.label, action: action)],
          addresses: [.activations: .init(arena.base)]))
      labels.append(step.label)
      arenas.append(arena)
    }
    self.labels = labels
    self.schedules = schedules
    self.arenas = arenas
    stream = try OneDNNStream()
  }

  /// Runs one primitive.
  public func run(_ index: Int) throws { try schedules[index].run(RunContext(), stream) }
}
