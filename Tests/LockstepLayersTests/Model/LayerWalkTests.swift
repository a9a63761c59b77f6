import LockstepEngine
import LockstepLayers
import Testing

private func names(_ model: any Model, _ shape: [Int] = [4]) throws -> [String] {
  try trace(model, inputShape: shape, batchCount: 2, training: true).graph.parameters.map(\.name)
}

/// How parameters get their names and their order.
@Suite struct LayerWalkTests {
  @Test("parameters are in declaration order, whatever the order of calls")
  func declarationOrder() throws {
    struct Backwards: Model {
      let first = Linear(3, 2)
      let second = Linear(4, 3, bias: false)
      func callAsFunction(_ input: Tensor) -> Tensor { first(second(input)) }
    }
    let trace = try trace(Backwards(), inputShape: [4], batchCount: 2, training: true)
    #expect(trace.graph.parameters.map(\.name) == ["first.weight", "first.bias", "second.weight"])
    #expect(trace.graph.parameters.map(\.shape) == [[2, 3], [2], [3, 4]])
    #expect(trace.graph.parameters.map(\.layerKind) == ["Linear", "Linear", "Linear"])
    #expect(trace.layerNames == ["first", "second"])
    // The leaves have moved with the parameters.
    for (id, leaf) in trace.graph.leaves {
      if case .parameter(let index) = leaf {
        #expect(trace.graph.values[id].type.shape == trace.graph.parameters[index].shape)
      }
    }
  }

  @Test("statistics are in declaration order, and observations follow them")
  func statisticOrder() throws {
    struct Backwards: Model {
      let wide = BatchNorm1d(5)
      let dense = Linear(5)
      let narrow = BatchNorm1d(4)
      func callAsFunction(_ input: Tensor) -> Tensor { wide(dense(narrow(input))) }
    }
    let graph = try trace(Backwards(), inputShape: [4], batchCount: 3, training: true).graph
    #expect(
      graph.statistics.map(\.name)
        == ["wide", "narrow"].flatMap { ["\($0).running_mean", "\($0).running_var"] })
    #expect(graph.observations.count == 4)
    for observation in graph.observations {
      #expect(
        graph.values[observation.value].type.shape == graph.statistics[observation.statistic].shape)
    }
    let scales = Set(graph.observations.map(\.scale))
    #expect(scales == [1, 1.5])
  }

  @Test("properties, arrays, tuples, optionals, cases and superclasses lead to names")
  func structures() throws {
    enum Choice: Sendable { case dense(Linear) }
    class Base: @unchecked Sendable {  // immutable
      let inherited = Linear(4)
    }
    final class Derived: Base, Model, @unchecked Sendable {  // immutable
      let own = Linear(4)
      func callAsFunction(_ input: Tensor) -> Tensor { inherited(own(input)) }
    }
    struct Everything: Model {
      let blocks = [[Linear(4), Linear(4)], [Linear(4)]]
      let pair = (Linear(4), Linear(4))
      let present: Linear? = Linear(4)
      let absent: Linear? = nil
      let choice = Choice.dense(Linear(4))
      let object = Derived()
      let sequence = Sequential(named: [("fc", Linear(4)), ("act", ReLU())])
      let residual = Residual(Linear(4), shortcut: Sequential([Linear(4)]))
      let numbers = [1, 2, 3]
      func callAsFunction(_ input: Tensor) -> Tensor {
        var x = blocks.joined().reduce(input) { $1($0) }
        x = pair.1(pair.0(x))
        x = present?(x) ?? x
        if case .dense(let layer) = choice { x = layer(x) }
        return residual(sequence(object(x)))
      }
    }
    let weights = try names(Everything()).filter { $0.hasSuffix(".weight") }
    #expect(
      weights.map { $0.dropLast(".weight".count) } == [
        "blocks.0.0", "blocks.0.1", "blocks.1.0", "pair.0", "pair.1", "present", "choice",
        "object.own", "object.inherited", "sequence.fc", "residual.body", "residual.shortcut.0",
      ])
  }

  @Test("copies of a layer share its parameters, under the first name")
  func sharing() throws {
    struct Shared: Model {
      let encoder: Linear
      let decoder: Linear
      func callAsFunction(_ input: Tensor) -> Tensor { decoder(encoder(input)) }
    }
    let layer = Linear(4)
    #expect(
      try names(Shared(encoder: layer, decoder: layer)) == ["encoder.weight", "encoder.bias"])
    #expect(try names(Sequential(Array(repeating: Linear(4), count: 3))).count == 2)
  }

  @Test("a layer can be the model")
  func singleLayer() throws {
    #expect(try names(Linear(1)) == ["weight", "bias"])
  }

  @Test("a layer that the walk does not meet is an error that says what to do")
  func unmetLayer() {
    struct Hidden: Model {
      func callAsFunction(_ input: Tensor) -> Tensor { Linear(2)(ReLU()(input)) }
    }
    let error = #expect(throws: GraphError.self) { try names(Hidden()) }
    #expect(
      error?.description
        == "a Linear layer is called that is not reached from the model's stored properties, so that its parameters have no name; store it in a property or an array of the model"
    )
  }

  @Test("layers in a dictionary have no order")
  func dictionary() {
    struct Unordered: Model {
      let layers = ["a": Linear(4)]
      func callAsFunction(_ input: Tensor) -> Tensor { input }
    }
    let error = #expect(throws: GraphError.self) { try names(Unordered()) }
    #expect(
      error?.description
        == "'layers' holds layers in a dictionary or set, which has no order; use an array or properties"
    )
  }

  @Test("a batch without examples, or of empty examples, is refused", arguments: [0, 2])
  func emptyBatch(_ count: Int) {
    let error = #expect(throws: GraphError.self) {
      try trace(ReLU(), inputShape: [count], batchCount: 2 - count, training: true)
    }
    #expect(error?.description.contains("all must be positive") == true)
  }
}
