import LockstepCatalog
import LockstepEngine

/// max(τ e, (τ − 1) e) with e = t − x, the pinball loss, whose least mean is at the τ-quantile of the
/// targets; the mean being over all outputs.
package struct Quantile: LossFunction {
  /// τ: one for all outputs, or one for each of the last axis.
  package let levels: [Float]
  package var name: String { "quantile" }

  /// - Parameter level: τ, in (0, 1); 0.5 is half of ``MeanAbsoluteError``.
  package init(level: Float = 0.5) { levels = [level] }

  /// - Parameter levels: τ of each output of the last axis, in (0, 1).
  package init(levels: [Float]) { self.levels = levels }

  package func targetType(for prediction: TensorType) -> TensorType { prediction }

  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    let isValid =
      !levels.isEmpty && levels.allSatisfy { $0 > 0 && $0 < 1 }
      && (levels.count == 1 || levels.count == prediction.shape.last)
    guard
      prediction.requireTargets(
        target, of: name, isValid,
        "the levels are in (0, 1), one for all outputs or one for each of the last axis, got \(levels) "
          + "for outputs of shape \(prediction.shape)")
    else { return .failed(prediction.graph) }
    let error = target - prediction
    let sloped =
      levels.count == 1
      ? error * levels[0] : error * error.graph.values(levels, [levels.count])
    return .mean(sloped + (-error).relu(), weights: weights)
  }
}

extension Quantile {
  package static let entry = Entry<any LossFunction>(
    "quantile", "the pinball loss, least at the targets' quantile",
    [
      .with(
        "levels", .numbers(NumberRange(from: 0, to: 1, above: 0, below: 1)), [0.5],
        "the quantile: one for all outputs, or one for each")
    ]
  ) { values in Quantile(levels: values["levels"]) }
}

extension LossFunction where Self == Provided {
  /// max(τ e, (τ − 1) e) with e = t − x, the pinball loss, whose least mean is at the τ-quantile of the
  /// targets; the mean being over all outputs.
  ///
  /// Predictions [N, …], targets of the same shape. With as many levels as the last axis is long, each
  /// of its outputs has its own; the targets are then the same number once an output.
  ///
  /// Source: R. Koenker, G. Bassett, "Regression quantiles", 1978.
  ///
  /// - Parameter level: the quantile that all outputs predict, between 0 and 1.
  public static func quantile(level: Float = 0.5) -> some LossFunction { Quantile(level: level) }

  /// max(τ e, (τ − 1) e) with e = t − x, the pinball loss, whose least mean is at the τ-quantile of the
  /// targets; the mean being over all outputs.
  ///
  /// - Parameter levels: the quantile of each output, between 0 and 1.
  public static func quantile(levels: [Float]) -> some LossFunction { Quantile(levels: levels) }
}
