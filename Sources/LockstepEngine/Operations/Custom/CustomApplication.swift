extension Graph {
  /// Applies an operation of the program's own.
  ///
  /// - Returns: ``CustomOperation/resultCount`` tensors. Where the inputs do not fit, the trace fails and
  ///   they only keep the model's code going.
  public func apply(_ operation: some CustomOperation, _ inputs: [Tensor]) -> [Tensor] {
    apply(CustomNode(base: operation), inputs)
  }
}

extension Tensor {
  /// Applies an operation of the program's own to this tensor and others.
  ///
  /// - Returns: its first result. `graph.apply` gives all.
  public func apply(_ operation: some CustomOperation, _ more: Tensor...) -> Tensor {
    let results = graph.apply(operation, [self] + more)
    guard let first = results.first else {
      graph.fail("\(operation.name): has no result")
      return self
    }
    return first
  }
}
