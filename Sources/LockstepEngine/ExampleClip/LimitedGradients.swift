/// The gradients of a batch with each example's part of them limited, made of those that a reverse pass gives.
///
/// The reverse pass ends in operations that add up what they make of each example (``ExampleContraction``). From
/// the inputs of these the norms of the examples' gradients follow, mostly without the gradients themselves. Then
/// each operation is applied once more, to inputs that are multiplied by the examples' coefficients: so all
/// examples' gradients are added up by the same kernels as ever, after one backward pass.
///
/// Source: Z. Bu et al., "Differentially private optimization on large model at small cost", ICML 2023.
struct LimitedGradients {
  private let graph: Graph
  private let kinds: [ExampleKind]
  /// The operations whose norms follow, and which of their results count.
  private var contractions: [(node: Int, results: [Int])] = []
  /// The gradients that are made example by example, for their norms alone.
  private var made: [Graph.ValueID] = []
  /// The operations' results for limited examples.
  private var limited: [Int: [Tensor]] = [:]

  init(of graph: Graph) {
    self.graph = graph
    kinds = graph.exampleKinds()
  }

  /// The gradients with the norm of each example's limited, and the norms [N]; nil where they cannot be made so.
  ///
  /// - Parameters:
  ///   - clip: the limit.
  ///   - weights: what each example adds to the divisor.
  /// - Throws: ``GraphError`` where examples see each other.
  mutating func make(
    of gradients: [Tensor?], _ clip: ExampleClip, weights: ExampleWeights
  ) throws(GraphError) -> (gradients: [Tensor?], norms: Tensor)? {
    guard gradients.contains(where: { $0 != nil }), let weight = inputs(for: weights) else {
      return nil
    }
    // One example's gradient is there.
    let isOne = graph.batchCount == 1
    if !isOne {
      for gradient in gradients {
        guard let gradient else { continue }
        guard try find(gradient.id) else { return nil }
      }
    }
    let norms = isOne ? gradients.compactMap { $0.map(norm) } : try makeNorms()
    let coefficients = graph.apply(
      ExampleCoefficients(limit: clip.norm, weight: weight.each), norms + weight.inputs)
    let result = gradients.map { gradient in
      gradient.map { isOne ? scaled($0, coefficients[0]) : remake($0.id, coefficients[0]) }
    }
    graph.scope = ""
    try graph.check()
    return (result, coefficients[1])
  }

  private func tensor(_ id: Graph.ValueID) -> Tensor { Tensor(graph: graph, id: id) }

  // MARK: What examples weigh

  /// What examples weigh: a number, or a tensor [N]; nil where they cannot be told apart.
  private func inputs(for weights: ExampleWeights) -> (each: Double?, inputs: [Tensor])? {
    switch weights {
    case .each(let weight): return (weight, [])
    case .total(let total): return parts(of: total).map { (nil, [$0]) }
    }
  }

  /// Each example's part [N] of a sum over examples.
  private func parts(of total: Tensor) -> Tensor? {
    guard let producer = graph.values[total.id].producer else { return nil }
    let node = graph.nodes[producer]
    let input = tensor(node.inputs[0])
    switch node.operation {
    case is Reshape: return parts(of: input)
    case let activation as Activation:
      guard case .affine(let scale, 0) = activation.kind else { return nil }
      return parts(of: input).map { $0 * scale }
    case let sum as Sum where sum.axes.count == input.shape.count && kinds[input.id] == .rows:
      return input.reshaped(to: [graph.batchCount, -1]).sum([1])
    case let sum as LabelWeightSum where kinds[input.id] == .rows:
      return input.apply(sum.weights).reshaped(to: [graph.batchCount, -1]).sum([1])
    default: return nil
    }
  }

  // MARK: Where gradients come from

  /// Finds how the norms of the examples' parts of a gradient are to be had. False where they cannot be.
  private mutating func find(_ value: Graph.ValueID) throws(GraphError) -> Bool {
    if kinds[value] == .mixed { throw mixture(value) }
    let before = contractions
    if collect(value) { return true }
    contractions = before
    guard isMade(value) else { return false }
    made.append(value)
    return true
  }

  /// Whether a value is made by adding up over examples, from inputs that belong to one each.
  private func isContraction(_ node: Graph.Node) -> Bool {
    guard let operation = node.operation as? any ExampleContraction else { return false }
    return kinds[node.inputs[operation.linearInput]] == .rows
      && node.inputs.allSatisfy { kinds[$0] == .rows || kinds[$0] == .shared }
  }

  /// Finds the operations that a gradient comes from. False where the norms of its examples' parts do not follow
  /// from theirs.
  private mutating func collect(_ value: Graph.ValueID) -> Bool {
    guard let producer = graph.values[value].producer, kinds[value] == .total else { return false }
    let node = graph.nodes[producer]
    if isContraction(node) {
      let result = graph.values[value].outputIndex
      guard let known = contractions.firstIndex(where: { $0.node == producer }) else {
        contractions.append((producer, [result]))
        return true
      }
      // One gradient of two parameters, or twice in one.
      guard !contractions[known].results.contains(result) else { return false }
      contractions[known].results.append(result)
      return true
    }
    switch node.operation {
    case is Reshape: return collect(node.inputs[0])
    case let whole as SliceSum where !whole.hasBase && whole.areDisjoint: break
    // A part of a tensor, and zeros.
    case is Concatenate: break
    default: return false
    }
    for input in node.inputs where kinds[input] != .shared && !collect(input) { return false }
    return true
  }

