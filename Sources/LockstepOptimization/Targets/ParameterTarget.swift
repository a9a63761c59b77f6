import LockstepEngine

/// Which parameters a rule of a configuration is about.
public enum ParameterTarget: Sendable, Equatable, CustomStringConvertible {
  /// Parameters by dotted name; `*` stands for any run of characters, `?` for one.
  case pattern(String)
  /// The kernels of all layers of a kind (`Conv2d`): their parameters whose name begins with
  /// `weight`, biases not among them.
  case kernels(ofKind: String)

  public var description: String {
    switch self {
    case .pattern(let pattern): "pattern '\(pattern)'"
    case .kernels(let kind): "kind '\(kind)'"
    }
  }

  /// Whether a parameter is meant.
  package func contains(_ parameter: ParameterSpecification) -> Bool {
    switch self {
    case .pattern(let pattern):
      return NameGlob(pattern).matches(parameter.name)
    case .kernels(let kind):
      let last = parameter.name.split(separator: ".").last ?? ""
      return parameter.layerKind == kind && last.hasPrefix("weight")
    }
  }

  /// The rule for each slot of a layout of trainable parameters, nil where there is none.
  ///
  /// - Parameters:
  ///   - rules: what each rule is about, in the configuration's order.
  ///   - owner: what the rules are, `constraint rule`.
  ///   - specifications: the model's parameters, frozen ones included.
  /// - Throws: ``HyperparameterError`` where a rule is about no trainable parameter, or two rules
  ///   are about one.
  package static func assign(
    _ rules: [ParameterTarget], owner: String, layout: FlatLayout,
    specifications: [ParameterSpecification]
  ) throws -> [Int?] {
    let parameters = Dictionary(
      specifications.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var assigned: [Int?] = layout.slots.map { _ in nil }
    for (index, rule) in rules.enumerated() {
      var matches = false
      for (slot, tensor) in layout.slots.enumerated() {
        guard let parameter = parameters[tensor.name], rule.contains(parameter) else { continue }
        if let other = assigned[slot] {
          throw HyperparameterError(
            owner: owner, key: rule.key, value: rule.value,
            problem: "is about \(tensor.name), and so is \(rules[other]): a parameter can have one")
        }
        assigned[slot] = index
        matches = true
      }
      if !matches {
        throw HyperparameterError(
          owner: owner, key: rule.key, value: rule.value, problem: rule.problem(specifications))
      }
    }
    return assigned
  }

  private var key: String {
    switch self {
    case .pattern: "pattern"
    case .kernels: "kind"
    }
  }

  private var value: String {
    switch self {
    case .pattern(let text), .kernels(let text): "\"\(text)\""
    }
  }

  private func problem(_ specifications: [ParameterSpecification]) -> String {
    if specifications.contains(where: contains) { return "matches frozen parameters only" }
    switch self {
    case .pattern:
      return "matches no trainable parameter; there are "
        + NameGlob.list(specifications.filter(\.trainable).map(\.name))
    case .kernels(let kind):
      if specifications.contains(where: { $0.layerKind == kind }) {
        return "is the kind of layers whose weights have other names: give a 'pattern' of "
          + NameGlob.list(specifications.filter { $0.layerKind == kind }.map(\.name))
      }
      let kinds = Set(specifications.map(\.layerKind)).subtracting([""]).sorted()
      return "is the kind of no layer with weights: there are \(kinds.joined(separator: ", "))"
    }
  }
}
