// Reading the values of a trace out by name.

extension Graph {
  /// Notes what the layer of a name returns.
  package func note(layer name: String, _ tensor: Tensor) {
    guard !hasFailed, belong([tensor], to: "the layer '\(name)'") else { return }
    if let problem = namedValues.note(layer: name, tensor.id) { fail(problem) }
  }

  fileprivate func note(mark name: String, _ tensor: Tensor) {
    guard !hasFailed else { return }
    if let problem = namedValues.note(mark: name, tensor.id) { fail(problem) }
  }

  /// The value of a name; nil where there is none.
  package func value(named name: String) -> Tensor? {
    namedValues.value(name).map { Tensor(graph: self, id: $0) }
  }
}

extension Tensor {
  /// The same tensor, under a name that a trained model's values can be read out by.
  ///
  /// ```swift
  /// func callAsFunction(_ input: Tensor) -> Tensor {
  ///   let features = trunk(input).mean([2, 3]).named("features")
  ///   return head(features)
  /// }
  /// ```
  ///
  /// A name changes no number. Layers can be read out by their own names, so that values between them
  /// alone need one. The trace fails where a name is given twice or is a layer's.
  public func named(_ name: String) -> Tensor {
    graph.note(mark: name, self)
    return self
  }
}
