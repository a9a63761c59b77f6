import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepTestSupport
import Testing

/// Layers for sequences with PyTorch's weights, against PyTorch.
@Suite struct SequenceModelTests {
  private let file: ReferenceFile
  init() throws {
    file = try ReferenceFile("LockstepTestSupport/Data/sequence-models.safetensors")
  }

  /// A model, and Σ output · cotangent with its gradients.
  private struct Differentiated {
    let name: String
    let trace: Trace
    let gradients: [(name: String, tensor: Tensor)]
    var leaves: ReferenceEvaluator.Leaves
  }

  private func differentiated(_ index: Int) throws -> Differentiated {
    let (name, model) = CalledModel.references[index]
    let input = try file.tensor("\(name)/input")
    let isText = try file.find("\(name)/gradient/input") == nil
    let trace = try trace(
      model, inputShape: Array(input.shape.dropFirst()), batchCount: input.shape[0],
      training: true, scalar: isText ? .int32 : .float32)
    var leaves = ReferenceEvaluator.Leaves(inputs: ["input": input])
    for other in ["lengths", "key"] { leaves.inputs[other] = try file.find("\(name)/\(other)") }
    for parameter in trace.graph.parameters {
      leaves.parameters[parameter.name] = try file.tensor("\(name)/state/\(parameter.name)")
    }
    let cotangent = try file.tensor("\(name)/cotangent")
    leaves.inputs["cotangent"] = cotangent
    let objective = (trace.output * trace.graph.input("cotangent", cotangent.shape)).sum()
    let names = trace.graph.parameters.map(\.name) + (isText ? [] : ["input"])
    let wanted =
      trace.graph.parameters.map { trace.graph.parameter($0) } + (isText ? [] : [trace.input])
    let gradients = trace.graph.gradients(of: objective, by: wanted)
    try trace.graph.check()
    return Differentiated(
      name: name, trace: trace,
      gradients: try zip(names, gradients).map { ($0, try #require($1)) }, leaves: leaves)
  }

  @Test(
    "names, order and shapes are those of PyTorch's state",
    arguments: CalledModel.references.indices)
  func names(_ index: Int) throws {
    let case_ = try differentiated(index)
    let description = try #require(file.descriptions.first { $0.text("name") == case_.name })
    let parameters = case_.trace.graph.parameters
    #expect(parameters.map(\.name) == description.texts("parameters"))
    for parameter in parameters {
      let state = try file.tensor("\(case_.name)/state/\(parameter.name)")
      #expect(parameter.shape == state.shape, "\(parameter.name)")
    }
  }

  @Test("output and gradients", arguments: CalledModel.references.indices)
  func values(_ index: Int) throws {
    let case_ = try differentiated(index)
    let evaluator = ReferenceEvaluator(case_.trace.graph)
    let output = try evaluator.evaluate([case_.trace.output], case_.leaves)[0]
    #expect(deviation(output, from: try file.tensor("\(case_.name)/output")) < 1e-10)
    let results = try evaluator.evaluate(case_.gradients.map(\.tensor), case_.leaves)
    for ((name, _), actual) in zip(case_.gradients, results) {
      let expected = try file.tensor("\(case_.name)/gradient/\(name)")
      // What adds to all scores of a query has no gradient but roundings.
      let scale = expected.values.reduce(0) { max($0, abs($1)) }
      let apart = deviation(actual, from: expected) * min(1, scale / 1e-6)
      #expect(apart < 1e-9, "\(name)")
    }
  }

  @Test("a planned step of SGD in Float32", arguments: CalledModel.references.indices)
  func step(_ index: Int) throws {
    let case_ = try differentiated(index)
    let program = try Program(
      evaluating: case_.trace.graph, scalars: [],
      outputs: [case_.trace.output] + case_.gradients.map(\.tensor))
    let lane = try PlannedModel(program, case_.leaves)
    try lane.run()
    let output = try file.tensor("\(case_.name)/output")
    expectClose(lane.output(0), output, "output")
    for (index, (name, _)) in case_.gradients.enumerated() {
      let gradient = lane.output(index + 1)
      if name == "input" {
        expectClose(gradient, try file.tensor("\(case_.name)/gradient/input"), name)
      } else {
        let before = try file.tensor("\(case_.name)/state/\(name)").values
        let after = zip(before, gradient).map { Float($0) - 0.05 * $1 }
        expectClose(after, try file.tensor("\(case_.name)/after/\(name)"), name)
      }
    }
  }

  private func expectClose(_ found: [Float], _ expected: HostTensor, _ name: String) {
    #expect(found.count == expected.values.count)
    let scale = expected.values.reduce(1) { max($0, abs($1)) }
    let worst = zip(found, expected.values).reduce(0.0) { max($0, abs(Double($1.0) - $1.1)) }
    #expect(worst <= 1e-5 * scale, "\(name)")
  }

  @Test("all cases of the file are tested")
  func all() {
    let names = CalledModel.references.map(\.name)
    #expect(file.descriptions.compactMap { $0.text("name") } == names)
  }
}

/// A lane whose inputs and parameters hold the values given.
private struct PlannedModel {
  private let lane: Lane
  private let memory: [Arena<Float>]

  init(_ program: Program, _ leaves: ReferenceEvaluator.Leaves) throws {
    let parameters = Arena<Float>(count: program.parameterLayout.count)
    for slot in program.parameterLayout.slots {
      let values = try #require(leaves.parameters[slot.name]).values
      for (offset, value) in zip(slot.range, values) { parameters.buffer[offset] = Float(value) }
    }
    let statistics = Arena<Float>(count: program.statisticLayout.count)
    let plan = try Plan(
      program, parameters: parameters.buffer, statistics: statistics.buffer, isa: .detected)
    try plan.packParameters()
    lane = try Lane(plan)
    memory = [parameters, statistics]
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

  func run() throws { try withExtendedLifetime(memory) { try lane.run(RunContext()) } }
  func output(_ index: Int) -> [Float] { Array(lane.output(index)) }
}
