/// Makes an ONNX graph of a model that was traced for inference.
///
/// The graph is for any number of examples: two traces for different numbers tell which dimensions follow it.
package final class ONNXGraphBuilder {
  private let trace: Graph
  /// The same model, for another number of examples.
  private let twin: Graph
  private var graph = ONNXGraph()
  private var names: [Graph.ValueID: String] = [:]
  private var used: Set<String> = []
  private var known: [String: String] = [:]
  private var examples: String?
  /// The layer that is converted.
  private var scope = ""
  /// Reads the values of a parameter or statistic.
  private let values: (String) throws(GraphError) -> [Float]

  /// - Parameters:
  ///   - trace: a model that was traced for inference.
  ///   - twin: the same, traced for another number of examples.
  ///   - values: gives a parameter's or statistic's values, by its name.
  /// - Throws: ``GraphError`` where both traces differ in more than sizes.
  package init(
    _ trace: Graph, twin: Graph, values: @escaping (String) throws(GraphError) -> [Float]
  ) throws(GraphError) {
    self.trace = trace
    self.twin = twin
    self.values = values
    try expect(
      trace.nodes.count == twin.nodes.count && trace.values.count == twin.values.count,
      "the model computes something else for another number of examples, which an ONNX graph cannot say"
    )
    for (value, other) in zip(trace.values, twin.values) {
      let (shape, sizes) = (value.type.shape, other.type.shape)
      try expect(
        shape.count == sizes.count
          && zip(shape, sizes).allSatisfy {
            $0 == $1 || $0 * twin.batchCount == $1 * trace.batchCount
          },
        "shapes of the model follow the number of examples in a way that an ONNX graph cannot say: "
          + "\(shape) for \(trace.batchCount), \(sizes) for \(twin.batchCount)")
    }
    // A result of the graph or an input keeps its name.
    used.formUnion(trace.inputs.map(\.name))
    used.formUnion(trace.parameters.map(\.name) + trace.statistics.map(\.name))
  }

  /// Converts what some outputs need.
  ///
  /// - Returns: the graph; its inputs are those of the trace that the outputs need.
  /// - Throws: ``GraphError`` that names an operation without a form in ONNX, and its layer.
  package func build(
    outputs: [(name: String, value: Tensor)]
  ) throws(GraphError) -> ONNXGraph {
    used.formUnion(outputs.map(\.name))
    for (index, leaf) in trace.leaves.enumerated() { try define(leaf.id, leaf.leaf, index) }
    let needed = nodes(neededFor: outputs.map(\.value.id))
    for (index, node) in trace.nodes.enumerated() where needed[index] {
      try convert(node)
    }
    for output in outputs {
      let node = ONNXNode(
        "Identity", inputs: [try name(of: output.value.id)], outputs: [output.name])
      graph.nodes.append(node)
      graph.outputs.append(
        port(output.name, output.value.type.scalar, shape(of: output.value.id)))
    }
    return graph.withoutDeadNodes.withOutputsNamed
  }

  private func convert(_ node: Graph.Node) throws(GraphError) {
    scope = node.scope
    let place = node.scope.isEmpty ? "" : "layer '\(node.scope)': "
    guard let operation = node.operation as? any ONNXConvertible else {
      throw GraphError(
        "\(place)the operation '\(node.operation.name)' has no form in ONNX; take another layer, or "
          + "export the model without it")
    }
    do throws(GraphError) {
      var inputs: [String] = []
      for input in node.inputs { inputs.append(try name(of: input)) }
      let site = ONNXSite(
        inputs: inputs, node: node, inputShapes: node.inputs.map(shape),
        outputShapes: node.outputs.map(shape))
      try operation.convert(site, self)
    } catch {
      throw GraphError("\(place)\(operation.name): \(error.description)")
    }
  }

  /// Which nodes of the trace some values need.
  private func nodes(neededFor values: [Graph.ValueID]) -> [Bool] {
    var needed = [Bool](repeating: false, count: trace.nodes.count)
    var open = values
    while let value = open.popLast() {
      guard let producer = trace.values[value].producer, !needed[producer] else { continue }
      needed[producer] = true
      open += trace.nodes[producer].inputs
    }
    return needed
  }

  // MARK: Values of the trace

  /// The name that a value of the trace has in the ONNX graph.
  package func name(of value: Graph.ValueID) throws(GraphError) -> String {
    guard let name = names[value] else {
      throw GraphError("a result of another operation has no form in ONNX")
    }
    return name
  }

  /// Tells the name of a result.
  package func define(_ value: Graph.ValueID, as name: String) { names[value] = name }

  /// The node of the trace that computes a value; nil for inputs and weights.
  package func producer(of value: Graph.ValueID) -> Graph.Node? {
    trace.values[value].producer.map { trace.nodes[$0] }
  }

  /// What a value that no node computes is; nil for others.
  package func leaf(_ value: Graph.ValueID) -> Graph.Leaf? {
    trace.leaves.first { $0.id == value }?.leaf
  }

  /// The dimensions of a value, for any number of examples.
  package func shape(of value: Graph.ValueID) -> [ONNXSize] {
    zip(trace.values[value].type.shape, twin.values[value].type.shape).map { size, other in
      size == other ? .fixed(size) : .examples(size / trace.batchCount)
    }
  }

  private func port(
    _ name: String, _ scalar: ScalarType, _ shape: [ONNXSize]
  ) -> ONNXGraph.Port {
    ONNXGraph.Port(
      name, scalar == .int32 ? .int64 : .float32,
      shape.map { size in
        switch size {
        case .fixed(let size): .fixed(size)
        case .examples(1): .free("batch")
        case .examples(let count): .free("\(count) * batch")
        }
      })
  }

  private func define(
    _ value: Graph.ValueID, _ leaf: Graph.Leaf, _ index: Int
  ) throws(GraphError) {
    let shape = shape(of: value)
    switch leaf {
    case .input(let name):
      names[value] = name
      graph.inputs.append(port(name, trace.values[value].type.scalar, shape))
    case .parameter(let index):
      names[value] = try stored(trace.parameters[index].name, trace.parameters[index].shape)
    case .statistic(let index):
      names[value] = try stored(trace.statistics[index].name, trace.statistics[index].shape)
    case .constant(let number): names[value] = try constant(number, shape)
    case .table(let numbers):
      guard let fixed = shape.fixed, case .table(let others) = twin.leaves[index].leaf,
        others.map(\.bitPattern) == numbers.map(\.bitPattern)
      else {
        throw GraphError(
          "a table of constants depends on the number of examples, which an ONNX graph cannot say")
      }
      names[value] = floats(numbers, fixed)
    case .vector: break
    }
  }

  private func stored(_ name: String, _ shape: [Int]) throws(GraphError) -> String {
    graph.initializers.append(.init(name, ONNXTensor(shape, floats: try values(name))))
    return name
  }

  private func constant(_ number: Float, _ shape: [ONNXSize]) throws(GraphError) -> String {
    if let fixed = shape.fixed, fixed.reduce(1, *) <= 1 << 12 {
      return floats([Float](repeating: number, count: fixed.reduce(1, *)), fixed)
    }
    return add("Expand", [floats([number], []), self.shape(shape)])
  }

  // MARK: Operators

  /// Adds an operator with one result, and returns the result's name.
  package func add(
    _ type: String, _ inputs: [String], _ attributes: [ONNXAttribute] = []
  ) -> String { add(type, inputs, attributes, results: 1)[0] }

  /// Adds an operator, and returns the names of its results.
  package func add(
    _ type: String, _ inputs: [String], _ attributes: [ONNXAttribute] = [], results: Int
  ) -> [String] {
    let place = scope.isEmpty ? type : "\(scope)/\(type)"
    let name = unused(place)
    let outputs = (0..<results).map { results == 1 ? "\(name)_output" : "\(name)_output_\($0)" }
    var node = ONNXNode(
      type, name: name, inputs: inputs, outputs: outputs, attributes: attributes)
    node.scope = scope
    graph.nodes.append(node)
    return outputs
  }

  /// A constant tensor of numbers, stored once for equal ones.
  package func floats(_ values: [Float], _ shape: [Int]) -> String {
    constant(
      "f \(shape) " + values.map { String($0.bitPattern, radix: 16) }.joined(separator: " "),
      ONNXTensor(shape, floats: values))
  }

  /// A number, which broadcasts to any shape.
  package func number(_ value: Float) -> String { floats([value], []) }

  /// A constant tensor of integers, stored once for equal ones.
  package func integers(_ values: [Int], _ shape: [Int]? = nil) -> String {
    let shape = shape ?? [values.count]
    return constant("i \(shape) \(values)", ONNXTensor(shape, integers: values))
  }

  /// A constant tensor of truth values.
  package func truths(_ values: [Bool], _ shape: [Int]) -> String {
    let integers = values.map { $0 ? 1 : 0 }
    return constant("b \(shape) \(integers)", ONNXTensor(shape, integers: integers, .bool))
  }

  private func constant(_ key: String, _ tensor: ONNXTensor) -> String {
    if let name = known[key] { return name }
    let name = unused("constant")
    known[key] = name
    graph.initializers.append(.init(name, tensor))
    return name
  }

  /// A name that nothing has yet.
  private func unused(_ name: String) -> String {
    var candidate = name
    var number = 0
    while !used.insert(candidate).inserted {
      number += 1
      candidate = "\(name)_\(number)"
    }
    return candidate
  }

  // MARK: Shapes

  /// Dimensions as a tensor that `Expand` and their like take.
  package func shape(_ sizes: [ONNXSize]) -> String {
    if let fixed = sizes.fixed { return integers(fixed) }
    let parts = sizes.map { size in
      switch size {
      case .fixed(let number): integers([number])
      case .examples(1): exampleCount
      case .examples(let count): add("Mul", [exampleCount, integers([count])])
      }
    }
    return parts.count == 1 ? parts[0] : add("Concat", parts, [.integer("axis", 0)])
  }

  /// A value under another shape.
  package func reshaped(_ value: String, to sizes: [ONNXSize]) -> String {
    // One dimension may be left open.
    let open = sizes.count { $0.fixed == nil }
    let target = open == 1 ? integers(sizes.map { $0.fixed ?? -1 }) : shape(sizes)
    return add("Reshape", [value, target])
  }

  /// The number of examples, [1].
  private var exampleCount: String {
    if let examples { return examples }
    let outer = scope
    scope = ""
    defer { scope = outer }
    // Each input's first dimension is that of the batch.
    let name = add(
      "Shape", [graph.inputs.first?.name ?? ""], [.integer("start", 0), .integer("end", 1)])
    examples = name
    return name
  }
}

