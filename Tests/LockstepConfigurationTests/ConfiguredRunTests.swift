import LockstepConfiguration
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepOptimization
import LockstepTraining
import Testing

private func run(_ text: String, ranks: Int = 1) throws -> ConfiguredRun {
  let configuration = try RunConfiguration(parsing: Array(text.utf8), source: "test.json")
  return try ConfiguredRun(
    configuration, data: try configuration.data.load(), on: SoloCollective())
}

@Suite struct ConfiguredRunTests {
  @Test func aRunIsPutTogetherAndLearns() throws {
    let run = try run(
      """
      {"data": {"type": "blobs", "classes": 3, "testFraction": 0.25, "examples": 400},
       "model": {"type": "mlp", "sizes": [16, 3]}, "batchSize": 64, "shards": 8, "epochs": 8,
       "optimizer": {"learningRate": 0.05}}
      """)
    #expect(run.data.training.count == 300 && run.data.test?.count == 100)
    #expect(run.totalSteps == 40)
    var scores: [Double] = []
    let outcome = try run.trainer(directory: nil) { event in
      if case .evaluation(let report, _, _) = event { scores.append(report["accuracy"] ?? 0) }
    }.run()
    #expect(outcome.kind == .done && outcome.step == 40)
    #expect(scores.count == 8)
    #expect(scores.last! > 0.95)
  }

  /// Rules of the configuration win over the layers' own; a tensor has one rule.
  @Test func constraintsReachTheirTensors() throws {
    let layer = """
      {"type": "Linear", "outFeatures": 2, "constraint": {"type": "maxNorm", "limit": 5}}
      """
    func constraints(_ rules: String) throws -> [WeightConstraint?] {
      let text = """
        {"data": {"type": "blobs"}, "model": {"layers": [\(layer), \(layer)]},
         "constraints": \(rules)}
        """
      return try (run(text).step.update as? ChainUpdate)?.rule.constraints ?? []
    }
    #expect(try constraints("[]") == [.maxNorm(5), nil, .maxNorm(5), nil])
    #expect(
      try constraints("[{\"pattern\": \"1.*\", \"type\": \"nonNegative\"}]")
        == [.maxNorm(5), nil, .nonNegative, .nonNegative])
    #expect(throws: UpdateError.unmatchedPattern("2.*")) {
      try constraints("[{\"pattern\": \"2.*\", \"type\": \"nonNegative\"}]")
    }
    let error = #expect(throws: ConfigurationError.self) {
      try constraints(
        """
        [{"pattern": "*.bias", "type": "nonNegative"}, {"pattern": "1.*", "type": "unitNorm"}]
        """)
    }
    #expect(
      error?.description.contains("'constraints.1' and 'constraints.0' both constrain '1.bias'")
        == true)
  }

  @Test func schedulesLastAsLongAsTheRun() throws {
    let run = try run(
      """
      {"data": {"type": "blobs", "examples": 640}, "model": {"type": "mlp", "sizes": [2]},
       "batchSize": 64, "epochs": 2, "optimizer": {"type": "sgd", "learningRate": 1,
       "schedule": {"type": "polynomial"}}}
      """)
    var rates: [Double] = []
    _ = try run.trainer(directory: nil) { event in
      if case .step(let report, _, _) = event { rates.append(report.update.learningRate) }
    }.run()
    #expect(rates.count == 20)
    for (step, rate) in rates.enumerated() {
      #expect((rate - (1 - Double(step) / 20)).magnitude < 1e-12)
    }
  }

  @Test(arguments: [
    ("{\"type\": \"binaryCrossEntropy\"}", "needs numbers, and the labels of 'blobs' are classes"),
    ("{\"type\": \"softmaxCrossEntropy\"}", "the model has 2 outputs and 'blobs' has 3 classes"),
  ])
  func lossesThatDoNotFitAreNamed(_ loss: String, _ message: String) {
    let error = #expect(throws: GraphError.self) {
      try run(
        """
        {"data": {"type": "blobs", "classes": 3}, "model": {"type": "mlp", "sizes": [2]},
         "loss": \(loss)}
        """)
    }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  /// A target of two values for a model of one output.
  @Test func targetsOfAnotherWidthAreNamed() {
    let error = #expect(throws: GraphError.self) {
      try run(
        """
        {"data": {"type": "linear", "weights": [1, 2]}, "model": {"type": "mlp", "sizes": [2]},
         "loss": {"type": "meanSquaredError"}}
        """)
    }
    #expect(error?.description.contains("[N, 2], and an example of 'linear' has 1 target") == true)
  }

  /// The folds are the test part once each, and standardisation is fitted on the training part.
  @Test func foldsAndStandardisation() throws {
    var tested = 0
    for fold in 0..<5 {
      let data = try run(
        """
        {"data": {"type": "breast-cancer", "folds": 5, "fold": \(fold)},
         "model": {"type": "mlp", "sizes": [1]}, "loss": {"type": "binaryCrossEntropy"}}
        """
      ).data
      tested += data.test?.count ?? 0
      guard case .floats(let values) = data.training.inputs else { continue }
      for feature in 0..<30 {
        let column = stride(from: feature, to: values.count, by: 30).map { Double(values[$0]) }
        let mean = column.reduce(0, +) / Double(column.count)
        #expect(mean.magnitude < 1e-5)
      }
    }
    #expect(tested == 569)
  }
}
