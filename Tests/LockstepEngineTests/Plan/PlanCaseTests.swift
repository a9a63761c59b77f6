import LockstepEngine
import LockstepTestSupport
import Testing

/// Every operation case through the planned Float32 schedule, against PyTorch's float64 values.
@Suite struct PlanCaseTests {
  @Test("plan = PyTorch", arguments: OperationCase.all)
  func agrees(_ reference: OperationCase) throws {
    let traced = try reference.trace()
    var wanted: [(name: String, tensor: Tensor, expected: HostTensor)] = []
    for (index, output) in traced.outputs.enumerated()
    where output.type.scalar == .float32 && index < reference.outputs.count {
      wanted.append(("output \(index)", output, reference.outputs[index]))
    }
    for (index, gradient) in traced.gradients.enumerated() {
      guard let gradient, let expected = reference.gradients[index] else { continue }
      wanted.append(("gradient \(index)", gradient, expected))
    }
    let program = try Program(
      evaluating: traced.graph, scalars: [], outputs: wanted.map(\.tensor))
    let (lane, weights) = try planned(program, traced.leaves)
    defer { withExtendedLifetime(weights) {} }
    let context = RunContext(
      seed: reference.context.seed, step: reference.context.step,
      firstExample: reference.context.firstExample)
    // The second run finds memory as the first one left it.
    for _ in 0..<2 {
      try lane.run(context)
      for (index, (name, _, expected)) in wanted.enumerated() {
        let found = lane.output(index)
        #expect(found.count == expected.values.count)
        let scale = expected.values.reduce(0) { max($0, abs($1)) }
        for (element, (a, b)) in zip(found, expected.values).enumerated() {
          let close = abs(Double(a) - b) <= 1e-5 * max(abs(b), scale, 1e-3)
          #expect(close, "\(name)[\(element)]: \(a), expected \(b)")
          if !close { return }
        }
      }
    }
  }

  /// A lane whose inputs and parameters hold the values given, and the memory that it reads.
  private func planned(
    _ program: Program, _ leaves: ReferenceEvaluator.Leaves
  ) throws -> (Lane, [Arena<Float>]) {
    let parameters = Arena<Float>(count: program.parameterLayout.count)
    for slot in program.parameterLayout.slots {
      let values = try #require(leaves.parameters[slot.name]).values
      for (offset, value) in zip(slot.range, values) { parameters.buffer[offset] = Float(value) }
    }
    let statistics = Arena<Float>(count: program.statisticLayout.count)
    let plan = try Plan(
      program, parameters: parameters.buffer, statistics: statistics.buffer, isa: .detected)
    try plan.packParameters()
    let lane = try Lane(plan)
    for (name, value) in leaves.inputs {
      guard let bytes = lane.input(name) else { continue }
      let isInteger = program.graph.leaves.contains { id, leaf in
        if case .input(name) = leaf {
          program.graph.values[id].type.scalar == .int32
        } else {
          false
        }
      }
      for (index, number) in value.values.enumerated() {
        if isInteger {
          bytes.bindMemory(to: Int32.self)[index] = Int32(number)
        } else {
          bytes.bindMemory(to: Float.self)[index] = Float(number)
        }
      }
    }
    return (lane, [parameters, statistics])
  }
}
