import LockstepCatalog

/// An elementwise function by name.
public enum ActivationName: String, Sendable, CaseIterable {
  /// The function of the layer of that name, ``ReLU`` to ``Identity``.
  case relu, leakyReLU, elu, sigmoid, tanh, gelu, silu, softplus, identity

  /// The layer that applies it, with its default hyperparameters.
  package var layer: any Layer {
    switch self {
    case .relu: ReLU()
    case .leakyReLU: LeakyReLU()
    case .elu: ELU()
    case .sigmoid: Sigmoid()
    case .tanh: Tanh()
    case .gelu: GELU()
    case .silu: SiLU()
    case .softplus: Softplus()
    case .identity: Identity()
    }
  }
}

extension ActivationName: HyperparameterValue {}
