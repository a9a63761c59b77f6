// Examples of the documentation: metrics of one's own, listeners that act, values read out by name.
import Lockstep

struct RootMeanSquaredError: Metric {
  var name: String { "rootMeanSquaredError" }

  func sums(_ prediction: Tensor, _ target: Tensor) -> [Tensor] {
    [(prediction - target).square().mean([1]).sum()]
  }

  func value(of sums: [Double], examples: Double) -> Double {
    (sums[0] / examples).squareRoot()
  }
}

struct Featured: Model {
  let trunk = Linear(8)
  let head = Linear(1)

  func callAsFunction(_ input: Tensor) -> Tensor {
    head(trunk(input).tanh().named("features"))
  }
}

/// Trains until the error is small, slower where it has grown, and reads features out.
func documentedListening() throws -> Bool {
  let data = try SyntheticData.linear(count: 64, weights: [0.1, -0.2, 0.05], seed: 3)
  let training = try Training(
    Featured(), on: data, loss: .meanSquaredError(), metrics: [RootMeanSquaredError()],
    update: .adam(learningRate: 0.05), batchSize: 16, epochs: 200)
  try training.evaluate(on: data)
  var best = Double.infinity
  training.listen { event, control in
    guard case .evaluation(let report, _, _) = event,
      let error = report["rootMeanSquaredError"]
    else { return }
    if error > best { try control.scaleLearningRate(by: 0.8) }
    if error < 0.02 { control.stop() }
    best = min(best, error)
  }
  let outcome = try training.fit()
  let predictor = try Predictor(training)
  let features = try predictor.outputs(of: ["features"], for: [0.5, -1, 2] as [Float])
  return outcome.kind == .done && best < 0.1 && features["features"]?.count == 8
}
