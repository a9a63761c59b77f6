import LockstepEngine

/// The gradient of a scalar by one leaf, by central differences in Double: (f(x + h) − f(x − h)) / 2h
/// for each element, h = 1e-5 · √max(1, |x|).
///
/// - Parameters:
///   - scalar: the scalar of the graph that is differentiated.
///   - leaf: where among the leaves' values the tensor lies.
package func centralDifferences(
  of scalar: Tensor, by leaf: WritableKeyPath<ReferenceEvaluator.Leaves, HostTensor?>,
  at leaves: ReferenceEvaluator.Leaves, context: ReferenceContext = ReferenceContext()
) throws -> HostTensor {
  guard let point = leaves[keyPath: leaf] else { throw GraphError("the leaf has no value") }
  let evaluator = ReferenceEvaluator(scalar.graph, context: context)
  var gradient = point
  for index in point.values.indices {
    let x = point.values[index]
    let h = 1e-5 * max(1, x.magnitude).squareRoot()
    func value(at x: Double) throws -> Double {
      var moved = leaves
      moved[keyPath: leaf]?.values[index] = x
      return try evaluator.evaluate([scalar], moved)[0].values[0]
    }
    let (above, below) = (x + h, x - h)
    gradient.values[index] = (try value(at: above) - value(at: below)) / (above - below)
  }
  return gradient
}
