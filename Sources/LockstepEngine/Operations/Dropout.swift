/// y = x / (1 − rate) where the generator keeps an element, zero elsewhere.
///
/// The mask is a function of the run's seed, the step, the example's index in the global batch,
/// the layer's `key` and the element's logical index in its example: it does not depend on ranks,
/// threads, shards or memory layout. The leading axis is the example. The reverse rule applies the
/// same mask again, so that no mask is stored.
package struct Dropout: Operation {
  package let rate: Float
  /// Tells one dropout of a model from another.
  package let key: UInt32
  package var name: String { "dropout" }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(rate >= 0 && rate < 1, "the rate must be in 0..<1, got \(rate)")
    try expect(!inputs[0].shape.isEmpty, "expects an input [N, …]")
    return [inputs[0]]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0]?.apply(self)]
  }
}

extension Tensor {
  /// Zeros a fraction `rate` of the elements and scales the others by 1 / (1 − rate), while the
  /// model is traced for training; the identity otherwise.
  public func dropout(rate: Float, key: UInt32) -> Tensor {
    graph.training && rate != 0 ? apply(Dropout(rate: rate, key: key)) : self
  }
}
