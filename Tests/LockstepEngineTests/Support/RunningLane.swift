import LockstepEngine
import Testing

/// A lane whose inputs, parameters and direction hold the values given, and the memory it reads.
func lane(
  running program: Program, _ leaves: ReferenceEvaluator.Leaves, isa: InstructionSet = .detected,
  options: PlanOptions = PlanOptions()
) throws -> (Lane, [Arena<Float>]) {
  func arena(
    _ layout: FlatLayout, _ values: [String: HostTensor], default number: Double? = nil
  ) throws -> Arena<Float> {
    let arena = Arena<Float>(count: layout.count)
    for slot in layout.slots {
      let values = try #require(
        values[slot.name] ?? number.map { HostTensor(slot.shape, repeating: $0) })
      for (offset, value) in zip(slot.range, values.values) { arena.buffer[offset] = Float(value) }
    }
    return arena
  }
  let parameters = try arena(program.parameterLayout, leaves.parameters)
  let statistics = try arena(program.statisticLayout, leaves.statistics)
  let vector = try arena(program.parameterLayout, leaves.vectors, default: 0)
  let plan = try Plan(
    program, parameters: parameters.buffer, statistics: statistics.buffer, isa: isa,
    options: options, vector: vector.buffer)
  try plan.packParameters()
  try plan.packVector()
  let lane = try Lane(plan)
  let integers = Set(
    program.graph.leaves.compactMap { id, leaf in
      if case .input(let name) = leaf, program.graph.values[id].type.scalar == .int32 {
        name
      } else {
        nil
      }
    })
  for (name, value) in leaves.inputs {
    guard let bytes = lane.input(name) else { continue }
    for (index, number) in value.values.enumerated() {
      if integers.contains(name) {
        bytes.bindMemory(to: Int32.self)[index] = Int32(number)
      } else {
        bytes.bindMemory(to: Float.self)[index] = Float(number)
      }
    }
  }
  return (lane, [parameters, statistics, vector])
}
