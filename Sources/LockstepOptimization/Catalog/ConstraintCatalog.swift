import LockstepEngine

/// Weight constraints by name.
public enum ConstraintCatalog {
  private static let units = [
    Hyperparameter("axes", [], .axes),
    Hyperparameter("axesLayout", "unit", .choice(["unit", "pytorch", "keras"])),
    Hyperparameter("mode", "strict", .choice(["strict", "keras"])), every,
  ]
  private static let every = Hyperparameter("every", 1, .integer(atLeast: 1))

  /// All constraints, in the order of documentation.
  public static let entries = [
    CatalogEntry(
      "maxNorm", "each unit's norm is at most limit",
      [Hyperparameter("limit", 2, .positive)] + units),
    CatalogEntry("unitNorm", "each unit's norm is 1", units),
    CatalogEntry("nonNegative", "no value is negative", [every]),
    CatalogEntry(
      "minMaxNorm", "each unit's norm moves by rate of the way into minimum...maximum",
      [
        Hyperparameter("minimum", 0, .nonNegative), Hyperparameter("maximum", 1, .positive),
        Hyperparameter("rate", 1, .fraction),
      ] + units),
    CatalogEntry(
      "valueBox", "each value lies in lower...upper",
      [Hyperparameter("lower", nil, .number), Hyperparameter("upper", nil, .number), every]),
    CatalogEntry(
      "ball", "the norm of the whole tensor is at most limit",
      [Hyperparameter("limit", nil, .positive), every]),
    CatalogEntry(
      "spectralNorm", "the largest singular value is at most limit",
      [
        Hyperparameter("limit", 1, .positive),
        Hyperparameter("iterations", 1, .integer(atLeast: 1)),
        every,
      ]),
  ]

  /// Makes a constraint.
  ///
  /// - Throws: ``HyperparameterError``. Whether axes fit a tensor shows when an ``UpdateRule`` is
  ///   made.
  public static func make(
    _ name: String, values: [String: HyperparameterValue] = [:]
  ) throws -> WeightConstraint {
    let v = try entries.entry(name, kind: "constraint").resolve(values)
    var constraint: WeightConstraint
    switch name {
    case "ball": constraint = .ball(v.float("limit"))
    case "spectralNorm":
      constraint = .spectralNorm(v.float("limit"), iterations: v.integer("iterations"))
    case "nonNegative": constraint = .nonNegative
    case "valueBox": constraint = .valueBox(v.float("lower"), v.float("upper"))
    default:
      let mode: WeightConstraint.Mode = v.text("mode") == "keras" ? .keras : .strict
      let axes = try axes(v)
      switch name {
      case "maxNorm": constraint = .maxNorm(v.float("limit"), axes: axes, mode: mode)
      case "unitNorm": constraint = .unitNorm(axes: axes, mode: mode)
      default:
        constraint = .minMaxNorm(
          v.float("minimum"), v.float("maximum"), rate: v.float("rate"), axes: axes, mode: mode)
      }
    }
    constraint = constraint.every(v.integer("every"))
    try validate(constraint, owner: name)
    return constraint
  }

  private static func axes(_ v: ResolvedValues) throws -> WeightConstraint.Axes {
    let list = v.integers("axes")
    switch v.text("axesLayout") {
    case "unit":
      guard list.isEmpty else {
        throw HyperparameterError(
          owner: v.owner, key: "axes", value: "\(list)",
          problem: "needs axesLayout \"pytorch\" or \"keras\" beside it")
      }
      return .unit
    case let layout:
      guard !list.isEmpty else {
        throw HyperparameterError(
          owner: v.owner, key: "axes", value: "[]",
          problem: "must name axes where axesLayout is \"\(layout)\"")
      }
      return layout == "keras" ? .keras(list) : .axes(list)
    }
  }
}
