/// Weight gradients of linear maps that a plan does not make, dW = Σᵢ dyᵢ xᵢᵀ over examples.
///
/// A run hands over x and dy, each as soon as it is there; whoever gets them makes the gradient.
package protocol DeferredProducts: AnyObject {
  /// The slots of the leaf that a run leaves out.
  var slots: [Int] { get }

  /// Takes one operand of a product.
  ///
  /// - Parameters:
  ///   - operand: which one.
  ///   - rows: a row an example.
  ///   - examples: the examples' places in the batch.
  func take(_ operand: ProductOperand, _ rows: UnsafePointer<Float>, of examples: Range<Int>)
}

/// One operand of the product that the gradient in a slot is.
package struct ProductOperand: Sendable, Equatable {
  /// The map's inputs x, or the gradients dy by its outputs.
  package enum Kind: Sendable { case inputs, gradients }
  package let slot: Int
  package let kind: Kind

  package init(slot: Int, kind: Kind) {
    self.slot = slot
    self.kind = kind
  }
}

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
