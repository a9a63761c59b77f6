import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFold
import LockstepLayers
import LockstepOptimization
import LockstepState
import LockstepTestSupport
import LockstepTraining
import Testing

@Suite struct PredictorTests {
  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  private static func points() throws -> Dataset {
    try Dataset(
      name: "points", inputShape: [4],
      inputs: .floats((0..<120).map { Float($0 * 37 % 23) / 10 - 1 }),
      labels: .classes((0..<30).map { Int32($0 % 3) }, count: 3))
  }

  private static let model = Sequential {
    Linear(8)
    ReLU()
    Linear(3)
  }

  private func trained() throws -> Training {
    let training = try Training(
      Self.model, on: Self.points(), loss: SoftmaxCrossEntropy(), update: .sgd(learningRate: 0.1),
      batchSize: 10, epochs: 2)
    _ = try training.fit()
    return training
  }

  @Test("an answer is what an evaluation of the example computes")
  func evaluation() throws {
    let training = try trained()
    let predictor = try Predictor(training)
    #expect(predictor.inputs.map(\.name) == ["input"])
    #expect(predictor.outputNames == ["output"] && predictor.outputShapes == [[3]])
    let points = try Self.points()
    let evaluator = try ModelEvaluator(training.source, on: points)
    for example in [0, 7, 29] {
      var input = [Float](repeating: 0, count: 4)
      try input.withUnsafeMutableBufferPointer {
        try points.copyInputs(of: [example], into: $0)
      }
      let expected = Array(try evaluator.compute([example]))
      #expect(try predictor.predict(input) == expected)
      #expect(try predictor.predict(["input": .floats(input)]) == ["output": expected])
    }
  }

  @Test("it reads the weights when it is made and when it is told to")
  func refresh() throws {
    let training = try trained()
    let predictor = try Predictor(training)
    let before = try predictor.predict([1, 0, 0.5, -1])
    for index in training.source.memory.parameters.indices {
      training.source.memory.parameters[index] *= 2
    }
    try predictor.refresh()
    let after = try predictor.predict([1, 0, 0.5, -1])
    #expect(before != after)
    let fresh = try Predictor(training).predict([1, 0, 0.5, -1])
    #expect(after == fresh)
  }

  @Test("a model and a file of weights answer as the training does")
  func file() throws {
    let directory = TemporaryDirectory()
    let training = try trained()
    let path = directory.file("weights.safetensors")
    try Weights(of: training.source).write(path)
    let predictor = try Predictor(Self.model, input: ExampleField("input", [4]), weights: path)
    let input: [Float] = [0.25, -1, 3, 0]
    let expected = try Predictor(training).predict(input)
    #expect(try predictor.predict(input) == expected)
    let other = message {
      _ = try Predictor(Linear(2), input: ExampleField("input", [4]), weights: path)
    }
    #expect(other.contains("does not fit the model"))
  }

  @Test("tokens, several inputs and several outputs")
  func named() throws {
    let source = try ModelSource(
      TokenModel(), loss: TokenTrainingTests.loss, on: MarkedTokens(count: 10), seed: 3)
    let tokens = try Predictor(source)
    let evaluator = try ModelEvaluator(source, on: MarkedTokens(count: 10))
    var input = [Int32](repeating: 0, count: 5)
    let examples = try MarkedTokens(count: 10)
    try input.withUnsafeMutableBufferPointer {
      try examples.read(examples.inputFields[0], of: [4], into: $0)
    }
    let expected = Array(try evaluator.compute([4]))
    #expect(try tokens.predict(input) == expected)
    #expect(
      message { _ = try tokens.predict([0, 1, 2, 3, 7] as [Int32]) }.contains("expected 0...6"))
    #expect(message { _ = try tokens.predict([0, 1] as [Float]) }.contains("5 values, found 2"))
    #expect(
      message { _ = try tokens.predict([0, 1, 2, 3, 4] as [Float]) }.contains("is integers"))

    let mixed = try Predictor(
      ModelSource(
        MixedModel(), losses: MultipleOutputTests.losses, on: MixedExamples(count: 9), seed: 1))
    let values: [String: Predictor.Values] = [
      "numbers": .floats([1, 2, 3]), "kind": .integers([2]), "more": .floats([0, 1]),
    ]
    let answer = try mixed.predict(values)
    #expect(answer["classes"]?.count == 3 && answer["size"]?.count == 1)
    #expect(message { _ = try mixed.predict([1, 2, 3] as [Float]) }.contains("by their names"))
    #expect(message { _ = try mixed.predict(["kind": .integers([1])]) }.contains("'numbers'"))
    var more = values
    more["colour"] = .integers([1])
    #expect(message { _ = try mixed.predict(more) }.contains("no input 'colour'"))
  }
}
