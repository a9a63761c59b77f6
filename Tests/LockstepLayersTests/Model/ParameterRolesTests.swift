import LockstepEngine
import LockstepLayers
import Testing

@Suite struct ParameterRolesTests {
  private func roles(
    _ model: any Model, _ shape: [Int], _ type: ScalarType = .float32
  ) throws -> [String: ParameterRole] {
    let trace = try trace(
      SingleInputModel(model), inputs: [TracedInput("input", shape, type)], batchCount: 2,
      training: true)
    let roles = trace.graph.parameterRoles(before: trace.outputs)
    return Dictionary(
      uniqueKeysWithValues: zip(trace.graph.parameters.map(\.name), roles))
  }

  @Test func aPerceptronsLastLayerIsItsOutput() throws {
    let found = try roles(
      Sequential([Linear(4, 8), ReLU(), Linear(8, 8), ReLU(), Linear(8, 3)]), [4])
    #expect(
      found == [
        "0.weight": .kernel, "0.bias": .other, "2.weight": .kernel, "2.bias": .other,
        "4.weight": .output, "4.bias": .other,
      ])
  }
}