  /// Whether a gradient can be made of single examples. What stands between the operations that add up and the
  /// gradient by a parameter is linear in what they give, as all rules of differentiation are.
  private func isMade(_ value: Graph.ValueID) -> Bool {
    if kinds[value] == .shared { return true }
    guard let producer = graph.values[value].producer, kinds[value] == .total else { return false }
    let node = graph.nodes[producer]
    return isContraction(node) || node.inputs.allSatisfy(isMade)
  }

  // MARK: Norms

  /// The norm of a gradient that is one example's, [1].
  private func norm(_ gradient: Tensor) -> Tensor {
    gradient.reshaped(to: [1] + gradient.shape).apply(SumExampleNorms(axes: [0], examples: 1))
  }

  private func scaled(_ gradient: Tensor, _ coefficient: Tensor) -> Tensor {
    gradient.reshaped(to: [1] + gradient.shape).apply(ScaledExamples(), coefficient)
      .reshaped(to: gradient.shape)
  }

  /// The norms [N] of all parts of the examples' gradients.
  private func makeNorms() throws(GraphError) -> [Tensor] {
    var norms: [Tensor] = []
    for (index, results) in contractions.sorted(by: { $0.node < $1.node }) {
      let node = graph.nodes[index]
      guard let contraction = node.operation as? any ExampleContraction else { continue }
      graph.scope = node.scope
      norms += graph.apply(
        contraction.exampleNorms(of: results.sorted(), examples: graph.batchCount),
        node.inputs.map(tensor))
    }
    for value in made {
      let own = (0..<graph.batchCount).map { example in
        var known: [Int: [Tensor]] = [:]
        return norm(gradient(value, of: example, &known))
      }
      norms.append(Tensor.concatenated(own, axis: 0))
    }
    return norms
  }

  /// One example's part of a gradient.
  ///
  /// - Parameter known: what operations have given for the example.
  private func gradient(
    _ value: Graph.ValueID, of example: Int, _ known: inout [Int: [Tensor]]
  ) -> Tensor {
    guard let producer = graph.values[value].producer, kinds[value] == .total else {
      return tensor(value)
    }
    let place = graph.values[value].outputIndex
    if let results = known[producer] { return results[place] }
    let node = graph.nodes[producer]
    let inputs = node.inputs.map { input in
      guard kinds[input] == .rows else { return gradient(input, of: example, &known) }
      let rows = graph.values[input].type.shape[0] / graph.batchCount
      return tensor(input).sliced(axis: 0, example * rows..<(example + 1) * rows)
    }
    graph.scope = node.scope
    let results = graph.apply(node.operation, inputs)
    known[producer] = results
    return results[place]
  }

  // MARK: Gradients of limited examples

  /// A gradient once more, of examples that are multiplied by their coefficients.
  private mutating func remake(_ value: Graph.ValueID, _ coefficients: Tensor) -> Tensor {
    guard let producer = graph.values[value].producer, kinds[value] == .total else {
      return tensor(value)
    }
    let place = graph.values[value].outputIndex
    if let results = limited[producer] { return results[place] }
    let node = graph.nodes[producer]
    var inputs = node.inputs.map(tensor)
    if isContraction(node), let contraction = node.operation as? any ExampleContraction {
      graph.scope = node.scope
      inputs[contraction.linearInput] = inputs[contraction.linearInput].apply(
        ScaledExamples(), coefficients)
    } else {
      for (index, input) in node.inputs.enumerated() { inputs[index] = remake(input, coefficients) }
    }
    graph.scope = node.scope
    let results = graph.apply(node.operation, inputs)
    limited[producer] = results
    return results[place]
  }

  /// Says where examples begin to see each other.
  private func mixture(_ value: Graph.ValueID) -> GraphError {
    let first = graph.nodes.first { node in
      node.outputs.contains { kinds[$0] == .mixed }
        && !node.inputs.contains { kinds[$0] == .mixed }
    }
    let place = first.map {
      ($0.scope.isEmpty ? "" : "layer '\($0.scope)': ") + "'\($0.operation.name)'"
    }
    return GraphError(
      "\(place ?? "the model") lets examples of a batch see each other, so that none has a gradient of its own "
        + "that 'clip' of the type 'perExample' could limit: keep the first axis for the examples")
  }
}

extension SliceSum {
  /// Whether no value is a part of two slices.
  fileprivate var areDisjoint: Bool {
    guard let axis = slices.first?.axis, slices.allSatisfy({ $0.axis == axis }) else {
      return slices.count < 2
    }
    let sorted = slices.sorted { $0.start < $1.start }
    return zip(sorted, sorted.dropFirst()).allSatisfy { $0.start + $0.count <= $1.start }
  }
}

extension Program {
  /// A program whose gradients are those of examples, each limited, with the norms of the examples' gradients
  /// [N] as its last output; nil where examples must be computed one by one.
  ///
  /// - Parameters:
  ///   - clip: the limit of each example's gradient.
  ///   - weights: what each example adds to the divisor.
  /// - Throws: ``GraphError`` where examples see each other.
  package static func limitingExamples(
    _ clip: ExampleClip, weights: ExampleWeights, differentiating loss: Tensor, scalars: [Tensor],
    outputs: [Tensor]
  ) throws(GraphError) -> Program? {
    var isPossible = true
    let program = try Program(differentiating: loss, scalars: scalars, outputs: outputs) {
      gradients throws(GraphError) in
      var limited = LimitedGradients(of: loss.graph)
      guard let made = try limited.make(of: gradients, clip, weights: weights) else {
        isPossible = false
        return (gradients, [])
      }
      return (made.gradients, [made.norms])
    }
    return isPossible ? program : nil
  }
}
