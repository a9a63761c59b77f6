import LockstepCatalog
public import LockstepEngine

/// A vector for each of `count` symbols: indices […] of Int32 → vectors […, width].
///
/// Parameter: `weight` [count, width], drawn from the standard normal distribution, as PyTorch draws it. An
/// index outside of 0..<count gives not-a-numbers, and the step that meets it is refused as not finite.
public struct Embedding: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The number of symbols, PyTorch's `num_embeddings`.
  package let count: Int
  /// The number of values of a vector, PyTorch's `embedding_dim`.
  package let width: Int
  /// The index whose vector is 0 at first and gets no gradient, PyTorch's `padding_idx`; nil for none.
  package let paddingIndex: Int?
  /// Draws the weight; the vector of ``paddingIndex`` is 0 whatever it draws.
  package let weightInitializer: any Initializer
  /// The set that the weight is projected onto after every update.
  package let constraint: WeightConstraint?
  /// Whether the weight is updated.
  package let trainable: Bool

  /// Makes a layer like PyTorch's `Embedding(num_embeddings, embedding_dim, padding_idx)`.
  public init(
    _ count: Int, _ width: Int, paddingIndex: Int? = nil,
    weightInitializer: (any Initializer)? = nil, constraint: WeightConstraint? = nil,
    trainable: Bool = true
  ) {
    self.count = count
    self.width = width
    self.paddingIndex = paddingIndex
    self.weightInitializer = weightInitializer ?? NormalInitializer()
    self.constraint = constraint
    self.trainable = trainable
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard
      scope.require(
        count > 0 && width > 0, "count and width must be positive, got \(count) and \(width)"),
      scope.require(
        input.type.scalar == .int32,
        "expects indices of Int32, got Float32 values \(input.shape); an embedding is the first layer"
      ),
      scope.require(
        paddingIndex.map((0..<count).contains) ?? true,
        "the padding index \(paddingIndex ?? 0) is not in 0..<\(count)")
    else { return input }
    let weight = scope.parameter(
      "weight", [count, width],
      paddingIndex.map { EmptyRowInitializer(base: weightInitializer, row: $0) }
        ?? weightInitializer, constraint: constraint, trainable: trainable)
    return weight.gathered(input, padding: paddingIndex)
  }
}

extension Embedding {
  package static let entry = Entry<any Model>(
    "Embedding", "a vector for each symbol: indices to vectors",
    [
      .required("count", .size, "the number of symbols"),
      .required("width", .size, "the number of values of a vector"),
      .optional(
        "paddingIndex", .integer(0...Int(Int32.max)), "the index whose vector stays 0",
        absence: "none"), .weightInitializer, .constraint, .trainable,
    ]
  ) { values in
    Embedding(
      values["count"], values["width"], paddingIndex: values["paddingIndex"],
      weightInitializer: try values.initializer("weightInitializer"),
      constraint: try values.weightConstraint, trainable: values["trainable"])
  }
}

/// Draws a matrix, and then sets a row to 0.
private struct EmptyRowInitializer: Initializer {
  let base: any Initializer
  let row: Int

  var problem: String? { base.problem }

  func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {
    base.fill(&values, shape: shape, using: &random)
    guard let count = shape.first, count > 0 else { return }
    let width = values.count / count
    for column in 0..<width { values[row * width + column] = 0 }
  }
}
