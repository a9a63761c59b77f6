import LockstepCatalog
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepTestSupport
import Testing

/// Metrics of whole evaluations: their values, and what they refuse.
@Suite struct EvaluationMetricTests {
  /// Outputs and labels of a case of the reference file.
  private struct Case {
    let form: ScoredForm
    let outputs: [Float]
    let labels: [Float]
    let examples: ScoredExamples

    init(_ meaning: OutputMeaning, _ width: Int, _ outputs: [Float], _ labels: [Float]) {
      form = ScoredForm(meaning, width: width, loss: "loss")
      self.outputs = outputs
      self.labels = labels
      examples = ScoredExamples(
        form, outputs: outputs,
        labels: meaning == .classLogits ? .classes(labels.map { Int32($0) }) : .targets(labels))
    }

    /// The same rows in another order.
    func reordered(_ order: [Int]) -> Case {
      let width = form.width
      let labelWidth = labels.count / order.count
      return Case(
        form.meaning, width, order.flatMap { outputs[$0 * width..<($0 + 1) * width] },
        order.flatMap { labels[$0 * labelWidth..<($0 + 1) * labelWidth] })
    }
  }

  private static func meaning(_ name: String?) -> OutputMeaning? {
    switch name {
    case "classLogits": .classLogits
    case "labelLogits": .labelLogits
    case "numbers": .numbers
    default: nil
    }
  }

  private static func metric(_ object: JSONObject) throws -> any EvaluationMetric {
    var rest = object
    rest["type"] = nil
    let made = try MetricCatalog.catalog.make(object.text("type") ?? "", rest)
    return try #require(made as? any EvaluationMetric)
  }

  /// All are scikit-learn's of the same outputs to 1e-12: with ties, empty classes and one class alone; and
  /// the order of the examples changes nothing.
  @Test func valuesAreThoseOfThePeer() throws {
    let file = try ReferenceFile("LockstepTestSupport/Data/evaluation-metrics.safetensors")
    #expect(file.descriptions.count > 200)
    var generator = CounterGenerator(seed: 5, .shuffling)
    for description in file.descriptions {
      let name = try #require(description.text("name"))
      let meaning = try #require(Self.meaning(description.text("meaning")))
      let outputs = try file.tensor("\(name)/outputs")
      let labels = try file.tensor("\(name)/labels")
      let given = Case(
        meaning, outputs.shape[1], outputs.values.map { Float($0) }, labels.values.map { Float($0) }
      )
      guard case .object(let object)? = description["metric"],
        case .array(let values)? = description["value"]
      else { throw GraphError("the case \(name) has no metric") }
      let metric = try Self.metric(object)
      let expected = values.compactMap(\.doubleValue)
      var order = Array(0..<outputs.shape[0])
      generator.shuffle(&order)
      for examples in [given.examples, given.reordered(order).examples] {
        let found = try metric.prepare(for: given.form).values(of: examples, loss: 0)
        #expect(found.count == expected.count)
        for (found, expected) in zip(found, expected) {
          #expect(
            abs(found - expected) <= 1e-12 * max(1, abs(expected)),
            "\(name), \(metric.name): \(found) instead of \(expected)")
        }
      }
    }
  }

  private func message(
    _ metric: String, _ keys: JSONObject = [:], _ form: ScoredForm
  ) throws -> String {
    var object = keys
    object["type"] = .string(metric)
    do {
      _ = try Self.metric(object).prepare(for: form)
      return "accepted"
    } catch let error as MetricError { return "\(error)" }
  }

  private func summary(_ counts: [Int], isConstant: [Bool] = []) -> LabelSummary {
    ScoredExamples(
      ScoredForm(.classLogits, width: counts.count, loss: "l"), outputs: [],
      labels: .classes(
        counts.enumerated().flatMap { Array(repeating: Int32($0.offset), count: $0.element) })
    ).summary
  }

  /// What cannot be computed is known from the loss and the labels, before anything is computed.
  @Test func whatCannotBeComputedIsRefused() throws {
    let numbers = ScoredForm(.numbers, width: 1, loss: "huber")
    let three = ScoredForm(
      .classLogits, width: 3, loss: "softmaxCrossEntropy", classNames: ["ant", "bee", "cat"])
    let labels = ScoredForm(.labelLogits, width: 4, loss: "binaryCrossEntropy")
    for metric in ["f1", "auroc", "balancedAccuracy", "logLoss", "confusionMatrix"] {
      #expect(
        try message(metric, [:], numbers).contains(
          "is of classes, and the loss huber is of numbers"))
    }
    for metric in ["rSquared", "meanAbsoluteError", "rootMeanSquaredError"] {
      #expect(try message(metric, [:], three).contains("is of numbers"))
    }
    for metric in [
      "balancedAccuracy", "matthewsCorrelation", "confusionMatrix", "calibrationError",
    ] {
      #expect(try message(metric, [:], labels).contains("each of 4 labels may be right"))
    }
    #expect(try message("f1", [:], labels) == "accepted")
    #expect(try message("f1", ["average": "binary"], three).contains("name it by 'positive'"))
    #expect(
      try message("f1", ["average": "binary", "positive": "bes"], three).contains(
        "did you mean 'bee'?"))
    #expect(try message("f1", ["average": "binary", "positive": "bee"], three) == "accepted")
    #expect(try message("f1", ["threshold": 0.3], three).contains("decides between two classes"))
    #expect(try message("perplexity", [:], three).contains("is e^loss of softmaxCrossEntropy"))
  }

  @Test func whatLabelsDoNotAllowIsRefused() throws {
    func form(_ counts: [Int]) -> ScoredForm {
      ScoredForm(
        .classLogits, width: counts.count, loss: "l", classNames: ["ham", "spam", "egg"],
        labels: summary(counts))
    }
    #expect(
      try message("auroc", [:], form([5, 0])).contains(
        "no example is of the class 'spam' among the 5 that are evaluated"))
    #expect(
      try message("auroc", [:], form([0, 4])).contains("all examples are of the class 'spam'"))
    #expect(try message("averagePrecision", [:], form([0, 4])) == "accepted")
    #expect(try message("auroc", [:], form([3, 0, 2])).contains("'spam'"))
    #expect(try message("auroc", [:], form([3, 1, 2])) == "accepted")
    let constant = ScoredForm(
      .numbers, width: 1, loss: "l",
      labels: ScoredExamples(
        ScoredForm(.numbers, width: 1, loss: "l"), outputs: [], labels: .targets([2, 2, 2])
      ).summary)
    #expect(try message("rSquared", [:], constant).contains("one value in all 3 examples"))
    #expect(try message("meanAbsoluteError", [:], constant) == "accepted")
  }

  /// Targets that were standardised are compared in their own units.
  @Test func numbersHaveTheirOwnUnits() throws {
    let form = ScoredForm(.numbers, width: 2, loss: "l")
    let examples = ScoredExamples(
      form, outputs: [1, 0, 0, 1], labels: .targets([0, 0, 0, 0]), scale: [(5, 10), (0, 2)])
    func value(_ metric: String) throws -> Double {
      try Self.metric(["type": .string(metric)]).prepare(for: form).values(of: examples, loss: 0)[0]
    }
    #expect(try value("meanAbsoluteError") == (5 + 1) / 2)
    #expect(try value("rootMeanSquaredError") == (50.0.squareRoot() + 2.0.squareRoot()) / 2)
  }
}
