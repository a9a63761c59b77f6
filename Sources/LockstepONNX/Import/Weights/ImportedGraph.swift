import LockstepEngine

/// A graph of a file, made ready to be trained: what of it are weights, under which names, and what are
/// constants.
struct ImportedGraph: Sendable {
  private(set) var graph: ONNXGraph
  /// Everything that is known in advance.
  private(set) var constants: [String: ONNXTensor] = [:]
  /// The weights, in the order in which nodes use them first.
  private(set) var parameters: [ImportedParameter] = []
  private(set) var statistics: [ImportedStatistic] = []
  /// What inputs of nodes are weights.
  private(set) var bindings: [InputPlace: WeightBinding] = [:]
  /// Running means and variances, by the inputs of nodes.
  private(set) var statisticNames: [InputPlace: String] = [:]
  /// What a user should know, a sentence each.
  private(set) var notices: [String] = []
  /// For each parameter its place in the list.
  private var places: [String: Int] = [:]
  /// What nodes without inputs make: numbers of the model's code, and no weights.
  private var written: Set<String> = []
  /// The recurrent weights met so far, by module: a layer each.
  private var layers: [String: [String]] = [:]

  /// Which nodes the result needs.
  private(set) var needed: [Bool] = []
  /// The inputs that the result needs.
  private(set) var inputs: [ONNXGraph.Port] = []

  /// - Parameters:
  ///   - given: a file's graph.
  ///   - output: the result that is wanted.
  init(_ given: ONNXGraph, output: String) throws(GraphError) {
    graph = given.withGELU
    graph.outputs.removeAll { $0.name != output }
    nameSharedWeights()
    for initializer in graph.initializers { constants[initializer.name] = initializer.tensor }
    graph.nodes.removeAll { node in
      guard node.type == "Constant", let tensor = Self.constant(node) else { return false }
      constants[node.outputs[0]] = tensor
      written.insert(node.outputs[0])
      return true
    }
    needed = nodesNeeded()
    let naming = WeightNaming(graph)
    let differentiable = differentiableInputs()
    for (index, node) in graph.nodes.enumerated() where needed[index] {
      for (input, name) in node.inputs.enumerated() {
        guard let tensor = constants[name], tensor.isFloat else { continue }
        let place = InputPlace(node: index, input: input)
        try bind(
          name, tensor, place, InputRole.of(node, input), naming,
          isDifferentiable: differentiable.contains(place))
      }
    }
    tieTables()
  }

  /// The tensor of a node without inputs.
  private static func constant(_ node: ONNXNode) -> ONNXTensor? {
    for attribute in node.attributes {
      switch (attribute.name, attribute.value) {
      case ("value", .tensor(let tensor)): return tensor
      case ("value_float", .float(let value)): return ONNXTensor([], floats: [value])
      case ("value_floats", .floats(let values)): return ONNXTensor([values.count], floats: values)
      case ("value_int", .integer(let value)): return ONNXTensor([], integers: [value])
      case ("value_ints", .integers(let values)):
        return ONNXTensor([values.count], integers: values)
      default: continue
      }
    }
    return nil
  }

  /// Weights that the file stores under another one's name, since they are equal: each gets its own again.
  private mutating func nameSharedWeights() {
    var stored: [String: ONNXTensor] = [:]
    for initializer in graph.initializers { stored[initializer.name] = initializer.tensor }
    graph.nodes.removeAll { node in
      guard node.type == "Identity", let tensor = stored[node.inputs[0]], tensor.isFloat,
        !graph.outputs.contains(where: { $0.name == node.outputs[0] })
      else { return false }
      graph.initializers.append(.init(node.outputs[0], tensor))
      stored[node.outputs[0]] = tensor
      return true
    }
  }

