import LockstepEngine
import LockstepLayers
import LockstepTestSupport

/// A case's layer as a graph: leaves for parameters, inputs and cotangents.
struct TracedRecurrence {
  let graph: Graph
  /// `output`, `h_n`, `c_n`.
  let outputs: [(name: String, tensor: Tensor)]
  /// The inputs that are differentiated by, parameters among them.
  let inputs: [(name: String, tensor: Tensor)]
  /// Σ output · cotangent.
  let objective: Tensor
  let leaves: ReferenceEvaluator.Leaves

  /// Traces a case, or the examples of a range of its batch.
  init(_ reference: RecurrentCase, examples: Range<Int>? = nil) throws {
    let all = try require(reference.inputs["x"])
    let examples = examples ?? 0..<all.shape[0]
    func part(_ tensor: HostTensor) -> HostTensor {
      let size = tensor.values.count / tensor.shape[0]
      return HostTensor(
        [examples.count] + tensor.shape.dropFirst(),
        Array(tensor.values[examples.lowerBound * size..<examples.upperBound * size]))
    }
    let graph = Graph(batchCount: examples.count, training: true)
    var leaves = ReferenceEvaluator.Leaves()
    func input(_ name: String, _ value: HostTensor, _ scalar: ScalarType = .float32) -> Tensor {
      leaves.inputs[name] = part(value)
      return graph.input(name, part(value).shape, scalar)
    }
    let x = input("x", all)
    let lengths = reference.lengths.map {
      input("lengths", HostTensor([$0.count], $0.map(Double.init)), .int32)
    }
    let first = reference.initial ? try require(reference.inputs["h0"]) : nil
    let hidden = first.map { input("h0", $0) }
    let memory = reference.initial ? reference.inputs["c0"].map { input("c0", $0) } : nil
    outputs = Self.call(reference, x, lengths, hidden, memory)
    try graph.check()
    for name in reference.parameters {
      leaves.parameters["layer.\(name)"] = try require(reference.inputs[name])
    }
    var objective = graph.constant(0)
    for (name, tensor) in outputs {
      let cotangent = input("cotangent.\(name)", try require(reference.cotangents[name]))
      objective = objective + (tensor * cotangent).sum()
    }
    try graph.check()
    self.graph = graph
    self.objective = objective
    self.leaves = leaves
    inputs =
      [("x", x)] + (hidden.map { [("h0", $0)] } ?? []) + (memory.map { [("c0", $0)] } ?? [])
      + graph.parameters.map { (String($0.name.dropFirst("layer.".count)), graph.parameter($0)) }
  }

  private static func call(
    _ reference: RecurrentCase, _ x: Tensor, _ lengths: Tensor?, _ hidden: Tensor?,
    _ memory: Tensor?
  ) -> [(name: String, tensor: Tensor)] {
    let options = RecurrentOptions(
      numLayers: reference.layers, bias: reference.bias, bidirectional: reference.bidirectional)
    let (features, units) = (reference.features, reference.hidden)
    func results(_ result: (output: Tensor, state: Tensor)) -> [(name: String, tensor: Tensor)] {
      [("output", result.output), ("h_n", result.state)]
    }
    switch reference.cell {
    case "lstm":
      let layer = LSTM(features, units, options: options)
      x.graph.name(layer.identity, "layer")
      let state = hidden.flatMap { hidden in
        memory.map { LSTM.State(hidden: hidden, cell: $0) }
      }
      let (output, last) = layer(x, lengths: lengths, state: state)
      return [("output", output), ("h_n", last.hidden), ("c_n", last.cell)]
    case "gru":
      let layer = GRU(features, units, options: options)
      x.graph.name(layer.identity, "layer")
      return results(layer(x, lengths: lengths, state: hidden))
    default:
      let layer = RNN(
        features, units, nonlinearity: reference.cell == "relu" ? .relu : .tanh, options: options)
      x.graph.name(layer.identity, "layer")
      return results(layer(x, lengths: lengths, state: hidden))
    }
  }

  /// The gradients of the objective by the inputs.
  func gradients() throws -> [Tensor] {
    try zip(inputs, graph.gradients(of: objective, by: inputs.map(\.tensor))).map {
      try require($1, $0.name)
    }
  }
}

/// The value, or an error that names what is missing.
func require<Value>(_ value: Value?, _ what: String = "a value") throws -> Value {
  guard let value else { throw GraphError("\(what) is missing") }
  return value
}
