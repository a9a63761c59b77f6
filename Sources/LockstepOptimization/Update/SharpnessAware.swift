import LockstepCatalog

/// Steps by the gradient of where the loss is largest near the parameters, which leads to flat minima.
///
/// With g the gradient at w, the update takes the gradient at w + e(w) in its place, where e = ρ g / ‖g‖, or,
/// scaled by the weights, e = ρ w²g / ‖wg‖ (value by value). A step computes two gradients. (Foret et al. 2021,
/// "Sharpness-aware minimization", SAM; Kwon et al. 2021, ASAM.)
package struct SharpnessAware: Sendable, Equatable {
  /// ρ, at least 0.
  package let radius: Double
  /// Whether weights are moved in proportion to their squares: ASAM.
  package let isAdaptive: Bool

  /// Looks for the largest loss within a radius.
  package init(radius: Double = 0.05, isAdaptive: Bool = false) {
    self.radius = radius
    self.isAdaptive = isAdaptive
  }

  /// Throws a ``HyperparameterError`` where the radius is out of range.
  package func validate() throws {
    try HyperparameterRange.nonNegative.check("sam", "rho", radius)
  }

  /// The keys of a configuration.
  package static let form = Form(
    "sam",
    [
      .with("rho", .nonNegative, 0.05, "ρ, how far from the weights the loss is looked at"),
      .with(
        "adaptive", .boolean, false,
        "whether weights move in proportion to their squares (ASAM)"),
    ], number: "rho")

  /// Makes it from a configuration's values.
  package init(_ values: Hyperparameters) {
    self.init(radius: values["rho"], isAdaptive: values["adaptive"])
  }
}
