import LockstepEngine
import LockstepLayers
import Testing

@Suite struct ParameterRolesTests {
  private func roles(
    _ model: any Model, _ shape: [Int], _ type: ScalarType = .float32
  ) throws -> [String: ParameterRole] {
    let trace = try trace(
      model, inputShape: shape, batchCount: 2, training: true, scalar: type)
    let roles = trace.graph.parameterRoles(before: [trace.output])
    return Dictionary(uniqueKeysWithValues: zip(trace.graph.parameters.map(\.name), roles))
  }

  @Test func aPerceptronsLastLayerIsItsOutput() throws {
    let layers: [any Layer] = [Linear(4, 8), ReLU(), Linear(8, 8), ReLU(), Linear(8, 3)]
    let found = try roles(Sequential(layers), [4])
    let expected: [String: ParameterRole] = [
      "0.weight": .kernel, "0.bias": .other, "2.weight": .kernel, "2.bias": .other,
      "4.weight": .output, "4.bias": .other,
    ]
    #expect(found == expected)
  }

  /// The row of padding is held, but where others see it too.
  @Test func paddingIsHeld() throws {
    let embedding = Embedding(9, 4, paddingIndex: 2)
    #expect(try roles(embedding, [6], .int32).values.map { $0 } == [.table(heldRow: 2)])
    #expect(try roles(Embedding(9, 4), [6], .int32).values.map { $0 } == [.table()])
  }

  /// Tables that are looked up or added are no kernels, and neither is one that the output layer shares.
  @Test func aTransformersTablesAreNoKernels() throws {
    let found = try roles(
      GPT(vocabulary: 11, context: 6, width: 8, layers: 2, heads: 2), [6], .int32)
    let kernels = found.filter { $0.value == .kernel }.map(\.key)
    #expect(kernels.count == 8)
    #expect(kernels.allSatisfy { $0.contains("attn.c_") || $0.contains("mlp.c_") })
    #expect(found.filter { $0.value == .table() }.count == 1)
    #expect(found.values.allSatisfy { $0 != .output })
  }
}
