import Lockstep
import LockstepFiles

/// How good predictions of numbers are, from their mean squared error.
struct RegressionScores {
  /// √(mean squared error) of each target, in its unit, with its name where there are several.
  private let errors: [(name: String, value: Double)]
  /// R² = 1 − Σ(x − t)² / Σ(t − mean t)², over all outputs; nil where the targets are constant.
  let determination: Double?
  /// Whether examples count by their weights, as in the loss; metrics count all alike.
  let isWeighted: Bool

  /// - Parameters:
  ///   - loss: the mean of (x − t)² over all examples and outputs, as the model sees them.
  ///   - columns: the errors in the targets' units, where the model sees other ones.
  ///   - weights: what the examples weigh; nil for one each.
  /// - Returns: nil where the labels are no numbers.
  init?(
    loss: Double, of labels: Dataset.Labels, columns: TargetErrors?, weights: [Float]? = nil
  ) {
    guard case .targets(let values, let width) = labels else { return nil }
    isWeighted = weights != nil
    errors = columns?.values ?? [("", loss.squareRoot())]
    let count = values.count / width
    func weight(_ example: Int) -> Double { weights.map { Double($0[example]) } ?? 1 }
    let total = (0..<count).reduce(0.0) { $0 + weight($1) }
    var spread = 0.0
    for column in 0..<width {
      func target(_ example: Int) -> Double { Double(values[example * width + column]) }
      let mean = (0..<count).reduce(0.0) { $0 + weight($1) * target($1) } / total
      spread += (0..<count).reduce(0.0) {
        $0 + weight($1) * (target($1) - mean) * (target($1) - mean)
      }
    }
    determination = spread > 0 ? 1 - loss * total * Double(width) / spread : nil
  }

  /// The errors: `3.2`, or `3.2 (load), 0.4 (wind)`.
  var text: String {
    if errors.count == 1 { return readable(errors[0].value) }
    return errors.map { "\(readable($0.value)) (\($0.name))" }.joined(separator: ", ")
  }

  var json: JSONValue {
    if errors.count == 1 { return .number(errors[0].value) }
    var object = JSONObject()
    for (name, value) in errors { object[name] = .number(value) }
    return .object(object)
  }
}

/// √(mean squared error) of targets that were standardised, each in its own unit.
struct TargetErrors {
  let values: [(name: String, value: Double)]

  /// Computes the predictions of all examples. Called by all ranks.
  ///
  /// - Returns: nil on ranks but the root, and where the model sees targets as they are.
  init?(_ model: TrainedModel, loss: any LossFunction, on collective: any Collective) throws {
    let target = model.description.target
    guard let scale = target.scale, loss is MeanSquaredError else { return nil }
    let outputs = try model.outputs(on: collective)
    guard collective.isRoot, case .targets(let labels, let width) = try model.part.labels else {
      return nil
    }
    let count = scale.mean.count
    let weights = (model.part.examples as? any LabelledSource)?.weights
    var (sums, rows) = ([Double](repeating: 0, count: count), 0.0)
    for row in PredictionRow.all(of: model.part, outputs: outputs.count) {
      let weight = weights.map { Double($0[row.example]) } ?? 1
      for (place, output) in outputs[row.outputs].enumerated() {
        let error =
          (Double(output) - Double(labels[row.label * width + place]))
          * scale.deviation[place % count]
        sums[place % count] += weight * error * error
      }
      rows += weight * Double(width / count)
    }
    let names: [String] =
      if case .series(let series) = model.description.input, let forecast = series.forecast {
        forecast.targets
      } else { target.columns }
    values = zip(names, sums).map { ($0, ($1 / rows).squareRoot()) }
  }
}
