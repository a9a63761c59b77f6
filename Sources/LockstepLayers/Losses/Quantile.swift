import LockstepCatalog
import LockstepEngine

/// max(τ e, (τ − 1) e) with e = t − x, the pinball loss, whose least mean is at the τ-quantile of the
/// targets; the mean being over all outputs.
package struct Quantile: LossFunction {
  /// τ: each target has an output a level.
  package let levels: [Float]
  package var name: String { "quantile" }

  /// - Parameter level: τ, in (0, 1); 0.5 is half of ``MeanAbsoluteError``.
  package init(level: Float = 0.5) { levels = [level] }

  /// - Parameter levels: τ of each of a target's outputs, in (0, 1).
  package init(levels: [Float]) { self.levels = levels }

  package func targetType(for prediction: TensorType) -> TensorType {
    var shape = prediction.shape
    if let last = shape.last, !levels.isEmpty, last.isMultiple(of: levels.count) {
      shape[shape.count - 1] = last / levels.count
    }
    return TensorType(shape)
  }

  /// The place of the level that is nearest to the median, and the first of two.
  package var middle: Int {
    levels.indices.min { abs(levels[$0] - 0.5) < abs(levels[$1] - 0.5) } ?? 0
  }

  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    guard !levels.isEmpty, levels.allSatisfy({ $0 > 0 && $0 < 1 }),
      prediction.shape.last?.isMultiple(of: levels.count) == true
    else {
      prediction.graph.fail(
        "\(name): the levels are in (0, 1), and each target has an output a level; got \(levels) for "
          + "outputs of shape \(prediction.shape)")
      return .failed(prediction.graph)
    }
    guard levels.count > 1 else {
      guard prediction.requireTargets(target, of: name) else { return .failed(prediction.graph) }
      let error = target - prediction
      return .mean(error * levels[0] + (-error).relu(), weights: weights)
    }
    let type = targetType(for: prediction.type)
    guard target.type == type else {
      prediction.graph.fail("\(name): expects targets of shape \(type.shape), got \(target.shape)")
      return .failed(prediction.graph)
    }
    // [N, …, targets, levels]
    let error =
      target.reshaped(to: type.shape + [1])
      - prediction.reshaped(to: type.shape + [levels.count])
    let sloped = error * error.graph.values(levels, [levels.count])
    return .mean(sloped + (-error).relu(), weights: weights)
  }
}

extension Quantile {
  package static let entry = Entry<any LossFunction>(
    "quantile", "the pinball loss, least at the targets' quantile",
    [
      .with(
        "levels", .numbers(NumberRange(from: 0, to: 1, above: 0, below: 1)), [0.5],
        "the quantiles: each target has an output a level, side by side")
    ]
  ) { values in Quantile(levels: values["levels"]) }
}

extension LossFunction where Self == Provided {
  /// max(τ e, (τ − 1) e) with e = t − x, the pinball loss, whose least mean is at the τ-quantile of the
  /// targets; the mean being over all outputs.
  ///
  /// Predictions [N, …], targets of the same shape.
  ///
  /// Source: R. Koenker, G. Bassett, "Regression quantiles", 1978.
  ///
  /// - Parameter level: the quantile that all outputs predict, between 0 and 1.
  public static func quantile(level: Float = 0.5) -> some LossFunction { Quantile(level: level) }

  /// max(τ e, (τ − 1) e) with e = t − x, the pinball loss, whose least mean is at the τ-quantile of the
  /// targets; the mean being over all outputs. Several levels give intervals: 0.1 and 0.9 hold four of five
  /// targets.
  ///
  /// Targets [N, …, W], predictions [N, …, W · levels]: those of a target stand side by side, in the order of the
  /// levels.
  ///
  /// Source: R. Koenker, G. Bassett, "Regression quantiles", 1978.
  ///
  /// - Parameter levels: the quantiles, between 0 and 1.
  public static func quantile(levels: [Float]) -> some LossFunction { Quantile(levels: levels) }
}
