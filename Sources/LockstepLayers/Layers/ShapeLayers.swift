import LockstepCatalog
import LockstepEngine

/// All axes behind the batch axis joined to one: [N, …] → [N, values].
public struct Flatten: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// Makes a layer like PyTorch's `Flatten` with its defaults.
  public init() {}
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor { input.flattened() }
}

extension Flatten {
  package static let entry = Entry<any Model>(
    "Flatten", "all axes behind the batch joined"
  ) { _ in Flatten() }
}

/// The same values under another shape, the batch axis aside; one dimension may be −1.
public struct Reshape: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// One example's shape.
  package let shape: [Int]
  /// Makes a layer with one example's shape, Keras's `Reshape`.
  public init(_ shape: [Int]) { self.shape = shape }
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard
      scope.require(!input.shape.isEmpty, "expects an input [N, …]"),
      scope.require(
        shape.count { $0 == -1 } <= 1 && shape.allSatisfy { $0 > 0 || $0 == -1 },
        "a shape has positive dimensions and at most one −1, got \(shape)")
    else { return input }
    return input.reshaped(to: [input.shape[0]] + shape)
  }
}

extension Reshape {
  package static let entry = Entry<any Model>(
    "Reshape", "another shape of each example",
    [
      .required(
        "shape", .integers(-1...Int(Int32.max), count: 1...Int.max), "one example's; one may be −1")
    ]
  ) { values in Reshape(values["shape"]) }
}

/// x itself.
public struct Identity: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// Makes an identity, PyTorch's `Identity`.
  public init() {}
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor { input }
}

extension Identity {
  package static let entry = Entry<any Model>("Identity", "x itself") { _ in Identity() }
}
