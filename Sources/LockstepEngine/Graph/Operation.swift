/// A pure function from tensors to tensors: its shapes and its rules of
/// differentiation.
///
/// How it runs is said elsewhere: by its lowering to primitives and kernels, and in
/// Double by its reference evaluation (``ReferenceOperation``), against which both rules and
/// lowering are tested.
package protocol Operation: ReferenceOperation, Sendable {
  /// The operation's name in errors and profiles.
  var name: String { get }

  /// The number of results.
  var outputCount: Int { get }

  /// The part that the operation takes where a plan computes in bfloat16.
  var precisionRole: PrecisionRole { get }

  /// The types of the results. Throws ``GraphError`` where the inputs do not fit.
  func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType]

  /// How many multiplications with an addition it makes, for tables of a model's work; operations that only pass
  /// over values once count as none.
  func multiplyAdds(_ inputs: [TensorType], _ outputs: [TensorType]) -> Int

  /// Whether an input, by its index, may hold integers.
  func acceptsIntegers(_ input: Int) -> Bool

  /// The types of the results in a trace that has failed, which only keep the model's code going:
  /// of the rank that it expects.
  func placeholders(_ inputs: [TensorType]) -> [TensorType]

  /// The reverse rule: for each input the gradient of a scalar, given its gradients by the outputs
  /// (nil stands for zero). Nil means that no gradient flows.
  func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?]

  /// The forward rule: for each result its derivative along a direction, given the inputs'
  /// derivatives (nil stands for zero, and one at least is none). Nil instead of a list means that
  /// the operation has no such rule.
  func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]?
}

/// One application of an operation, as its rules see it.
package struct Call {
  package let inputs: [Tensor]
  package let outputs: [Tensor]
  /// Whether a gradient by the input at an index is wanted, or its tangent known.
  package let needs: [Bool]
}

extension Operation {
  package var outputCount: Int { 1 }
  package func multiplyAdds(_ inputs: [TensorType], _ outputs: [TensorType]) -> Int { 0 }
  package func acceptsIntegers(_ input: Int) -> Bool { false }
  package func placeholders(_ inputs: [TensorType]) -> [TensorType] {
    Array(repeating: inputs.first ?? TensorType([]), count: outputCount)
  }
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? { nil }
}

/// Throws a ``GraphError`` unless `condition` holds.
package func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws(GraphError) {
  if !condition { throw GraphError(message()) }
}

/// The sum of two tangents, of which nil stands for zero.
func sumOfTangents(_ a: Tensor?, _ b: Tensor?) -> Tensor? {
  guard let a, let b else { return a ?? b }
  return a + b
}
