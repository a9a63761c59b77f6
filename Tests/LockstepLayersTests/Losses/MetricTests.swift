import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepTestSupport
import Testing

/// The metric of the documentation.
private struct RootMeanSquaredError: Metric {
  var name: String { "rootMeanSquaredError" }

  func sums(_ prediction: Tensor, _ target: Tensor) -> [Tensor] {
    [(prediction - target).square().mean(Array(1..<prediction.shape.count)).sum()]
  }

  func value(of sums: [Double], examples: Double) -> Double {
    (sums[0] / examples).squareRoot()
  }
}

@Suite struct MetricTests {
  private static let metrics: [any Metric] =
    [1, 2, 3, 5, 7].map { TopKAccuracy($0) } + [MeanAbsoluteErrorMetric(), RSquared()]

  /// The metric's sums over a batch.
  private func sums(
    _ metric: any Metric, _ prediction: HostTensor, _ target: HostTensor
  ) throws -> [Double] {
    let graph = Graph(batchCount: prediction.shape[0], training: false)
    let x = graph.input("x", prediction.shape)
    let t = graph.input("t", target.shape, metric is TopKAccuracy ? .int32 : .float32)
    let sums = metric.sums(x, t)
    try graph.check()
    let leaves = ReferenceEvaluator.Leaves(inputs: ["x": prediction, "t": target])
    return try ReferenceEvaluator(graph).evaluate(sums, leaves).map { $0.values[0] }
  }

  /// The examples in a range.
  private func part(_ tensor: HostTensor, _ range: Range<Int>) -> HostTensor {
    let size = tensor.values.count / tensor.shape[0]
    return HostTensor(
      [range.count] + tensor.shape.dropFirst(),
      Array(tensor.values[range.lowerBound * size..<range.upperBound * size]))
  }

  private func number(_ value: JSONValue?) -> Double? {
    switch value {
    case .number(let number): number
    case .integer(let number): Double(number)
    default: nil
    }
  }

  /// Values are scikit-learn's, from the sums of parts of any size.
  @Test func valuesAreThoseOfThePeer() throws {
    let file = try ReferenceFile("LockstepTestSupport/Data/metrics.safetensors")
    #expect(file.descriptions.count == 11)
    for description in file.descriptions {
      let name = try #require(description.text("name"))
      let metric = try #require(Self.metrics.first { $0.name == description.text("metric") })
      let prediction = try file.tensor("\(name)/prediction")
      let target = try file.tensor("\(name)/target")
      let count = prediction.shape[0]
      for cuts in [[0, count], [0, 1, count], [0, count / 3, count / 2, count]] {
        var total: [Double] = []
        for (start, end) in zip(cuts, cuts.dropFirst()) {
          let sums = try sums(metric, part(prediction, start..<end), part(target, start..<end))
          total = total.isEmpty ? sums : zip(total, sums).map { $0 + $1 }
        }
        let value = metric.value(of: total, examples: Double(count))
        let expected = try #require(number(description["value"]))
        // What divides by outputs is a Float32 factor.
        let tolerance = target.values.count == count ? 1e-12 : 1e-7
        #expect(abs(value - expected) <= tolerance, "\(name): \(value) instead of \(expected)")
      }
    }
  }

  @Test func aMetricOfAProgramsOwnHasAFormula() throws {
    let x = HostTensor([2, 2], [1, 2, 3, 4])
    let t = HostTensor([2, 2], [1, 0, 3, 0])
    let metric = RootMeanSquaredError()
    let value = metric.value(of: try sums(metric, x, t), examples: 2)
    #expect(abs(value - 5.0.squareRoot()) < 1e-12)
  }

  @Test func equalTargetsHaveNoVarianceToExplain() throws {
    let metric = RSquared()
    let sums = try sums(metric, HostTensor([3], [1, 2, 3]), HostTensor([3], [2, 2, 2]))
    #expect(metric.value(of: sums, examples: 3).isNaN)
  }

  @Test func ofSeveralTargetsRSquaredIsTheMean() throws {
    let x = HostTensor([3, 2], [1, 10, 2, 30, 4, 20])
    let t = HostTensor([3, 2], [1, 10, 2, 20, 3, 30])
    let value = RSquared().value(of: try sums(RSquared(), x, t), examples: 3)
    // 1 − 1/2 and 1 − 200/200.
    #expect(abs(value - 0.25) < 1e-6)
  }

  @Test func tensorsThatDoNotFitAreRefused() {
    let x = HostTensor([4, 3])
    for (metric, target) in [
      (TopKAccuracy(2) as any Metric, HostTensor([4, 3])),
      (MeanAbsoluteErrorMetric(), HostTensor([4])),
      (RSquared(), HostTensor([4])), (TopKAccuracy(0), HostTensor([4])),
    ] {
      let error = #expect(throws: GraphError.self) { try sums(metric, x, target) }
      #expect(error?.description.contains("expects") == true)
    }
  }
}
