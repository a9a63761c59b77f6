public import LockstepEngine

/// body(x) + shortcut(x), the shortcut being x itself by default.
///
/// Parameters are named `body.…` and `shortcut.…`.
///
/// Source: K. He et al., "Deep residual learning for image recognition", CVPR 2016.
public struct Residual: Model {
  /// The model that is added to the shortcut. Its result has the shortcut's shape.
  package let body: any Model
  /// The model beside the body; nil is x itself.
  package let shortcut: (any Model)?

  /// Makes a residual with a body and a shortcut.
  public init(_ body: any Model, shortcut: (any Model)? = nil) {
    self.body = body
    self.shortcut = shortcut
  }
  /// Makes a residual with a ``Sequential`` as its body: parameters are named `body.0.…`.
  public init(shortcut: (any Model)? = nil, @ModelBuilder _ body: () -> [any Model]) {
    self.init(Sequential(body), shortcut: shortcut)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    let (result, other) = (body(input), shortcut?(input) ?? input)
    guard !input.graph.hasFailed else { return input }
    guard result.shape == other.shape else {
      input.graph.fail(
        "a residual's body gives \(result.shape), its shortcut \(other.shape); they must be equal")
      return input
    }
    return result + other
  }
}
