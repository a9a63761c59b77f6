import LockstepCollective
import LockstepState
import LockstepConfiguration
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
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
      return try (run(text).step.update as? UpdateRule)?.constraints ?? []
    }
    #expect(try constraints("[]") == [.maxNorm(5), nil, .maxNorm(5), nil])
    #expect(
      try constraints("[{\"pattern\": \"1.*\", \"type\": \"nonNegative\"}]")
        == [.maxNorm(5), nil, .nonNegative, .nonNegative])
    let unmatched = #expect(throws: HyperparameterError.self) {
      try constraints("[{\"pattern\": \"2.*\", \"type\": \"nonNegative\"}]")
    }
    #expect(unmatched?.problem.hasPrefix("matches no trainable parameter; there are ") == true)
    #expect(
      try constraints("[{\"kind\": \"Linear\", \"type\": \"ball\", \"limit\": 3}]")
        == [.ball(3), nil, .ball(3), nil])
    let twice = #expect(throws: HyperparameterError.self) {
      try constraints(
        """
        [{"pattern": "*.bias", "type": "nonNegative"}, {"pattern": "1.*", "type": "unitNorm"}]
        """)
    }
    #expect(twice?.problem.contains("1.bias") == true)
  }

  /// The average of the weights is evaluated beside them, and leaves them as they were.
  @Test func averagesAreEvaluated() throws {
    func fingerprints(_ average: String) throws -> (Fingerprint?, [String]) {
      let run = try run(
        """
        {"data": {"type": "blobs", "testFraction": 0.2}, "model": {"type": "mlp", "sizes": [8, 2]},
         "epochs": 2, "average": \(average)}
        """)
      var names: [String] = []
      let outcome = try run.trainer(directory: nil) { event in
        if case .evaluation(let report, _, _) = event { names.append(report.name) }
      }.run()
      return (outcome.fingerprint, names)
    }
    let plain = try fingerprints("null")
    let averaged = try fingerprints("{\"decay\": 0.9, \"warmup\": true}")
    #expect(plain.1 == ["test", "test"])
    #expect(averaged.1 == ["test", "average", "test", "average"])
    #expect(plain.0 == averaged.0)
  }

  /// A penalty is part of the loss and of the gradient.
  @Test func regularizersAreAdded() throws {
    func losses(_ regularizers: String) throws -> [Double] {
      let run = try run(
        """
        {"data": {"type": "blobs"}, "model": {"type": "mlp", "sizes": [8, 2]}, "steps": 3,
         "regularizers": \(regularizers)}
        """)
      var losses: [Double] = []
      _ = try run.trainer(directory: nil) { event in
        if case .step(let report, _, _) = event { losses.append(report.loss) }
      }.run()
      return losses
    }
    let plain = try losses("[]")
    let penalized = try losses("[{\"kind\": \"Linear\", \"type\": \"l2\", \"l2\": 0.1}]")
    #expect(zip(plain, penalized).allSatisfy { $0 < $1 })
  }

  /// A rate that follows the evaluations falls when they stop improving.
  @Test func plateausLowerTheRate() throws {
    let run = try run(
      """
      {"data": {"type": "blobs", "testFraction": 0.2, "examples": 200},
       "model": {"type": "mlp", "sizes": [2]}, "epochs": 8,
       "optimizer": {"type": "sgd", "learningRate": 0.5, "schedule":
       {"type": "reduceOnPlateau", "patience": 0, "threshold": 0.99, "factor": 0.5}}}
      """)
    var rates: [Double] = []
    _ = try run.trainer(directory: nil) { event in
      if case .step(let report, _, _) = event { rates.append(report.update.learningRate) }
    }.run()
    #expect(rates.first == 0.5 && rates.last! < 0.1)
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

  /// Weights of classes or columns in another order are taken with a notice, unless the layer that it
  /// is about is a new one.
  @Test func initialWeightsOfAnotherOrderAreNamed() throws {
    try withTemporaryDirectory { directory in
      let rows = (0..<16).map { ($0, 3 * $0 % 16, $0 < 8 ? "cat" : "dog") }
      try AtomicFile.write(
        "\(directory)/ab.csv",
        text: "a,b,y\n" + rows.map { "\($0.0),\($0.1),\($0.2)\n" }.joined())
      try AtomicFile.write(
        "\(directory)/ba.csv",
        text: "b,a,y\n" + rows.map { "\($0.1),\($0.0),\($0.2)\n" }.joined())
      let weights = "\(directory)/weights.safetensors"
      func lines(
        _ file: String, classes: String = "null", outputs: Int = 2, initial: String = "null"
      ) throws -> [String] {
        let run = try run(
          """
          {"data": {"type": "csv", "file": "\(directory)/\(file)", "target": "y", "classes": \(classes)},
           "model": {"type": "mlp", "sizes": [4, \(outputs)]}, "batchSize": 8, "shards": 2,
           "initialWeights": \(initial)}
          """)
        let lines = try run.loadInitialWeights()
        if initial == "null" {
          let data = run.data.record.description.json.compactText
          try Weights(of: run.source).write(
            weights, metadata: [DataDescription.metadataKey: data])
        }
        return lines
      }
      let strict = #"{"file": "\#(weights)"}"#
      let lenient = #"{"file": "\#(weights)", "mode": "lenient"}"#
      #expect(try lines("ab.csv").isEmpty)
      #expect(try lines("ab.csv", initial: strict).isEmpty)
      let classes = try lines("ab.csv", classes: #"["dog", "cat"]"#, initial: strict)
      #expect(classes.count == 1)
      #expect(
        classes.first?.hasPrefix(
          "class 0 is 'dog' here and was 'cat' when the weights were trained: the last layer, ")
          == true)
      let columns = try lines("ba.csv", initial: strict)
      #expect(columns.count == 1)
      #expect(
        columns.first?.hasPrefix(
          "input 0 is the column 'b' here and was 'a' when the weights were trained: the first layer, "
        ) == true)
      // A new head has no order to follow.
      let head = try lines(
        "ab.csv", classes: #"["dog", "cat", "cow"]"#, outputs: 3, initial: lenient)
      #expect(head.count == 2 && head.allSatisfy { $0.hasPrefix("mis-shaped: ") }, "\(head)")
    }
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
      guard case .floats(let values)? = (data.training as? Dataset)?.inputs else { continue }
      for feature in 0..<30 {
        let column = stride(from: feature, to: values.count, by: 30).map { Double(values[$0]) }
        let mean = column.reduce(0, +) / Double(column.count)
        #expect(mean.magnitude < 1e-5)
      }
    }
    #expect(tested == 569)
  }
}
