/// What tells one layer from another: copies of a layer share it, and with it their parameters.
public final class LayerIdentity: Sendable {
  /// Makes an identity that differs from all others.
  public init() {}
}
