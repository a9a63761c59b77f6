import LockstepEngine

/// A layer of the package: users see of it what ``Layer`` has, and its initialisers.
package protocol StandardLayer: Layer {
  /// What tells the layer from others.
  var ownIdentity: LayerIdentity { get }

  /// The layer's result, as of ``Layer/forward(_:_:)``.
  func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor
}

extension StandardLayer {
  public var identity: LayerIdentity { ownIdentity }

  public func forward(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    layerOutput(input, scope)
  }
}
