extension Recurrence: ONNXConvertible {
  /// One of ONNX's recurrent operators, which also multiply the inputs by their weights. They take positions
  /// first, [T, N, in], and gates in an order of their own.
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    let operands = Operands(site.inputs, pass)
    let recurrent = Operands(site.node.inputs, pass)
    guard let width = site.inputShapes[1].fixed?.last else {
      throw GraphError("a weight follows the number of examples")
    }
    let source = try inputs(of: site, onnx)
    func lifted(_ weight: String) -> String {
      onnx.add("Unsqueeze", [ordered(weight, width, onnx), onnx.integers([0])])
    }
    let zeros = onnx.floats(
      [Float](repeating: 0, count: pass.cell.gates * width), [pass.cell.gates * width])
    let biases = onnx.add(
      "Concat",
      [source.bias.map { ordered($0, width, onnx) } ?? zeros, ordered(operands.bias, width, onnx)],
      [.integer("axis", 0)])
    var inputs = [
      onnx.add("Transpose", [source.x], [.integers("perm", [1, 0, 2])]), lifted(source.weight),
      lifted(operands.weight), onnx.add("Unsqueeze", [biases, onnx.integers([0])]),
      operands.lengths.map {
        onnx.add("Cast", [$0], [.integer("to", ONNXTensor.Scalar.int32.number)])
      } ?? "",
    ]
    // Zeros are what the operators begin with.
    let firsts = zip(operands.first.values, recurrent.first.values).map { name, value in
      isZero(value, onnx) ? "" : onnx.add("Unsqueeze", [name, onnx.integers([0])])
    }
    if firsts.contains(where: { !$0.isEmpty }) {
      for (name, first) in zip(operands.first.values, firsts) {
        inputs.append(
          first.isEmpty ? onnx.add("Unsqueeze", [name, onnx.integers([0])]) : first)
      }
    }
    while inputs.last?.isEmpty == true { inputs.removeLast() }
    let results = onnx.add(
      pass.cell.onnxType, inputs, pass.onnxAttributes(width),
      results: pass.cell.hasMemory ? 3 : 2)
    // [T, 1, N, H] to [N, T, H], and [1, N, H] to [N, H].
    let sequence = onnx.add("Squeeze", [results[0], onnx.integers([1])])
    let values = Results(site.node.outputs, pass)
    onnx.define(
      values.sequence, as: onnx.add("Transpose", [sequence], [.integers("perm", [1, 0, 2])]))
    for (value, result) in zip(values.last.values, results.dropFirst()) {
      onnx.define(value, as: onnx.add("Squeeze", [result, onnx.integers([0])]))
    }
  }

  /// What the inputs' products are made of.
  private struct Source {
    let x: String
    let weight: String
    let bias: String?
  }

  private func inputs(
    of site: ONNXSite, _ onnx: ONNXGraphBuilder
  ) throws(GraphError) -> Source {
    // The products of all positions at once: a linear map of [N · T, in], reshaped.
    if let reshape = onnx.producer(of: site.node.inputs[0]), reshape.operation is Reshape,
      let map = onnx.producer(of: reshape.inputs[0]), map.operation is LinearMap
    {
      let shape = Array(site.inputShapes[0][..<2]) + onnx.shape(of: map.inputs[0]).suffix(1)
      return Source(
        x: onnx.reshaped(try onnx.name(of: map.inputs[0]), to: shape),
        weight: try onnx.name(of: map.inputs[1]),
        bias: map.inputs.count > 2 ? try onnx.name(of: map.inputs[2]) : nil)
    }
    guard let count = site.inputShapes[0][2].fixed else {
      throw GraphError("the number of gates follows that of the examples")
    }
    let identity = (0..<count * count).map { $0 / count == $0 % count ? Float(1) : 0 }
    return Source(
      x: site.inputs[0], weight: onnx.floats(identity, [count, count]), bias: nil)
  }

  /// The gates of a weight or bias in ONNX's order.
  private func ordered(_ weight: String, _ width: Int, _ onnx: ONNXGraphBuilder) -> String {
    let order = pass.cell.onnxGates
    guard order != Array(order.indices) else { return weight }
    let parts = order.map { onnx.sliced(weight, axis: 0, $0 * width..<($0 + 1) * width) }
    return onnx.add("Concat", parts, [.integer("axis", 0)])
  }

  private func isZero(_ value: Graph.ValueID, _ onnx: ONNXGraphBuilder) -> Bool {
    if case .constant(0)? = onnx.leaf(value) { true } else { false }
  }
}

extension RecurrentCell {
  /// The operator's name.
  package var onnxType: String {
    switch self {
    case .tanh, .relu: "RNN"
    case .gru: "GRU"
    case .lstm: "LSTM"
    }
  }

  /// For each gate of ONNX's operator its place among PyTorch's: i, o, f, g of i, f, g, o, and z, r, n of
  /// r, z, n.
  package var onnxGates: [Int] {
    switch self {
    case .tanh, .relu: [0]
    case .gru: [1, 0, 2]
    case .lstm: [0, 3, 1, 2]
    }
  }
}

extension RecurrentPass {
  fileprivate func onnxAttributes(_ width: Int) -> [ONNXAttribute] {
    var attributes: [ONNXAttribute] = [.integer("hidden_size", width)]
    if reverses { attributes.append(.string("direction", "reverse")) }
    if cell == .gru { attributes.append(.integer("linear_before_reset", 1)) }
    if cell == .relu { attributes.append(.init("activations", .strings(["Relu"]))) }
    return attributes
  }
}
