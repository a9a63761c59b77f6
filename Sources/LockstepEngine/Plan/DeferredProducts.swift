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
