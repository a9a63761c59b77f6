import LockstepCatalog
public import LockstepEngine

/// Adds a learned vector to each position: x [N, T, width] + weight[0..<T].
///
/// Parameter: `weight` [count, width], drawn from the standard normal distribution, as that of PyTorch's
/// `Embedding`. A sequence of more than `count` positions fails the trace.
public struct LearnedPositions: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The number of positions that there are vectors for.
  package let count: Int
  /// Draws the weight.
  package let weightInitializer: any Initializer

  /// Makes a layer for up to `count` positions.
  public init(_ count: Int, weightInitializer: (any Initializer)? = nil) {
    self.count = count
    self.weightInitializer = weightInitializer ?? NormalInitializer()
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    let shape = input.shape
    let place = scope.graph.place
    guard
      scope.require(count > 0, "the count must be positive, got \(count)"),
      scope.require(shape.count == 3, "expects an input [N, T, width], got \(shape)"),
      scope.require(
        shape[1] <= count, "there are \(count) positions, the input \(shape) has \(shape[1])"),
      scope.require(
        place?.context ?? 1 <= count,
        "there are \(count) positions, fewer than the context's \(place?.context ?? 1)")
    else { return input }
    let weight = scope.parameter("weight", [count, shape[2]], weightInitializer)
    guard !scope.graph.hasFailed else { return input }
    if let place { return input + weight.gathered(place.position) }
    let rows = shape[1] == count ? weight : weight.sliced(axis: 0, 0..<shape[1])
    return input + rows.reshaped(to: [1, shape[1], shape[2]])
  }
}

extension LearnedPositions {
  package static let entry = Entry<any Model>(
    "LearnedPositions", "adds a learned vector to each position of [N, T, width]",
    [.required("count", .size, "the most positions that there are"), .weightInitializer]
  ) { values in
    LearnedPositions(
      values["count"], weightInitializer: try values.initializer("weightInitializer"))
  }
}

/// Adds sines and cosines of the position: x [N, T, width] + P, P[t, 2i] = sin(t / base^(2i / width)),
/// P[t, 2i + 1] = cos(t / base^(2i / width)). The width is even.
///
/// Source: A. Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.5.
public struct SinusoidalPositions: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// What the slowest angle is divided by, nearly.
  package let base: Float
  /// Makes a layer with the paper's base by default.
  public init(base: Float = 10_000) { self.base = base }
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    input.addingSinusoidalPositions(base: base)
  }
}

extension SinusoidalPositions {
  package static let entry = Entry<any Model>(
    "SinusoidalPositions", "adds sines and cosines of the position to [N, T, width]", [.base]
  ) { values in SinusoidalPositions(base: values["base"]) }
}

/// How an attention turns queries and keys by their positions, so that scores depend on distances.
///
/// Source: J. Su et al., "RoFormer: Enhanced transformer with rotary position embedding", 2021.
public struct RotaryPositions: Sendable, Equatable {
  /// What the slowest angle is divided by, nearly.
  package let base: Float
  /// Which two values of a head turn together.
  package let pairing: RotaryPairing

  /// Makes positions with the paper's base and pairs by default.
  public init(base: Float = 10_000, pairing: RotaryPairing = .neighbours) {
    self.base = base
    self.pairing = pairing
  }

  func rotated(_ input: Tensor, headWidth: Int, columns: Int) -> Tensor {
    input.rotated(headWidth: headWidth, columns: columns, base: base, pairing: pairing)
  }
}

extension RotaryPositions {
  /// What a configuration says of them.
  static let form = Form(
    "rotary",
    [
      .base,
      .with("pairing", RotaryPairing.neighbours, "which two values of a head turn together"),
    ])
}

extension RotaryPairing: HyperparameterValue {}

extension Hyperparameters {
  /// The positions under the key `rotary`.
  var rotary: RotaryPositions? {
    object("rotary").map { RotaryPositions(base: $0["base"], pairing: $0["pairing"]) }
  }
}

extension Hyperparameter {
  fileprivate static var base: Self {
    .with(
      "base", .number(NumberRange(from: 1, to: 1e30, above: 1)), 10_000,
      "what the slowest angle is divided by, nearly")
  }
}
