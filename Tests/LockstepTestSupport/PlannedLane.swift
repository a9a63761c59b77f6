import LockstepEngine

/// A lane of a program whose inputs, parameters and direction hold given values, and the memory it reads.
package struct PlannedLane {
  package let lane: Lane
  private let memory: [Arena<Float>]

  /// Plans a program. Values that are missing are 0.
  package init(
    _ program: Program, _ leaves: ReferenceEvaluator.Leaves, isa: InstructionSet = .detected,
    options: PlanOptions = PlanOptions()
  ) throws {
    func arena(_ layout: FlatLayout, _ values: [String: HostTensor]) -> Arena<Float> {
      let arena = Arena<Float>(count: layout.count)
      arena.buffer.update(repeating: 0)
      for slot in layout.slots {
        for (offset, value) in zip(slot.range, values[slot.name]?.values ?? []) {
          arena.buffer[offset] = Float(value)
        }
      }
      return arena
    }
    let parameters = arena(program.parameterLayout, leaves.parameters)
    let statistics = arena(program.statisticLayout, leaves.statistics)
    let vector = arena(program.parameterLayout, leaves.vectors)
    memory = [parameters, statistics, vector]
    let plan = try Plan(
      program, parameters: parameters.buffer, statistics: statistics.buffer, isa: isa,
      options: options, vector: vector.buffer)
    try plan.packParameters()
    try plan.packVector()
    lane = try Lane(plan)
    for (name, type) in program.graph.inputs {
      guard let bytes = lane.input(name), let value = leaves.inputs[name] else { continue }
      for (index, number) in value.values.enumerated() {
        if type.scalar == .int32 {
          bytes.bindMemory(to: Int32.self)[index] = Int32(number)
        } else {
          bytes.bindMemory(to: Float.self)[index] = Float(number)
        }
      }
    }
  }

  /// Runs the program and returns its outputs.
  package func run(_ context: RunContext = RunContext()) throws -> [[Float]] {
    try lane.run(context)
    return lane.plan.program.outputs.indices.map { Array(lane.output($0)) }
  }
}
