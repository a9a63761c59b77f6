// Weight gradients that are left as factors: a step that leaves x where the forward pass comes by it, and
// one that leaves dy.

extension PlanBuilder {
  /// The slot of a gradient that is left as factors; nil where the plan makes it.
  func factorSlot(of value: Graph.ValueID) -> Int? {
    slotOfGradient[value].flatMap { factors?.products[$0] == nil ? nil : $0 }
  }

  /// The slots of gradients that a value is the x of, where these are left as factors.
  func factorSlots(ofInput value: Graph.ValueID) -> [Int] {
    guard let factors else { return [] }
    return program.leaves.indices.filter { slot in
      guard factors.products[slot] != nil, let leaf = program.leaves[slot],
        let producer = program.graph.values[leaf.value].producer
      else { return false }
      return program.graph.nodes[producer].inputs[0] == value
    }
  }

  /// Emits the step that leaves a factor, once its values are there; nothing where it has been emitted.
  func emitFactor(_ factor: GradientFactors.Factor, _ rows: Memory) {
    guard let factors, !factorCompletions.contains(where: { $0.factor == factor }) else { return }
    let n = rows.descriptor.shape[0]
    emit([rows]) {
      let values = $0[0].floats
      return { context in factors.leave(factor, values, n, context) }
    }
    factorCompletions.append((step: steps.count - 1, factor))
  }
}

extension GradientFactors {
  /// Leaves a factor of the examples that are computed for whoever multiplies, here and elsewhere.
  fileprivate func leave(
    _ factor: Factor, _ rows: UnsafePointer<Float>, _ n: Int, _ context: RunContext
  ) {
    guard let base = context.factors else {
      preconditionFailure("a plan that leaves factors is run without a place for them")
    }
    let examples = context.firstExample..<context.firstExample + n
    lay(factor, rows, examples, into: base)
    guard let outbox = context.outbox,
      let place = range(of: factor, examples: outbox.examples.count)
    else { return }
    let width = place.count / outbox.examples.count
    let before = examples.lowerBound - outbox.examples.lowerBound
    (outbox.base + place.lowerBound + before * width).update(from: rows, count: n * width)
  }
}
