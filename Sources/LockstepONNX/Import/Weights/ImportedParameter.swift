import LockstepEngine

/// A weight of a file that is trained.
package struct ImportedParameter: Sendable {
  /// Its name in PyTorch, as far as the file tells.
  package let name: String
  package let shape: [Int]
  package let values: [Float]
  /// The kind of layer that it belongs to, `Linear`.
  package let kind: String
}

/// A running mean or variance of a file.
package struct ImportedStatistic: Sendable {
  package let name: String
  package let values: [Float]
}

/// What an input of a node that is a weight stands for.
enum WeightBinding: Sendable {
  /// The parameter of this name.
  case direct(String)
  /// The transpose of the matrix of this name.
  case transposed(String)
  /// Parameters of the directions of a recurrent layer, in PyTorch's order of gates.
  case directions([String])
  /// Two biases for each direction, in PyTorch's order of gates.
  case biases([(input: String, state: String)])
}

/// An input of a node.
struct InputPlace: Hashable, Sendable {
  let node: Int
  let input: Int
}

/// Starts from the values of a file.
struct StoredValues: Initializer {
  let values: [Float]

  func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {
    for index in values.indices { values[index] = self.values[index] }
  }
}
