import LockstepEngine

extension Operators {
  /// Operators that put the values of some axes together.
  static func reductions(_ call: OperatorCall) throws(GraphError) -> [ImportedValue]? {
    switch call.node.type {
    case "ReduceSum": try reduction(call) { $0.sum($1, keepDimensions: true) }
    case "ReduceMean": try reduction(call) { $0.mean($1, keepDimensions: true) }
    case "ReduceMax": try reduction(call) { $0.maximum($1, keepDimensions: true) }
    case "ReduceMin": try reduction(call) { $0.minimum($1, keepDimensions: true) }
    case "ReduceSumSquare": try reduction(call) { $0.square().sum($1, keepDimensions: true) }
    case "ReduceL1": try reduction(call) { $0.absolute().sum($1, keepDimensions: true) }
    case "ReduceL2":
      try reduction(call) { $0.square().sum($1, keepDimensions: true).squareRoot() }
    case "ReduceLogSumExp":
      try reduction(call) { x, axes in
        let largest = x.maximum(axes, keepDimensions: true)
        return (x - largest).exp().sum(axes, keepDimensions: true).log() + largest
      }
    default: nil
    }
  }

  private static func reduction(
    _ call: OperatorCall, _ function: (Tensor, [Int]) -> Tensor
  ) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    var axes: [Int] = []
    for axis in try call.axes(input: 1) ?? [] {
      axes.append(try call.axis(axis, of: x.shape.count))
    }
    if axes.isEmpty {
      if call.integer("noop_with_empty_axes", 0) == 1 { return [.tensor(x)] }
      axes = Array(x.shape.indices)
    }
    let result = function(x.tensor, axes.sorted())
    guard call.integer("keepdims", 1) == 0 else { return one(result, like: x) }
    let kept = x.shape.indices.filter { !axes.contains($0) }
    return [
      .tensor(
        BatchedTensor(result.reshaped(to: kept.map { x.shape[$0] }), x.place?.permuted(kept)))
    ]
  }
}
