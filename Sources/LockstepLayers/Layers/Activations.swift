import LockstepCatalog
import LockstepEngine

/// max(x, 0).
public struct ReLU: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// Makes a ReLU, PyTorch's `ReLU`.
  public init() {}
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor { input.relu() }
}

extension ReLU {
  package static let entry = Entry<any Model>("ReLU", "max(x, 0)") { _ in ReLU() }
}

/// max(x, 0) + slope · min(x, 0).
public struct LeakyReLU: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The slope below zero; PyTorch's `negative_slope`.
  package let slope: Float
  /// Makes a leaky ReLU with a slope below zero, PyTorch's `LeakyReLU`.
  public init(_ slope: Float = 0.01) { self.slope = slope }
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    input.relu(slope: slope)
  }
}

extension LeakyReLU {
  package static let entry = Entry<any Model>(
    "LeakyReLU", "max(x, 0) + slope · min(x, 0)",
    [.with("slope", .anyNumber, 0.01, "the slope below zero")]
  ) { values in LeakyReLU(values["slope"]) }
}

/// x for x > 0, alpha · (eˣ − 1) elsewhere.
public struct ELU: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// Minus the limit at −∞.
  package let alpha: Float
  /// Makes an ELU with an alpha, PyTorch's `ELU`.
  public init(_ alpha: Float = 1) { self.alpha = alpha }
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    input.elu(alpha: alpha)
  }
}

extension ELU {
  package static let entry = Entry<any Model>(
    "ELU", "x above zero, alpha · (eˣ − 1) below",
    [.with("alpha", .anyNumber, 1, "minus the limit at −∞")]
  ) { values in ELU(values["alpha"]) }
}

/// 1 / (1 + e⁻ˣ).
public struct Sigmoid: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// Makes a sigmoid, PyTorch's `Sigmoid`.
  public init() {}
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor { input.sigmoid() }
}

extension Sigmoid {
  package static let entry = Entry<any Model>("Sigmoid", "1 / (1 + e⁻ˣ)") { _ in Sigmoid() }
}

/// The hyperbolic tangent.
public struct Tanh: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// Makes a hyperbolic tangent, PyTorch's `Tanh`.
  public init() {}
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor { input.tanh() }
}

extension Tanh {
  package static let entry = Entry<any Model>("Tanh", "the hyperbolic tangent") { _ in Tanh() }
}

/// x · Φ(x), Φ being the normal distribution function, or nearly.
///
/// Source: D. Hendrycks, K. Gimpel, "Gaussian error linear units", 2016.
public struct GELU: StandardLayer {
  /// How Φ is computed.
  public enum Approximation: String, Sendable, CaseIterable {
    /// Exactly, from the error function.
    case none
    /// (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2, as in GPT-2.
    case tanh
  }

  package let ownIdentity = LayerIdentity()
  /// How Φ is computed; PyTorch's `approximate`.
  package let approximation: Approximation
  /// Makes a GELU, PyTorch's `GELU(approximate)`.
  public init(_ approximation: Approximation = .none) { self.approximation = approximation }
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    approximation == .tanh ? input.geluTanh() : input.gelu()
  }
}

extension GELU {
  package static let entry = Entry<any Model>(
    "GELU", "x · Φ(x)",
    [.with("approximation", Approximation.none, "how Φ is computed; tanh as in GPT-2")]
  ) { values in GELU(values["approximation"]) }
}

/// x · sigmoid(x), also called swish.
public struct SiLU: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// Makes a SiLU, PyTorch's `SiLU`, Keras's `silu`.
  public init() {}
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor { input.silu() }
}

extension SiLU {
  package static let entry = Entry<any Model>("SiLU", "x · sigmoid(x)") { _ in SiLU() }
}

/// log(1 + eˣ).
public struct Softplus: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// Makes a softplus, PyTorch's `Softplus` with a beta of 1.
  public init() {}
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor { input.softplus() }
}

extension Softplus {
  package static let entry = Entry<any Model>("Softplus", "log(1 + eˣ)") { _ in Softplus() }
}

/// The softmax over the last axis. Losses take logits: for prediction only.
public struct Softmax: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// Makes a softmax, PyTorch's `Softmax(dim=-1)`.
  public init() {}
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor { input.softmax() }
}

extension Softmax {
  package static let entry = Entry<any Model>("Softmax", "the softmax over the last axis") { _ in
    Softmax()
  }
}

extension GELU.Approximation: HyperparameterValue {}
