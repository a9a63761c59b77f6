public import LockstepEngine

/// Tensors of a trace with names, in order: what a model with several inputs takes, and what one with
/// several outputs returns.
///
/// ```swift
/// let logits = head(encoder(inputs["tokens"]))
/// return ["logits": logits, "length": lengths]
/// ```
public struct NamedTensors: ExpressibleByDictionaryLiteral {
  /// The names and tensors, in order.
  package let entries: [(name: String, tensor: Tensor)]

  /// Names tensors, in order.
  public init(_ entries: [(name: String, tensor: Tensor)]) { self.entries = entries }

  /// Names tensors, in the order of the literal.
  public init(dictionaryLiteral elements: (String, Tensor)...) {
    entries = elements.map { ($0.0, $0.1) }
  }

  /// The names, in order.
  public var names: [String] { entries.map(\.name) }

  /// The tensor of a name. The trace fails where there is none.
  public subscript(name: String) -> Tensor {
    if let tensor = find(name) { return tensor }
    let known = names.map { "'\($0)'" }.joined(separator: ", ")
    let message = "there is no tensor '\(name)'; there are \(known.isEmpty ? "none" : known)"
    guard let first = entries.first?.tensor else { return Graph.failed(message) }
    first.graph.fail(message)
    return first
  }

  /// The tensor of a name; nil where there is none.
  package func find(_ name: String) -> Tensor? { entries.first { $0.name == name }?.tensor }
}
