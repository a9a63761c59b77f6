import LockstepCatalog
import LockstepEngine
import LockstepFiles

/// The weight constraints that a configuration can name.
package enum ConstraintCatalog {
  /// The constraints, in the order of documentation.
  package static let catalog = Catalog<WeightConstraint>(
    "constraint",
    [
      constraint(
        "maxNorm", "each unit's norm is at most limit",
        [.with("limit", .positive, 2, "the largest norm")] + units
      ) { .maxNorm($0["limit"], axes: try axes($0), mode: $0["mode"]) },
      constraint("unitNorm", "each unit's norm is 1", units) {
        .unitNorm(axes: try axes($0), mode: $0["mode"])
      },
      constraint("nonNegative", "no value is negative") { _ in .nonNegative },
      constraint(
        "minMaxNorm", "each unit's norm moves by rate of the way into minimum...maximum",
        [
          .with("minimum", .nonNegative, 0, "the least norm"),
          .with("maximum", .positive, 1, "the largest norm"),
          .with("rate", .fraction, 1, "the part of the way that a norm moves"),
        ] + units
      ) {
        .minMaxNorm(
          $0["minimum"], $0["maximum"], rate: $0["rate"], axes: try axes($0), mode: $0["mode"])
      },
      constraint(
        "valueBox", "each value lies in lower...upper",
        [
          .required("lower", .number, "the least value"),
          .required("upper", .number, "the largest value"),
        ]
      ) { .valueBox($0["lower"], $0["upper"]) },
      constraint(
        "ball", "the norm of the whole tensor is at most limit",
        [.required("limit", .positive, "the largest norm")]
      ) { .ball($0["limit"]) },
      constraint(
        "spectralNorm", "the largest singular value is at most limit",
        [
          .with("limit", .positive, 1, "the largest singular value"),
          .with(
            "iterations", .count(from: 1), 1,
            "power iterations a step"),
        ]
      ) { .spectralNorm($0["limit"], iterations: $0["iterations"]) },
    ]
  ).number { ["type": "maxNorm", "limit": $0] }

  private static let units: [Hyperparameter] = [
    .with(
      "axes", .integers(-8...7, count: 0...Int.max), [],
      "the axes that a norm runs over, in axesLayout"),
    .with(
      "axesLayout", .choice(["unit", "pytorch", "keras"]), "unit",
      "whose axes are meant; a unit's are the default"),
    .with(
      "mode", .choice(["strict", "keras"]), "strict", "the exact projection, or Keras's formula"),
  ]

  private static func constraint(
    _ name: String, _ summary: String, _ hyperparameters: [Hyperparameter] = [],
    make: @escaping @Sendable (Hyperparameters) throws -> WeightConstraint
  ) -> Entry<WeightConstraint> {
    let every = Hyperparameter.with(
      "every", .count(from: 1), 1,
      "the number of updates between two projections")
    return Entry(name, summary, hyperparameters + [every]) { values in
      let made = try make(values).every(values["every"])
      try validate(made, owner: name)
      return made
    }
  }

  private static func axes(_ values: Hyperparameters) throws -> WeightConstraint.Axes {
    let list: [Int] = values["axes"]
    let layout: String = values["axesLayout"]
    guard layout != "unit" else {
      if list.isEmpty { return .unit }
      throw values.error("axes", "needs axesLayout 'pytorch' or 'keras' beside it; found \(list)")
    }
    guard !list.isEmpty else {
      throw values.error("axes", "must name axes where axesLayout is '\(layout)'; found []")
    }
    return layout == "keras" ? .keras(list) : .axes(list)
  }
}

extension WeightConstraint.Mode: HyperparameterValue {
  package init?(hyperparameter value: JSONValue?) {
    switch value {
    case "strict": self = .strict
    case "keras": self = .keras
    default: return nil
    }
  }
}
