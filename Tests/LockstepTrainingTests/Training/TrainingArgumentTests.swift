import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Arguments that make no sense end in an error that names them, never in a trap.
@Suite struct TrainingArgumentTests {
  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "nothing was thrown"
  }

  private func training(
    batchSize: Int = 8, epochs: Int = 1, _ change: (inout TrainingOptions) -> Void = { _ in }
  ) throws -> Training {
    var options = TrainingOptions()
    change(&options)
    return try Training(
      Linear(2), on: SyntheticData.blobs(count: 16, features: 3, classes: 2, seed: 1),
      loss: SoftmaxCrossEntropy(), update: .sgd(learningRate: 0.1), batchSize: batchSize,
      epochs: epochs, options: options)
  }

  @Test(arguments: [0, -1, Int.min])
  func numbersBelowOne(_ number: Int) {
    #expect(message { _ = try training(batchSize: number) }.contains("positive batch size"))
    let keyed: [(String, (inout TrainingOptions) -> Void)] = [
      ("threads", { $0.threads = number }),
      ("shards", { $0.shards = number }),
      ("evaluationBatchSize", { $0.evaluationBatchSize = number }),
      ("microBatches", { $0.run.microBatches = number }),
      ("steps", { $0.run.steps = number }),
      ("evaluateEveryEpochs", { $0.run.evaluateEveryEpochs = number }),
      ("checkpointEverySteps", { $0.run.checkpointEverySteps = number }),
      ("compareEverySteps", { $0.run.compareEverySteps = number }),
    ]
    for (key, change) in keyed {
      let text = message { _ = try training(change) }
      #expect(text.contains(key) && text.contains("\(number)"), "\(text)")
    }
    #expect(message { _ = try training(epochs: number) }.contains("epochs is \(number)"))
    #expect(message { try training().fit(keep: number) }.contains("keep is \(number)"))
  }

  @Test func numbersThatAreTooLarge() throws {
    let shards = message { _ = try training { $0.shards = 1 << 40 } }
    #expect(shards.contains("shards is 1099511627776"))
    // A batch of more than all examples is all of them.
    #expect(try training(batchSize: .max).totalSteps == 1)
    #expect(try training(epochs: .max).totalSteps == .max)
  }

  @Test func evaluationsHaveNamesOfTheirOwn() throws {
    let training = try training()
    let data = try SyntheticData.blobs(count: 4, features: 3, classes: 2, seed: 2)
    try training.evaluate(on: data)
    #expect(message { try training.evaluate(on: data) }.contains("name is 'test'"))
    try training.evaluate(on: data, as: "other")
    #expect(try training.fit().kind == .done)
  }

  @Test func predictorsNameWhatDoesNotFit() throws {
    let field = ExampleField("input", [Int.max, 2])
    #expect(field.size == .max)
    let shape = message { _ = try Predictor(Linear(2), input: field, weights: "none") }
    #expect(shape.contains("positive sizes"))
    let none = message {
      _ = try Predictor(SingleInputModel(Linear(2)), inputs: [], weights: "none")
    }
    #expect(none.contains("input"))
    let predictor = try Predictor(training())
    #expect(message { _ = try predictor.predict([Float]()) }.contains("3 values, found 0"))
    #expect(
      message { _ = try predictor.predict([Int32](repeating: 0, count: 3)) }
        .contains("is not integers"))
  }
}
