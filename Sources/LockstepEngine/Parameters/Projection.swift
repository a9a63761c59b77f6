/// What a ``WeightConstraint`` asks of a tensor: a set of values, described by its hyperparameters.
///
/// This is the description alone, which layers carry. How a tensor is brought into the set says one of
/// the four protocols that refine this one in the optimization module: `ValueProjection`,
/// `NormProjection`, `UnitProjection` and `TensorProjection`. A type conforms to one of them.
///
/// Training records the description of a value, `"\(projection)"`, and compares it where a run is
/// resumed. So it tells all hyperparameters, as the descriptions of structs do.
public protocol Projection: Sendable, Equatable {
  /// Throws where a hyperparameter makes no sense.
  ///
  /// - Parameter owner: names the constraint and the tensor, for the error's message.
  func validate(owner: String) throws
}

extension Projection {
  /// Whether another projection is of the same type and equal.
  func isEqual(to other: any Projection) -> Bool { (other as? Self) == self }
}
