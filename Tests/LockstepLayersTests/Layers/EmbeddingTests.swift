import LockstepEngine
import LockstepLayers
import LockstepTestSupport
import Testing

/// Embeddings and what they are made of, rows by their indices.
@Suite struct EmbeddingTests {
  /// An embedding of the reference file's indices, as a graph.
  private func traced(
    _ file: ReferenceFile
  ) throws -> (Graph, output: Tensor, objective: Tensor, ReferenceEvaluator.Leaves) {
    let (indices, table) = (
      try file.tensor("embedding/indices"), try file.tensor("embedding/weight")
    )
    let cotangent = try file.tensor("embedding/cotangent")
    let trace = try trace(
      Embedding(table.shape[0], table.shape[1], paddingIndex: 2),
      inputShape: Array(indices.shape.dropFirst()), batchCount: indices.shape[0], training: true,
      scalar: .int32)
    let objective = (trace.output * trace.graph.input("cotangent", cotangent.shape)).sum()
    let leaves = ReferenceEvaluator.Leaves(
      inputs: ["input": indices, "cotangent": cotangent], parameters: ["weight": table])
    return (trace.graph, trace.output, objective, leaves)
  }

  @Test("vectors and their gradients are PyTorch's")
  func pyTorch() throws {
    let file = try ReferenceFile("LockstepTestSupport/Data/recurrent.safetensors")
    let (graph, output, objective, leaves) = try traced(file)
    #expect(graph.parameters.map(\.name) == ["weight"])
    let weight = graph.parameter(graph.parameters[0])
    let gradient = try require(graph.gradients(of: objective, by: [weight])[0])
    let expected = [try file.tensor("embedding/output"), try file.tensor("embedding/gradient")]
    let values = try ReferenceEvaluator(graph).evaluate([output, gradient], leaves)
    for (value, expected) in zip(values, expected) {
      #expect(deviation(value, from: expected) < 1e-14)
    }
    let program = try Program(evaluating: graph, scalars: [], outputs: [output, gradient])
    for isa in InstructionSet.allCases where isa <= .detected {
      let lane = try PlannedLane(program, leaves, isa: isa)
      for _ in 0..<2 {
        for (value, expected) in zip(try lane.run(), expected) {
          let tensor = HostTensor(expected.shape, value.map(Double.init))
          #expect(deviation(tensor, from: expected) < 1e-6)
        }
      }
    }
  }

  @Test("⟨c, J v⟩ = ⟨Jᵀ c, v⟩, padding left out of both")
  func tangent() throws {
    let file = try ReferenceFile("LockstepTestSupport/Data/recurrent.safetensors")
    var (graph, output, _, leaves) = try traced(file)
    let movement = try file.tensor("embedding/weight").map { $0 * $0 - 0.5 }
    leaves.inputs["movement"] = movement
    let direction = graph.input("movement", movement.shape)
    let tangent = try require(
      graph.tangents(
        of: [output], along: [(graph.parameter(graph.parameters[0]), direction)])[0])
    let moved = try ReferenceEvaluator(graph).evaluate([tangent], leaves)[0]
    let cotangent = try file.tensor("embedding/cotangent")
    let gradient = try file.tensor("embedding/gradient")
    let left = zip(moved.values, cotangent.values).reduce(0) { $0 + $1.0 * $1.1 }
    let right = zip(movement.values, gradient.values).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(left - right) < 1e-12)
    let program = try Program(evaluating: graph, scalars: [], outputs: [tangent])
    let found = try PlannedLane(program, leaves).run()[0]
    #expect(deviation(HostTensor(moved.shape, found.map(Double.init)), from: moved) < 1e-6)
  }

  @Test("an index outside of the table gives not-a-numbers, and touches nothing")
  func outside() throws {
    let trace = try trace(
      Embedding(3, 2), inputShape: [4], batchCount: 1, training: true, scalar: .int32)
    let weight = trace.graph.parameter(trace.graph.parameters[0])
    let gradient = try require(
      trace.graph.gradients(of: trace.output.sum(), by: [weight])[0])
    let program = try Program(
      evaluating: trace.graph, scalars: [], outputs: [trace.output, gradient])
    let leaves = ReferenceEvaluator.Leaves(
      inputs: ["input": HostTensor([1, 4], [0, 3, -1, 2_000_000_000])],
      parameters: ["weight": HostTensor([3, 2], [1, 2, 3, 4, 5, 6])])
    let found = try PlannedLane(program, leaves).run()
    #expect(found[0][..<2] == [1, 2])
    #expect(found[0][2...].allSatisfy { $0.isNaN })
    #expect(found[1] == [1, 1, 0, 0, 0, 0])
    #expect(trace.graph.indexBounds.map(\.input) == ["input"])
    #expect(trace.graph.indexBounds.map(\.count) == [3])
  }

  @Test("rows are gathered on any axis")
  func axes() throws {
    let x = HostTensor([2, 3, 2], (0..<12).map(Double.init))
    for axis in 0..<3 {
      let graph = Graph(batchCount: 2, training: false)
      let (table, indices) = (graph.input("x", x.shape), graph.input("i", [2, 2], .int32))
      let result = table.gathered(indices, axis: axis)
      let chosen = [1, 0, 0, x.shape[axis] - 1]
      let leaves = ReferenceEvaluator.Leaves(
        inputs: ["x": x, "i": HostTensor([2, 2], chosen.map(Double.init))])
      let value = try ReferenceEvaluator(graph).evaluate([result], leaves)[0]
      var shape = x.shape
      shape.replaceSubrange(axis..<axis + 1, with: [2, 2])
      #expect(value.shape == shape)
      // The value at an element of the result lies at the index that its place on the axes names.
      let inner = x.shape[(axis + 1)...].reduce(1, *)
      for (element, number) in value.values.enumerated() {
        let (outer, place) = (element / (4 * inner), element / inner % 4)
        let source = (outer * x.shape[axis] + chosen[place]) * inner + element % inner
        #expect(number == x.values[source])
      }
    }
  }

  @Test("the padding vector is zero at first, others are not")
  func initialValues() throws {
    let trace = try trace(
      Embedding(5, 4, paddingIndex: 3), inputShape: [2], batchCount: 1, training: true,
      scalar: .int32)
    let parameter = trace.graph.parameters[0]
    var values = [Float](repeating: .nan, count: 20)
    var random = SystemRandomNumberGenerator()
    var span = values.mutableSpan
    parameter.initializer.fill(&span, shape: parameter.shape, using: &random)
    #expect(values[12..<16].allSatisfy { $0 == 0 })
    #expect((values[..<12] + values[16...]).allSatisfy { $0 != 0 && $0.isFinite })
  }

  @Test("what does not fit is named")
  func errors() {
    func message(_ model: any Model, _ scalar: ScalarType) -> String? {
      do {
        _ = try trace(model, inputShape: [4], batchCount: 2, training: true, scalar: scalar)
        return nil
      } catch { return error.description }
    }
    #expect(message(Embedding(3, 2), .int32) == nil)
    #expect(message(Embedding(3, 2), .float32)?.contains("expects indices of Int32") == true)
    #expect(message(Embedding(0, 2), .int32)?.contains("must be positive") == true)
    #expect(
      message(Embedding(3, 2, paddingIndex: 3), .int32)?.contains("not in 0..<3") == true)
  }
}
