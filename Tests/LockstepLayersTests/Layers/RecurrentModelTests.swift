import LockstepEngine
import LockstepLayers
import LockstepTestSupport
import Testing

/// What is wrong with a model of sequences of three features; nil where nothing is.
private func message(_ model: any Model, _ shape: [Int] = [4, 3]) -> String? {
  do {
    _ = try trace(model, inputShape: shape, batchCount: 2, training: true)
    return nil
  } catch { return error.description }
}

/// Models of token sequences: traced, planned, differentiated.
@Suite struct RecurrentModelTests {
  private struct Tagger: Model {
    let embedding = Embedding(13, 5, paddingIndex: 0)
    let lstm = LSTM(5, 9, numLayers: 2, dropout: 0.5, bidirectional: true)
    let head = Linear(18, 4)

    func callAsFunction(_ input: Tensor) -> Tensor { head(lstm(embedding(input))) }
  }

  private func leaves(
    _ trace: Trace, _ shape: [Int]
  ) -> ReferenceEvaluator.Leaves {
    func values(_ shape: [Int], _ phase: Int) -> HostTensor {
      HostTensor(
        shape,
        (0..<shape.reduce(1, *)).map { (index: Int) -> Double in
          let place = Double(index + 1) * 0.754877666 + Double(phase) * 0.31
          return Double(Float(place.truncatingRemainder(dividingBy: 1) - 0.5))
        })
    }
    var leaves = ReferenceEvaluator.Leaves()
    leaves.inputs["input"] = values(shape, 0).map { (13 * ($0 + 0.5)).rounded(.down) }
    for (index, parameter) in trace.graph.parameters.enumerated() {
      leaves.parameters[parameter.name] = values(parameter.shape, index + 1)
    }
    return leaves
  }