  /// Which nodes compute something that the result needs; also notes the inputs.
  private mutating func nodesNeeded() -> [Bool] {
    var names = Set(graph.outputs.map(\.name))
    var needed = [Bool](repeating: false, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated().reversed()
    where node.outputs.contains(where: names.contains) {
      needed[index] = true
      names.formUnion(node.inputs)
    }
    inputs = graph.inputs.filter { names.contains($0.name) && constants[$0.name] == nil }
    return needed
  }

  /// The inputs of nodes that a gradient of the graph's results can reach.
  private func differentiableInputs() -> Set<InputPlace> {
    var needed = Set(graph.outputs.map(\.name))
    var places: Set<InputPlace> = []
    for (index, node) in graph.nodes.enumerated().reversed()
    where node.outputs.contains(where: needed.contains) {
      for (input, name) in node.inputs.enumerated() {
        switch InputRole.of(node, input) {
        case .fixed, .statistic: continue
        default: break
        }
        places.insert(InputPlace(node: index, input: input))
        needed.insert(name)
      }
    }
    return places
  }

  // MARK: Weights

  private mutating func bind(
    _ initializer: String, _ tensor: ONNXTensor, _ place: InputPlace, _ role: InputRole,
    _ naming: WeightNaming, isDifferentiable: Bool
  ) throws(GraphError) {
    let node = graph.nodes[place.node]
    func name(_ suffix: String?) -> String {
      naming.name(of: initializer, in: place.node, suffix: suffix)
    }
    if case .statistic(let suffix) = role {
      let found = name(suffix)
      statisticNames[place] = found
      if !statistics.contains(where: { $0.name == found }) {
        statistics.append(ImportedStatistic(name: found, values: tensor.floats))
      }
      return
    }
    guard isDifferentiable else { return }
    guard !written.contains(initializer) else { return noteConstant(node, tensor) }
    if let module = naming.moduleCalledAgain(by: place.node, using: initializer) {
      let notice = "the module '\(module)' is called more than once, and trained as one"
      if !notices.contains(notice) { notices.append(notice) }
    }
    switch role {
    case .weight(let kind, let suffix):
      let kind = kind == "Conv" ? (tensor.shape.count == 3 ? "Conv1d" : "Conv2d") : kind
      bindings[place] = .direct(try add(name(suffix), tensor.shape, tensor.floats, kind))
    case .matrix where tensor.shape.count == 2:
      bindings[place] = .transposed(
        try add(name("weight"), tensor.shape.reversed(), tensor.transposedFloats, "Linear"))
    case .recurrent(let part): try bindRecurrent(initializer, tensor, place, part, naming)
    case .matrix, .plain:
      guard let source = naming.source(initializer) else { return noteConstant(node, tensor) }
      if LayerName.isSingularVector(source) {
        let notice = "'\(source)' stays as it is: the file has no iteration that would move it"
        if !notices.contains(notice) { notices.append(notice) }
        return
      }
      // Sums of bias and product are a linear map's.
      let isBias = node.type == "Add" && source.hasSuffix("bias") && tensor.shape.count == 1
      bindings[place] = .direct(
        try add(name(isBias ? "bias" : nil), tensor.shape, tensor.floats, isBias ? "Linear" : ""))
    case .fixed, .statistic: break
    }
  }

  /// Notes a weight, whose name others may have too where they are the same weight.
  private mutating func add(
    _ name: String, _ shape: [Int], _ values: [Float], _ kind: String
  ) throws(GraphError) -> String {
    guard let place = places[name] else {
      places[name] = parameters.count
      parameters.append(ImportedParameter(name: name, shape: shape, values: values, kind: kind))
      return name
    }
    let known = parameters[place]
    guard known.shape == shape, known.values == values else {
      throw GraphError(
        "two weights of the file are called '\(name)', of shapes \(known.shape) and \(shape): export the "
          + "model anew, with optimize=False or do_constant_folding=False")
    }
    if known.kind.isEmpty, !kind.isEmpty {
      parameters[place] = ImportedParameter(name: name, shape: shape, values: values, kind: kind)
    }
    return name
  }

  private mutating func noteConstant(_ node: ONNXNode, _ tensor: ONNXTensor) {
    guard tensor.count > 1, tensor.shape.count > 1 else { return }
    let isMask = tensor.floats.allSatisfy { $0 == 0 || $0 == 1 || $0 < -1e30 }
    guard !isMask else { return }
    notices.append(
      "a table of numbers \(tensor.shape) that \(node.place) uses has no name in the file, and is not "
        + "trained; where it is a weight, export the model with optimize=False, or in the older exporter "
        + "with do_constant_folding=False")
  }

  // MARK: Recurrent layers

  private mutating func bindRecurrent(
    _ initializer: String, _ tensor: ONNXTensor, _ place: InputPlace,
    _ part: InputRole.RecurrentPart, _ naming: WeightNaming
  ) throws(GraphError) {
    let node = graph.nodes[place.node]
    guard let cell = node.recurrentCell,
      tensor.shape.count == (part == .biases ? 2 : 3), let hidden = node.hiddenSize,
      tensor.shape[1] == (part == .biases ? 2 : 1) * cell.gates * hidden
    else {
      throw GraphError("\(node.place): the weight '\(initializer)' has the shape \(tensor.shape)")
    }
    let module = naming.fullScope(node.scope ?? "")
    // Weights of the inputs tell the layers of a module from one another.
    let key = node.inputs[1]
    var known = layers[module] ?? []
    if !known.contains(key) { known.append(key) }
    layers[module] = known
    let layer = known.firstIndex(of: key) ?? 0
    func names(_ part: String) -> [String] {
      (0..<tensor.shape[0]).map { direction in
        let isReverse = direction == 1 || node["direction"] == .string("reverse")
        return naming.joined(module, "\(part)_l\(layer)\(isReverse ? "_reverse" : "")")
      }
    }
    let rows = cell.gates * hidden
    let size = tensor.count / tensor.shape[0]
    /// The rows of a direction from one on, in PyTorch's order of gates.
    func gates(_ direction: Int, _ first: Int, _ columns: Int) -> [Float] {
      var values = [Float](repeating: 0, count: rows * columns)
      let start = direction * size + first * columns
      let all = tensor.floats
      for (theirs, ours) in cell.onnxGates.enumerated() {
        for index in 0..<hidden * columns {
          values[ours * hidden * columns + index] = all[start + theirs * hidden * columns + index]
        }
      }
      return values
    }
    let kind = node.type
    guard part == .biases else {
      let columns = tensor.shape[2]
      var found: [String] = []
      for (direction, name) in names(part == .inputs ? "weight_ih" : "weight_hh").enumerated() {
        found.append(try add(name, [rows, columns], gates(direction, 0, columns), kind))
      }
      bindings[place] = .directions(found)
      return
    }
    var found: [(String, String)] = []
    for (direction, pair) in zip(names("bias_ih"), names("bias_hh")).enumerated() {
      found.append(
        (
          try add(pair.0, [rows], gates(direction, 0, 1), kind),
          try add(pair.1, [rows], gates(direction, rows, 1), kind)
        ))
    }
    bindings[place] = .biases(found.map { (input: $0.0, state: $0.1) })
  }

  // MARK: Tables that are used twice

  /// A table of vectors and a linear map with equal numbers are one weight, at both ends of a language
  /// model: exporters that transpose the map's in advance store both.
  private mutating func tieTables() {
    let tables = parameters.filter { $0.kind == "Embedding" }
    for table in tables where Set(table.values.prefix(1 << 10).map(\.bitPattern)).count > 1 {
      guard
        let map = parameters.first(where: {
          $0.kind == "Linear" && $0.name != table.name && $0.shape == table.shape
            && $0.values == table.values
        })
      else { continue }
      for (place, binding) in bindings {
        switch binding {
        case .direct(map.name): bindings[place] = .direct(table.name)
        case .transposed(map.name): bindings[place] = .transposed(table.name)
        default: break
        }
      }
      parameters.removeAll { $0.name == map.name }
      notices.append("'\(map.name)' is '\(table.name)': both are one weight, under the latter name")
    }
  }
}

extension ONNXTensor {
  /// The values of a matrix's transpose.
  fileprivate var transposedFloats: [Float] {
    let (rows, columns, values) = (shape[0], shape[1], floats)
    return (0..<columns).flatMap { column in (0..<rows).map { values[$0 * columns + column] } }
  }
}

extension ONNXNode {
  /// What the node is called in messages.
  var place: String {
    name.isEmpty ? "the \(type) that computes '\(outputs.first ?? "")'" : "the \(type) '\(name)'"
  }

  /// What a recurrent node computes at a position; nil for other nodes, and for other functions.
  var recurrentCell: RecurrentCell? {
    var names: [String]?
    if case .strings(let given)? = self["activations"] { names = given }
    func hasUsual(_ usual: [String]) -> Bool {
      guard let names else { return true }
      return names.count % usual.count == 0
        && names.enumerated().allSatisfy { $1.lowercased() == usual[$0 % usual.count] }
    }
    switch type {
    case "LSTM": return hasUsual(["sigmoid", "tanh", "tanh"]) ? .lstm : nil
    case "GRU": return hasUsual(["sigmoid", "tanh"]) ? .gru : nil
    case "RNN": return hasUsual(["tanh"]) ? .tanh : hasUsual(["relu"]) ? .relu : nil
    default: return nil
    }
  }

  var hiddenSize: Int? {
    if case .integer(let size)? = self["hidden_size"], size > 0 { size } else { nil }
  }
}
