import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepFold
import LockstepLayers
import LockstepObservation
import LockstepOptimization
import LockstepState
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Examples of two inputs, numbers and categories, and two labels.
struct MixedExamples: ExampleSource {
  let name = "mixed"
  let count: Int
  let inputFields = [
    ExampleField("numbers", [3]), ExampleField("kind", [], .int32(limit: 4)),
    ExampleField("more", [2]),
  ]
  let labelFields = [ExampleField("class", [], .int32(limit: 3)), ExampleField("size", [1])]
  var fingerprint: Fingerprint { Fingerprint(of: "mixed \(count)") }

  static func number(_ example: Int, _ place: Int) -> Float {
    Float((example * 7 + place * 5) % 11) / 5 - 1
  }

  func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Float>
  ) throws {
    for (row, example) in examples.enumerated() {
      for place in 0..<field.size {
        values[row * field.size + place] =
          field.name == "size"
          ? Self.number(example, 0) - Float(example % 4)
          : Self.number(example, place + (field.name == "more" ? 9 : 0))
      }
    }
  }

  func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
  ) throws {
    for (row, example) in examples.enumerated() {
      values[row] = Int32(example % (field.name == "kind" ? 4 : 3))
    }
  }
}

/// A model of all three inputs with an output for each label.
struct MixedModel: MultipleInputModel {
  let numbers = Linear(5)
  let more = Linear(5)
  let classes = Linear(3)
  let size = Linear(1)

  func callAsFunction(_ inputs: NamedTensors) -> NamedTensors {
    let kind = inputs["kind"].labelWeights(ignoring: nil, classWeights: [0, 1, 2, 3])
    let hidden = (numbers(inputs["numbers"]) + more(inputs["more"])).tanh()
    let all = Tensor.concatenated([hidden, kind.reshaped(to: [-1, 1])], axis: 1)
    return ["classes": classes(all), "size": size(all)]
  }
}

@Suite struct MultipleOutputTests {
  static let losses = OutputLosses([
    .init("classes", SoftmaxCrossEntropy(), label: "class"),
    .init("size", MeanSquaredError(), label: "size", weight: 0.5),
  ])

  private func train(_ ranks: Int, threads: Int = 1) throws -> [(Outcome, [Double])] {
    try group(of: ranks) { group in
      var options = TrainingOptions()
      options.threads = threads
      options.shards = 4
      let training = try Training(
        MixedModel(), on: MixedExamples(count: 50), losses: Self.losses,
        update: .adam(learningRate: 0.02), batchSize: 16, epochs: 4, options: options,
        ranks: group)
      #expect(training.source.metricNames == ["classes.loss", "classes.accuracy", "size.loss"])
      let outcome = try training.fit()
      let report = try ModelEvaluator(training.source, on: MixedExamples(count: 50))
        .evaluation("all", shardSize: 8, on: group).run()
      return (outcome, [report.loss] + report.metrics)
    }
  }

  @Test("several inputs and outputs train to the same bits on any number of ranks")
  func ranks() throws {
    let alone = try train(1)[0]
    let numbers = alone.1
    // The loss is the weighted sum of the outputs' own.
    let expected: Double = numbers[1] + 0.5 * numbers[3]
    #expect(abs(numbers[0] - expected) < 1e-6)
    #expect(numbers[2] > 0.3)
    for result in try train(2) + train(3, threads: 2) {
      #expect(result.0 == alone.0)
      #expect(result.1 == numbers)
    }
  }

  @Test("inputs and labels that the examples lack are named")
  func missing() throws {
    func message(_ losses: OutputLosses, _ model: any MultipleInputModel = MixedModel()) -> String {
      let made = Result {
        try ModelSource(model, losses: losses, on: MixedExamples(count: 9), seed: 1)
      }
      guard case .failure(let error) = made else { return "" }
      return "\(error)"
    }
    let label = message(OutputLosses([.init("size", MeanSquaredError(), label: "weight")]))
    #expect(label.contains("'weight'") && label.contains("'class', 'size'"))
    let kinds = message(OutputLosses([.init("size", MeanSquaredError(), label: "class")]))
    #expect(kinds.contains("needs numbers"))
    #expect(message(OutputLosses([.init("other", MeanSquaredError())])).contains("'other'"))
    struct Wanting: MultipleInputModel {
      func callAsFunction(_ inputs: NamedTensors) -> NamedTensors { ["size": inputs["mask"]] }
    }
    let input = message(OutputLosses([.init("size", MeanSquaredError())]), Wanting())
    #expect(input.contains("no tensor 'mask'; there are 'numbers', 'kind', 'more'"))
  }
}
