/// A pure function from tensors to tensors: its shapes and its reverse rule.
///
/// How it runs is said elsewhere: by its lowering to primitives and kernels, and in
/// Double by its reference evaluation (``ReferenceOperation``), against which both rules and
/// lowering are tested.
package protocol Operation: ReferenceOperation, Sendable {
  /// The operation's name in errors and profiles.
  var name: String { get }

  /// The number of results.
  var outputCount: Int { get }

  /// The types of the results. Throws ``GraphError`` where the inputs do not fit.
  func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType]

  /// The reverse rule: for each input the gradient of a scalar, given its gradients by the outputs
  /// (nil stands for zero). Nil means that no gradient flows.
  func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?]
}

/// One application of an operation, as its reverse rule sees it.
package struct Call {
  package let inputs: [Tensor]
  package let outputs: [Tensor]
  /// Whether a gradient by the input at an index is wanted.
  package let needs: [Bool]
}

extension Operation {
  package var outputCount: Int { 1 }
}

/// Throws a ``GraphError`` unless `condition` holds.
package func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws(GraphError) {
  if !condition { throw GraphError(message()) }
}
