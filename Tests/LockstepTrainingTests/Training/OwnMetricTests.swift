import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepFold
import LockstepLayers
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// A metric with a formula of its own, of two sums: √(Σe²/N) − |Σe/N|.
struct Spread: Metric {
  var name = "spread"

  func sums(_ prediction: Tensor, _ target: Tensor) -> [Tensor] {
    let errors = prediction - target
    return [errors.square().sum(), errors.sum()]
  }

  func value(of sums: [Double], examples: Double) -> Double {
    (sums[0] / examples).squareRoot() - abs(sums[1] / examples)
  }
}

/// A metric that forgets to add up.
private struct Rows: Metric {
  let name = "rows"
  func sums(_ prediction: Tensor, _ target: Tensor) -> [Tensor] { [prediction] }
}

@Suite struct OwnMetricTests {
  private static func data() throws -> Dataset {
    try SyntheticData.linear(count: 53, weights: [1, -2, 0.5], seed: 3)
  }

  private struct Found: Equatable, Sendable {
    var outcome: String
    var names: [String]
    var steps: [[Double]] = []
    var evaluations: [EvaluationReport] = []
  }

  private func train(_ ranks: Int, in directory: String? = nil) throws -> [Found] {
    try group(of: ranks) { group in
      var options = TrainingOptions()
      options.shards = 4
      let training = try Training(
        Linear(1), on: Self.data(), loss: MeanSquaredError(),
        metrics: [Spread(), MeanAbsoluteErrorMetric()], update: .sgd(learningRate: 0.05),
        batchSize: 16, epochs: 3, options: options, ranks: group)
      var found = Found(outcome: "", names: training.source.metricNames)
      try training.evaluate(on: Self.data(), as: "all")
      training.listen { event in
        switch event {
        case .step(let report, _, _): found.steps.append(report.metrics)
        case .evaluation(let report, _, _): found.evaluations.append(report)
        default: break
        }
      }
      found.outcome = "\(try training.fit(in: directory))"
      return found
    }
  }

  @Test("own metrics stand beside the loss's, with the same bits on any number of ranks")
  func ranks() throws {
    let alone = try train(1)[0]
    #expect(alone.names == ["spread", "meanAbsoluteError"])
    #expect(alone.steps.count == 12 && alone.evaluations.count == 3)
    for ranks in [2, 3] {
      let found = try train(ranks)
      #expect(found[0] == alone)
      #expect(found.allSatisfy { $0.outcome == alone.outcome && $0.names == alone.names })
    }
  }

  @Test("the value is the formula's of sums over all examples")
  func value() throws {
    let data = try Self.data()
    let source = try ModelSource(
      Linear(1), loss: MeanSquaredError(), metrics: [Spread()], on: data, seed: 1)
    let evaluator = try ModelEvaluator(source, on: data)
    let report = try evaluator.evaluation("all", shardSize: 7, on: SoloCollective()).run()
    let predictor = try Predictor(source)
    guard case .targets(let targets, _) = data.labels, case .floats(let inputs) = data.inputs else {
      Issue.record("no numbers")
      return
    }
    var (squares, sum) = (0.0, 0.0)
    for example in 0..<data.count {
      let found = try predictor.predict(Array(inputs[3 * example..<3 * example + 3]))[0]
      let error = Double(found) - Double(targets[example])
      squares += error * error
      sum += error
    }
    let count = Double(data.count)
    let expected = (squares / count).squareRoot() - abs(sum / count)
    let spread = try #require(report["spread"])
    #expect(abs(spread - expected) < 1e-5)
  }

  @Test("the logs have own metrics")
  func logs() throws {
    try withTemporaryDirectory { directory in
      _ = try train(2, in: directory)
      for file in ["metrics", "evaluations"] {
        let text = String(decoding: try contents("\(directory)/\(file).jsonl"), as: UTF8.self)
        for line in text.split(separator: "\n") {
          guard case .object(let object) = try JSONValue.parse(String(line)) else {
            Issue.record("no object: \(line)")
            return
          }
          let (spread, error) = (object["spread"], object["meanAbsoluteError"])
          #expect(spread != nil && error != nil)
        }
      }
    }
  }

  @Test("a metric of one output is reported under the output's name")
  func outputs() throws {
    let losses = OutputLosses([
      .init("classes", SoftmaxCrossEntropy(), label: "class", metrics: [TopKAccuracy(2)]),
      .init("size", MeanSquaredError(), label: "size", metrics: [Spread()]),
    ])
    let source = try ModelSource(
      MixedModel(), losses: losses, on: MixedExamples(count: 9), seed: 1)
    let expected = [
      "classes.loss", "classes.accuracy", "classes.top2Accuracy", "size.loss", "size.spread",
    ]
    #expect(source.metricNames == expected)
  }

  @Test("names that mean two things, and sums that are none, are refused")
  func refusals() throws {
    func message(_ metrics: [any Metric]) -> String {
      do {
        _ = try Training(
          Linear(1), on: Self.data(), loss: MeanSquaredError(), metrics: metrics,
          update: .sgd(learningRate: 0.1))
      } catch { return "\(error)" }
      return ""
    }
    #expect(message([Spread(), Spread()]).contains("two metrics are called 'spread'"))
    #expect(message([Spread(name: "loss")]).contains("'loss', which the logs call something else"))
    #expect(message([Spread(name: "")]).contains("no name"))
    #expect(message([Rows()]).contains("'rows' returns a tensor of shape [2, 1]"))
  }
}