  @Test("a tagger's loss and gradients are the reference's, in all tables")
  func tagger() throws {
    let trace = try trace(
      Tagger(), inputShape: [6], batchCount: 5, training: true, scalar: .int32)
    #expect(trace.output.shape == [5, 6, 4])
    #expect(
      trace.graph.parameters.prefix(3).map(\.name)
        == ["embedding.weight", "lstm.weight_ih_l0", "lstm.weight_hh_l0"])
    let loss = trace.output.square().sum()
    let wanted = trace.graph.parameters.map(trace.graph.parameter)
    let gradients = try trace.graph.gradients(of: loss, by: wanted).map { try require($0) }
    let leaves = leaves(trace, [5, 6])
    let expected = try ReferenceEvaluator(trace.graph).evaluate([loss] + gradients, leaves)
    let program = try Program(
      evaluating: trace.graph, scalars: [loss], outputs: gradients)
    for isa in InstructionSet.allCases where isa <= .detected {
      let lane = try PlannedLane(program, leaves, isa: isa)
      for (found, expected) in zip(try lane.run(), expected.dropFirst()) {
        let tensor = HostTensor(expected.shape, found.map(Double.init))
        #expect(deviation(tensor, from: expected) < 1e-5)
      }
      let value = expected[0].values[0]
      #expect(abs(Double(lane.lane.scalar(0)) - value) < 1e-5 * value)
    }
  }

  @Test("a training program leaves every parameter's gradient in its slot")
  func program() throws {
    let model = Sequential {
      Embedding(13, 5)
      GRU(5, 7, output: .state)
      Linear(7, 3)
    }
    let trace = try trace(model, inputShape: [4], batchCount: 3, training: true, scalar: .int32)
    #expect(trace.output.shape == [3, 3])
    let loss = trace.output.square().sum()
    let program = try Program(differentiating: loss, scalars: [loss])
    let leaves = leaves(trace, [3, 4])
    let lane = try PlannedLane(program, leaves)
    let leaf = Arena<Float>(count: lane.lane.plan.leafCount)
    try lane.lane.run(RunContext(), leaf: leaf.base)
    let wanted = trace.graph.parameters.map(trace.graph.parameter)
    let gradients = try trace.graph.gradients(of: loss, by: wanted).map { try require($0) }
    let expected = try ReferenceEvaluator(trace.graph).evaluate(gradients, leaves)
    for (slot, expected) in zip(program.leafLayout.slots, expected) {
      let found = slot.range.map { Double(leaf.buffer[$0]) }
      #expect(deviation(HostTensor(expected.shape, found), from: expected) < 1e-5, "\(slot.name)")
    }
  }

  @Test(
    "in bfloat16 gradients are close to the reference's",
    .enabled(if: Precision.available.contains(.bfloat16), "\(Precision.missing)"))
  func bfloat16() throws {
    let trace = try trace(
      Tagger(), inputShape: [6], batchCount: 5, training: true, scalar: .int32)
    let loss = trace.output.square().sum()
    let wanted = trace.graph.parameters.map(trace.graph.parameter)
    let gradients = try trace.graph.gradients(of: loss, by: wanted).map { try require($0) }
    let leaves = leaves(trace, [5, 6])
    let expected = try ReferenceEvaluator(trace.graph).evaluate(gradients, leaves)
    let program = try Program(evaluating: trace.graph, scalars: [loss], outputs: gradients)
    let lane = try PlannedLane(
      program, leaves, options: PlanOptions(precision: .bfloat16))
    for (found, expected) in zip(try lane.run(), expected) {
      let tensor = HostTensor(expected.shape, found.map(Double.init))
      let distance = deviation(tensor, from: expected)
      #expect(distance < 0.05)
    }
  }

  @Test("the state of a bidirectional layer is what both directions end with")
  func state() throws {
    struct Both: Model {
      let layer = LSTM(3, 4, bidirectional: true, output: .state)
      func callAsFunction(_ input: Tensor) -> Tensor {
        let whole = layer(input, lengths: nil).output
        let (count, last) = (input.shape[0], whole.shape[1] - 1)
        let ends = Tensor.concatenated(
          [
            whole.sliced(axis: 1, last..<last + 1).sliced(axis: 2, 0..<4),
            whole.sliced(axis: 1, 0..<1).sliced(axis: 2, 4..<8),
          ], axis: 2)
        return layer(input) - ends.reshaped(to: [count, 8])
      }
    }
    let trace = try trace(Both(), inputShape: [5, 3], batchCount: 2, training: false)
    var leaves = leaves(trace, [2, 5, 3])
    leaves.inputs["input"] = leaves.inputs["input"]?.map { $0 / 13 - 0.5 }
    let difference = try ReferenceEvaluator(trace.graph).evaluate([trace.output], leaves)[0]
    #expect(difference.values.allSatisfy { $0 == 0 })
  }

  @Test("a sequence goes on where its state was left")
  func carried() throws {
    struct Halves: Model {
      let layer = LSTM(3, 4, numLayers: 2)
      func callAsFunction(_ input: Tensor) -> Tensor {
        let whole = layer(input, lengths: nil).output
        let first = layer(input.sliced(axis: 1, 0..<2), lengths: nil)
        let second = layer(
          input.sliced(axis: 1, 2..<5), lengths: nil, state: first.state)
        return whole - Tensor.concatenated([first.output, second.output], axis: 1)
      }
    }
    let trace = try trace(Halves(), inputShape: [5, 3], batchCount: 2, training: false)
    var leaves = leaves(trace, [2, 5, 3])
    leaves.inputs["input"] = leaves.inputs["input"]?.map { $0 / 13 - 0.5 }
    let program = try Program(evaluating: trace.graph, scalars: [], outputs: [trace.output])
    let difference = try PlannedLane(program, leaves).run()[0]
    #expect(difference.allSatisfy { $0 == 0 })
  }

  @Test(
    "layers that carry their states take them from inputs where a trace carries, and from zeros else"
  )
  func carriers() throws {
    func graph(_ continuation: Continuation) throws -> Graph {
      let model = Sequential(named: [
        ("plain", GRU(3, 5)), ("lstm", LSTM(5, 4, numLayers: 2, carriesState: true)),
        ("rnn", RNN(4, 6, carriesState: true)),
      ])
      return try trace(
        SingleInputModel(model), inputs: [TracedInput("input", [7, 3])], batchCount: 2,
        training: true, freezing: Freezing(), continuation: continuation
      ).graph
    }
    let names = ["lstm.hidden.0", "lstm.cell.0", "rnn.hidden.2"]
    let declared = try graph(.declared)
    #expect(declared.carriedStates.map(\.input) == names)
    #expect(declared.carriedStates.map(\.after.shape) == [[2, 2, 4], [2, 2, 4], [2, 1, 6]])
    #expect(declared.inputs.map(\.name) == ["input"] + names)
    #expect(try graph(.none).inputs.map(\.name) == ["input"])
    #expect(
      try graph(.next(context: 8)).carriedStates.map(\.input) == [
        "plain.hidden.0", "lstm.hidden.1", "lstm.cell.1", "rnn.hidden.3",
      ])
  }

  @Test("a layer that cannot carry its state says why")
  func refusedCarriers() {
    #expect(message(LSTM(3, 2, carriesState: true)) == nil)
    for model in [
      LSTM(3, 2, bidirectional: true, carriesState: true) as any Model,
      GRU(3, 2, bidirectional: true, carriesState: true),
      RNN(3, 2, bidirectional: true, carriesState: true),
    ] {
      #expect(
        message(model)?.contains("a bidirectional layer carries no state: what reads from") == true)
    }
    struct Given: Model {
      let layer = GRU(3, 2, carriesState: true)
      func callAsFunction(_ input: Tensor) -> Tensor {
        layer(input, lengths: nil, state: input.graph.constant(0, [2, 1, 2])).output
      }
    }
    #expect(message(Given())?.contains("and is given one") == true)
    struct Folded: Model {
      let layer = GRU(3, 2, carriesState: true)
      func callAsFunction(_ input: Tensor) -> Tensor { layer(input.reshaped(to: [4, 2, 3])) }
    }
    #expect(message(Folded())?.contains("a state for each row of the batch") == true)
  }

  @Test("weights are drawn uniformly from ±1/√hidden")
  func initialValues() throws {
    let trace = try trace(LSTM(3, 16), inputShape: [2, 3], batchCount: 1, training: true)
    var random = SystemRandomNumberGenerator()
    for parameter in trace.graph.parameters {
      var values = [Float](repeating: .nan, count: parameter.shape.reduce(1, *))
      var span = values.mutableSpan
      parameter.initializer.fill(&span, shape: parameter.shape, using: &random)
      #expect(values.allSatisfy { abs($0) <= 0.25 })
      #expect(values.contains { abs($0) > 0.2 })
    }
  }

  @Test("what does not fit is named")
  func errors() {
    #expect(message(LSTM(3, 2)) == nil)
    #expect(message(LSTM(nil, 2)) == nil)
    #expect(message(GRU(4, 2))?.contains("expects 4 features") == true)
    #expect(message(RNN(3, 2), [3])?.contains("expects an input [N, T, features]") == true)
    #expect(message(RNN(3, 0))?.contains("must be positive") == true)
    #expect(message(LSTM(3, 2, numLayers: 0))?.contains("must be positive") == true)
    #expect(message(LSTM(3, 2, dropout: 1))?.contains("0..<1") == true)
    struct Wrong: Model {
      let layer = GRU(3, 2)
      func callAsFunction(_ input: Tensor) -> Tensor {
        layer(input, lengths: nil, state: input.graph.constant(0, [2, 2, 2])).output
      }
    }
    #expect(message(Wrong())?.contains("first state") == true)
    struct Lengths: Model {
      let layer = RNN(3, 2)
      func callAsFunction(_ input: Tensor) -> Tensor {
        layer(input, lengths: input.graph.input("lengths", [3], .int32)).output
      }
    }
    #expect(message(Lengths())?.contains("lengths must be Int32 [2]") == true)
  }
}
