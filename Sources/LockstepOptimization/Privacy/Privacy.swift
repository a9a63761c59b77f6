import LockstepCatalog

/// What a private training is told: how much noise hides an example, and how ε is told.
///
/// It takes a limit of each example's gradient (``LockstepEngine/ExampleClip``), and batches that hold each
/// example by a draw of its own.
///
/// Source: M. Abadi et al., "Deep learning with differential privacy", CCS 2016.
package struct Privacy: Sendable, Equatable {
  /// The deviation of the noise over the norm of the clip, Opacus's `noise_multiplier`.
  package let noise: Double
  /// δ, the probability with which ε may not hold.
  package let delta: Double

  package init(noise: Double, delta: Double) {
    self.noise = noise
    self.delta = delta
  }

  /// The keys of a configuration.
  package static let form = Form(
    "privacy",
    [
      .required(
        "noise", .number(NumberRange(to: 1e6, above: 0)),
        "the deviation of the noise over the clip's `norm` (Opacus's `noise_multiplier`)"),
      .required(
        "delta", .number(NumberRange(above: 0, below: 1)),
        "δ, the probability with which ε may not hold: below 1 over the number of examples"),
    ])

  package init(_ values: Hyperparameters) {
    self.init(noise: values["noise"], delta: values["delta"])
  }
}
