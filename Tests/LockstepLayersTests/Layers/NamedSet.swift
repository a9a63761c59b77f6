import LockstepEngine

/// A projection that is told apart by its name: layers carry constraints and look at nothing of them.
struct NamedSet: Projection {
  let name: String

  func validate(owner: String) throws {}
}

extension WeightConstraint {
  static func named(_ name: String, mode: Mode = .strict) -> Self {
    .init(NamedSet(name: name), mode: mode)
  }
}