extension ONNXGraph {
  /// The graph without nodes and initializers that no result needs.
  fileprivate var withoutDeadNodes: ONNXGraph {
    var result = self
    var needed = Set(outputs.map(\.name))
    result.nodes = nodes.reversed().filter { node in
      guard node.outputs.contains(where: needed.contains) else { return false }
      needed.formUnion(node.inputs)
      return true
    }.reversed()
    result.initializers = initializers.filter { needed.contains($0.name) }
    result.inputs = inputs.filter { needed.contains($0.name) }
    return result
  }

  /// The graph with results that are named where they are computed, instead of by `Identity` behind it.
  fileprivate var withOutputsNamed: ONNXGraph {
    var result = self
    for output in outputs {
      guard
        let last = result.nodes.firstIndex(where: {
          $0.type == "Identity" && $0.outputs == [output.name]
        })
      else { continue }
      let source = result.nodes[last].inputs[0]
      guard
        let producer = result.nodes.firstIndex(where: { $0.outputs.contains(source) }),
        !outputs.contains(where: { $0.name == source })
      else { continue }
      result.nodes.remove(at: last)
      for index in result.nodes.indices {
        let replaced = { (name: String) in name == source ? output.name : name }
        result.nodes[index].inputs = result.nodes[index].inputs.map(replaced)
        if index == producer {
          result.nodes[index].outputs = result.nodes[index].outputs.map(replaced)
        }
      }
    }
    return result
  }
}
