import LockstepEngine

/// A constraint that a configuration puts on parameters by name or by kind of layer.
public struct ConstraintRule: Sendable, Equatable {
  /// What it is put on.
  package let target: ParameterTarget
  /// What the parameters must satisfy after each update.
  package let constraint: WeightConstraint

  /// Makes a rule that puts a constraint on a target.
  public init(_ target: ParameterTarget, _ constraint: WeightConstraint) {
    self.target = target
    self.constraint = constraint
  }

  /// The constraint of each slot: a rule's, or else the layer's own.
  ///
  /// - Parameters:
  ///   - rules: in the configuration's order.
  ///   - specifications: the model's parameters, frozen ones included.
  ///   - layout: the trainable parameters.
  /// - Throws: ``HyperparameterError`` where a rule is about no trainable parameter, two rules are
  ///   about one, a constraint contradicts itself (minimum above maximum) or its axes are not those
  ///   of the tensor.
  package static func resolve(
    _ rules: [ConstraintRule], specifications: [ParameterSpecification], layout: FlatLayout
  ) throws -> [WeightConstraint?] {
    for rule in rules { try validate(rule.constraint, owner: "constraint on \(rule.target)") }
    let assigned = try ParameterTarget.assign(
      rules.map(\.target), owner: "constraint rule", layout: layout,
      specifications: specifications)
    let own = Dictionary(
      specifications.map { ($0.name, $0.constraint) }, uniquingKeysWith: { first, _ in first })
    return try layout.slots.enumerated().map { slot, tensor in
      guard let index = assigned[slot] else { return own[tensor.name] ?? nil }
      let constraint = rules[index].constraint
      _ = try constraint.reducedAxes(of: tensor, owner: "constraint on \(tensor.name)")
      return constraint
    }
  }
}
