import LockstepCatalog
import LockstepEngine
import LockstepFiles

extension WeightConstraint {
  /// An entry of a constraint, which may happen after every so many updates only.
  static func entry(
    _ name: String, _ summary: String, _ hyperparameters: [Hyperparameter] = [],
    make: @escaping @Sendable (Hyperparameters) throws -> WeightConstraint
  ) -> Entry<WeightConstraint> {
    let every = Hyperparameter.with(
      "every", .count(from: 1), 1, "the number of updates between two projections")
    return Entry(name, summary, hyperparameters + [every]) { values in
      let made = try make(values).every(values["every"])
      try validate(made, owner: name)
      return made
    }
  }

  /// The axes that an object of the keys ``units`` says.
  static func axes(_ values: Hyperparameters) throws -> Axes {
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

// Keys that several constraints have.
extension [Hyperparameter] {
  /// Of what is projected unit by unit.
  static var units: Self {
    [
      .with(
        "axes", .integers(-8...7, count: 0...Int.max), [],
        "the axes that a unit runs over, in axesLayout"),
      .with(
        "axesLayout", .choice(["unit", "pytorch", "keras"]), "unit",
        "whose axes are meant; a unit's are the default"),
    ]
  }

  /// Of what brings the norms of units into a range.
  static var normUnits: Self {
    units + [
      .with(
        "mode", .choice(["strict", "keras"]), "strict",
        "the exact projection, or Keras's formula")
    ]
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
