// A plan hands over the operands of the products that it does not make.

extension PlanBuilder {
  /// The slot of a gradient that is left out; nil where the plan makes it.
  func deferredSlot(of value: Graph.ValueID) -> Int? {
    slotOfGradient[value].flatMap { omittedSlots.contains($0) ? $0 : nil }
  }

  /// Hands a value over as the x of all gradients that are left out and that it is the x of.
  func handOverInputs(_ value: Graph.ValueID, _ rows: Memory) {
    for slot in program.leaves.indices where omittedSlots.contains(slot) {
      guard let leaf = program.leaves[slot],
        let producer = program.graph.values[leaf.value].producer,
        program.graph.nodes[producer].inputs[0] == value
      else { continue }
      handOver(.init(slot: slot, kind: .inputs), rows)
    }
  }

  /// Emits the step that hands over an operand, once its values are there; nothing where it has been
  /// emitted.
  func handOver(_ operand: ProductOperand, _ rows: Memory) {
    guard let deferred, !handedOver.contains(operand) else { return }
    handedOver.append(operand)
    let n = rows.descriptor.shape[0]
    emit([rows]) {
      let values = $0[0].floats
      return { context in
        deferred.take(operand, values, of: context.firstExample..<context.firstExample + n)
      }
    }
  }
}
