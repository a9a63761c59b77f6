import LockstepEngine

/// A constraint that a configuration puts on parameters by name or by kind of layer.
public struct ConstraintRule: Sendable, Equatable {
  /// What it is put on.
  public let target: ParameterTarget
  public let constraint: WeightConstraint

  public init(_ target: ParameterTarget, _ constraint: WeightConstraint) {
    self.target = target
    self.constraint = constraint
  }

  /// The constraint of each slot: the layers' own, and those of rules.
  ///
  /// - Parameters:
  ///   - rules: in the configuration's order.
  ///   - specifications: the model's parameters, frozen ones included.
  ///   - layout: the trainable parameters.
  /// - Throws: ``HyperparameterError`` where a rule is about no trainable parameter, a parameter
  ///   has two constraints, a constraint contradicts itself (minimum above maximum) or its axes are
  ///   not those of the tensor.
  public static func resolve(
    _ rules: [ConstraintRule], specifications: [ParameterSpecification], layout: FlatLayout
  ) throws -> [WeightConstraint?] {
    for rule in rules { try validate(rule.constraint, owner: "constraint on \(rule.target)") }
    let assigned = try ParameterTarget.assign(
      rules.map(\.target), owner: "constraint rule", layout: layout,
      specifications: specifications)
    let own = Dictionary(
      specifications.map { ($0.name, $0.constraint) }, uniquingKeysWith: { first, _ in first })
    return try layout.slots.enumerated().map { slot, tensor in
      let bound = own[tensor.name] ?? nil
      guard let index = assigned[slot] else { return bound }
      let rule = rules[index]
      if bound != nil {
        throw HyperparameterError(
          owner: "constraint on \(tensor.name)", key: "constraint", value: "\(rule.target)",
          problem: "comes on top of the layer's own: remove one of the two")
      }
      _ = try rule.constraint.reducedAxes(of: tensor, owner: "constraint on \(tensor.name)")
      return rule.constraint
    }
  }
}
