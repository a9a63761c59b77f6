import LockstepEngine

/// What is computed of a shard beside its gradient.
enum ShardWork: Hashable {
  /// The product of the Gauss-Newton matrix and a direction, with damped states or without.
  case product(dampsStates: Bool)
  /// A random vector whose square has the Gauss-Newton matrix's diagonal as its expectation, squared.
  case probe(Int)
  /// The loss alone, as training computes it.
  case loss

  /// The input of the factor that states are damped by.
  static let stateDamping = "stateDamping"

  var isProduct: Bool { if case .product = self { true } else { false } }
  var squaresLeaves: Bool { if case .probe = self { true } else { false } }

  /// The program that computes it. What it reads out is the loss, of work that computes it, and then
  /// the weight, where the objective has one.
  func program(_ objective: Objective) throws -> Program {
    let loss = objective.loss
    let weight = objective.weight.map { [$0] } ?? []
    switch self {
    case .product(let dampsStates):
      return try Program(
        gaussNewtonOf: loss, dampingStatesBy: dampsStates ? Self.stateDamping : nil,
        scalars: weight)
    case .probe(let draw):
      // Far from the keys of a model's dropouts, which count from zero.
      return try Program(
        gaussNewtonProbeOf: loss, key: 0x4A43_0000 &+ UInt32(truncatingIfNeeded: draw) &* 64,
        scalars: weight)
    case .loss: return try Program(evaluating: loss.graph, scalars: [loss] + weight, outputs: [])
    }
  }
}
