extension Graph {
  /// Extends the graph by the gradients of a scalar.
  ///
  /// - Parameters:
  ///   - scalar: the value to differentiate, of shape [].
  ///   - wanted: the values to differentiate by.
  /// - Returns: for each wanted value d scalar / d value in the value's shape, or nil where the
  ///   scalar does not depend on it.
  package func gradients(of scalar: Tensor, by wanted: [Tensor]) -> [Tensor?] {
    gradients(from: [(scalar, constant(1))], by: wanted)
  }

  /// Extends the graph by the product of a transposed Jacobian and a vector.
  ///
  /// - Parameters:
  ///   - seeds: values, and for each a tensor of its shape: the vector's parts.
  ///   - wanted: the values to differentiate by.
  /// - Returns: for each wanted value Σ (d value / d wanted)ᵀ · seed in the wanted value's shape, or
  ///   nil where no value with a seed depends on it.
  package func gradients(
    from seeds: [(value: Tensor, seed: Tensor)], by wanted: [Tensor]
  ) -> [Tensor?] {
    let depends = dependents(of: wanted.map(\.id))
    var gradients = GradientSums(count: values.count)
    for (value, seed) in seeds where depends[value.id] { gradients.add(seed, to: value) }
    let last = seeds.compactMap { values[$0.value.id].producer }.max() ?? -1
    for index in stride(from: last, through: 0, by: -1) {
      let node = nodes[index]
      let outputs = node.outputs.map { gradients.sum(of: Tensor(graph: self, id: $0)) }
      guard outputs.contains(where: { $0 != nil }), node.inputs.contains(where: { depends[$0] })
      else { continue }
      scope = node.scope
      let call = Call(
        inputs: node.inputs.map { Tensor(graph: self, id: $0) },
        outputs: node.outputs.map { Tensor(graph: self, id: $0) },
        needs: node.inputs.map { depends[$0] })
      if let part = node.operation as? any PartOfInput {
        if let gradient = outputs[0] { gradients.add(gradient, at: part, of: call.inputs[0]) }
        continue
      }
      for (input, gradient) in zip(call.inputs, node.operation.reverse(call, outputs)) {
        guard depends[input.id], let gradient else { continue }
        gradients.add(gradient, to: input)
      }
    }
    scope = ""
    return wanted.map { gradients.sum(of: $0) }
  }
}

extension Graph {
  /// For each value whether it is one of some, or depends on one.
  func dependents(of sources: [ValueID]) -> [Bool] {
    var depends = [Bool](repeating: false, count: values.count)
    for id in sources { depends[id] = true }
    for node in nodes where node.inputs.contains(where: { depends[$0] }) {
      for output in node.outputs { depends[output] = true }
    }
    return depends
  }
}

/// The gradients of a reverse pass, as they are added up.
///
/// What parts of a value contribute is kept until the value's sum is wanted, or something else
/// contributes to it, and then added by one operation: the order of additions is that of the pass.
private struct GradientSums {
  private var sums: [Tensor?]
  /// What parts of a value have contributed since its sum was last made, in their order.
  private var parts: [Graph.ValueID: [(place: any PartOfInput, gradient: Tensor)]] = [:]

  init(count: Int) { sums = Array(repeating: nil, count: count) }

  mutating func add(_ gradient: Tensor, to value: Tensor) {
    sums[value.id] = sum(of: value).map { $0 + gradient } ?? gradient
  }

  mutating func add(_ gradient: Tensor, at place: any PartOfInput, of value: Tensor) {
    // Parts of another kind are added by another operation.
    if let first = parts[value.id]?.first, type(of: first.place) != type(of: place) {
      _ = sum(of: value)
    }
    parts[value.id, default: []].append((place, gradient))
  }

  /// The sum of all that was added for a value; nil where that is nothing.
  mutating func sum(of value: Tensor) -> Tensor? {
    if let parts = parts.removeValue(forKey: value.id), let first = parts.first {
      sums[value.id] = type(of: first.place).gradient(
        of: parts, base: sums[value.id], shape: value.shape)
    }
    return sums[value.id]
  }
}
