import LockstepEngine
import LockstepFiles

/// A recurrent layer, and what PyTorch computes in float64: its output and last states, and the gradients of
/// the sum of their products with cotangents.
package struct RecurrentCase: Sendable, CustomStringConvertible {
  /// Unique, and telling.
  package let name: String
  /// `tanh`, `relu`, `gru` or `lstm`.
  package let cell: String
  package let features: Int
  package let hidden: Int
  package let layers: Int
  package let bidirectional: Bool
  package let bias: Bool
  /// Whether the first states are given.
  package let initial: Bool
  /// The sequences' lengths; nil where all have all positions.
  package let lengths: [Int]?
  /// The parameters' names, in PyTorch's order.
  package let parameters: [String]
  /// Parameters, `x`, `h0`, `c0`.
  package let inputs: [String: HostTensor]
  /// `output`, `h_n`, `c_n`.
  package let outputs: [String: HostTensor]
  package let cotangents: [String: HostTensor]
  /// By the keys of `inputs`.
  package let gradients: [String: HostTensor]

  package var description: String { name }

  /// All cases of `Tests/LockstepTestSupport/Data/recurrent.safetensors`.
  package static let all: [RecurrentCase] = {
    do {
      let file = try ReferenceFile("LockstepTestSupport/Data/recurrent.safetensors")
      return try file.descriptions.map { try RecurrentCase($0, file) }
    } catch { preconditionFailure("recurrent cases: \(error)") }
  }()

  private init(_ description: JSONObject, _ file: ReferenceFile) throws {
    guard let name = description.text("name"), let cell = description.text("cell"),
      let features = description.integer("features"), let hidden = description.integer("hidden"),
      let layers = description.integer("layers"), let lengths = description.integers("lengths"),
      let parameters = description.texts("parameters")
    else { throw GraphError("a case is not described completely: \(description)") }
    func tensors(_ kind: String) throws -> [String: HostTensor] {
      let prefix = "\(name)/\(kind)/"
      return Dictionary(
        uniqueKeysWithValues: try file.names(withPrefix: prefix).map {
          (String($0.dropFirst(prefix.count)), try file.tensor($0))
        })
    }
    self.name = name
    self.cell = cell
    self.features = features
    self.hidden = hidden
    self.layers = layers
    self.lengths = lengths.isEmpty ? nil : lengths
    self.parameters = parameters
    bidirectional = description.flag("bidirectional")
    bias = description.flag("bias")
    initial = description.flag("initial")
    inputs = try tensors("input")
    outputs = try tensors("output")
    cotangents = try tensors("cotangent")
    gradients = try tensors("gradient")
  }
}
