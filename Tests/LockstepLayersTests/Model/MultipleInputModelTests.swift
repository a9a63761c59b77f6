import LockstepEngine
import LockstepLayers
import Testing

@Suite struct MultipleInputModelTests {
  struct Two: MultipleInputModel {
    let left = Linear(2, 3)
    let right = Linear(4, 3)
    let head = Linear(3, 1)

    func callAsFunction(_ inputs: NamedTensors) -> NamedTensors {
      let hidden = left(inputs["a"]) + right(inputs["b"])
      return ["hidden": hidden, "score": head(hidden)]
    }
  }

  private func message(_ body: () throws(GraphError) -> Void) -> String {
    do throws(GraphError) { try body() } catch { return "\(error)" }
    return ""
  }

  private let inputs = [TracedInput("a", [2]), TracedInput("b", [4])]

  @Test("inputs and outputs have names, and parameters those of the properties")
  func names() throws {
    let trace = try trace(Two(), inputs: inputs, batchCount: 5, training: true)
    #expect(trace.inputs.names == ["a", "b"])
    #expect(trace.outputs.names == ["hidden", "score"])
    #expect(trace.outputs["score"].shape == [5, 1])
    #expect(trace.outputs["hidden"].shape == [5, 3])
    #expect(trace.input.id == trace.inputs["a"].id)
    #expect(
      trace.graph.parameters.map(\.name) == [
        "left.weight", "left.bias", "right.weight", "right.bias", "head.weight", "head.bias",
      ])
  }

  @Test("a simple model is one of an input and an output, with the same parameters")
  func simple() throws {
    let model = Linear(3)
    let simple = try trace(model, inputShape: [4], batchCount: 2, training: false)
    let wrapped = try trace(
      SingleInputModel(model), inputs: [TracedInput("tokens", [4])], batchCount: 2,
      training: false)
    #expect(simple.inputs.names == ["input"])
    #expect(wrapped.inputs.names == ["tokens"])
    #expect(wrapped.outputs.names == ["output"])
    #expect(simple.graph.parameters.map(\.name) == wrapped.graph.parameters.map(\.name))
  }

  @Test("categories become vectors behind the numbers, and an unknown one's vector is 0")
  func categories() throws {
    let model = SingleInputModel(
      Linear(3),
      categories: [
        .init("color", Embedding(4, 2, paddingIndex: 0)),
        .init("size", Embedding(3, 5, paddingIndex: 0)),
      ])
    let inputs = [
      TracedInput("input", [4]), TracedInput("color", [], .int32), TracedInput("size", [], .int32),
    ]
    let traced = try trace(model, inputs: inputs, batchCount: 2, training: true)
    #expect(
      Dictionary(uniqueKeysWithValues: traced.graph.parameters.map { ($0.name, $0.shape) }) == [
        "weight": [3, 11], "bias": [3], "embeddings.0.weight": [4, 2],
        "embeddings.1.weight": [3, 5],
      ])
    let alone = try trace(model, inputs: Array(inputs.dropFirst()), batchCount: 2, training: true)
    #expect(alone.graph.parameters.first { $0.name == "weight" }?.shape == [3, 7])
    let refused = message { () throws(GraphError) in
      _ = try trace(
        model, inputs: [TracedInput("input", [4, 4])] + inputs.dropFirst(), batchCount: 2,
        training: true)
    }
    #expect(refused.contains("categories stand beside numbers [N, F], and the input is [2, 4, 4]"))
  }

  @Test("what is missing or stands twice is named")
  func errors() {
    let missing = message { () throws(GraphError) in
      _ = try trace(Two(), inputs: [TracedInput("a", [2])], batchCount: 5, training: true)
    }
    #expect(missing.contains("no tensor 'b'; there are 'a'"))
    let twice = message { () throws(GraphError) in
      _ = try trace(
        Two(), inputs: [TracedInput("a", [2]), TracedInput("a", [4])], batchCount: 5,
        training: true)
    }
    #expect(twice.contains("a name of its own"))
    struct Silent: MultipleInputModel {
      func callAsFunction(_ inputs: NamedTensors) -> NamedTensors { [:] }
    }
    let silent = message { () throws(GraphError) in
      _ = try trace(Silent(), inputs: inputs, batchCount: 5, training: true)
    }
    #expect(silent.contains("no output"))
  }

  /// The loss of two outputs, as one value.
  private func combine(_ losses: OutputLosses) throws -> (LossValue, Graph) {
    let trace = try trace(Two(), inputs: inputs, batchCount: 5, training: true)
    let value = losses(trace.outputs) { term, prediction in
      let type = term.loss.targetType(for: prediction.type)
      return trace.graph.input(term.label ?? "label", type.shape, type.scalar)
    }
    return (value, trace.graph)
  }

  @Test("losses are added as means, each over its own outputs")
  func combined() throws {
    let (value, graph) = try combine(
      OutputLosses([
        .init("hidden", MeanSquaredError(), label: "h", weight: 0.25),
        .init("score", MeanAbsoluteError(), label: "s", weight: 2),
      ]))
    try graph.check()
    #expect(value.weight == nil && value.weightPerExample == 1)
    #expect(value.metrics.map(\.name) == ["hidden.loss", "score.loss"])
    var leaves = ReferenceEvaluator.Leaves()
    for (name, shape) in [("a", [5, 2]), ("b", [5, 4]), ("h", [5, 3]), ("s", [5, 1])] {
      let count = shape.reduce(1, *)
      leaves.inputs[name] = HostTensor(shape, (0..<count).map { Double($0 % 5) / 4 - 0.5 })
    }
    for parameter in graph.parameters {
      let count = parameter.shape.reduce(1, *)
      leaves.parameters[parameter.name] = HostTensor(
        parameter.shape, (0..<count).map { Double($0 % 3) - 0.75 })
    }
    let results = try ReferenceEvaluator(graph).evaluate(
      [value.sum] + value.metrics.map(\.sum), leaves
    ).map { $0.values[0] }
    #expect(results[0] > 0)
    let expected: Double = 0.25 * results[1] + 2 * results[2]
    #expect(abs(results[0] - expected) < 1e-12)
  }

  @Test("one loss alone is itself")
  func single() throws {
    let (value, _) = try combine(OutputLosses([.init("hidden", MeanSquaredError())]))
    #expect(value.weightPerExample == 3)
    let (first, _) = try combine(OutputLosses(MeanSquaredError()))
    #expect(first.weightPerExample == 3 && first.metrics.isEmpty)
  }

  @Test("terms that make no sense fail the trace", arguments: 0..<4)
  func refused(_ index: Int) throws {
    let (terms, expected): ([OutputLosses.Term], String) =
      [
        ([.init("hidden", MeanSquaredError()), .init("other", MeanSquaredError())], "'other'"),
        ([.init("hidden", MeanSquaredError(), weight: 0)], "weighs 0"),
        (
          [
            .init("hidden", SoftmaxCrossEntropy(ignoreIndex: -100), label: "h"),
            .init("score", MeanSquaredError(), label: "s"),
          ], "ignoreIndex"
        ),
        ([], "one loss at least"),
      ][index]
    let text = message { () throws(GraphError) in
      do {
        let (value, graph) = try combine(OutputLosses(terms))
        try graph.check()
        try value.sum.graph.check()
      } catch { throw error as? GraphError ?? GraphError("\(error)") }
    }
    #expect(text.contains(expected), "\(text)")
  }
}
