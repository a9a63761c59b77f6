/// The values of a trace that can be read out by a name: what layers return, and what a model marks.
package struct NamedValues {
  /// The names, in the order in which the trace met them first.
  package private(set) var names: [String] = []
  private var values: [String: Graph.ValueID] = [:]
  private var marks: Set<String> = []

  /// Notes what a layer returns. Of a layer that is called several times the last call counts.
  ///
  /// - Returns: what is wrong, if anything.
  fileprivate mutating func note(layer name: String, _ value: Graph.ValueID) -> String? {
    if marks.contains(name) { return Self.clash(name) }
    if values.updateValue(value, forKey: name) == nil { names.append(name) }
    return nil
  }

  /// Notes a value that the model marks. A mark has a name of its own.
  fileprivate mutating func note(mark name: String, _ value: Graph.ValueID) -> String? {
    if name.isEmpty { return "named: a value is marked without a name" }
    if values[name] != nil { return Self.clash(name) }
    marks.insert(name)
    values[name] = value
    names.append(name)
    return nil
  }

  fileprivate func value(_ name: String) -> Graph.ValueID? { values[name] }

  private static func clash(_ name: String) -> String {
    "named: two values are called '\(name)'; layers and marks have names of their own"
  }
}

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
