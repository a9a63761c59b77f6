import LockstepCollective
import LockstepConfiguration
import LockstepTraining
import Testing

/// A user hears of settings without effect and of likely mistakes, and of nothing else.
@Suite struct RunNoticesTests {
  private func notices(
    _ settings: String = #""seed": 1"#, data: String = #""testFraction": 0.2"#,
    model: String = #"{"type": "mlp", "sizes": [4, 2]}"#
  ) throws -> [String] {
    let text = #"""
      {"data": {"type": "blobs", "examples": 100, \#(data)}, "model": \#(model),
       \#(settings.contains("epochs") ? "" : "\"epochs\": 2,") \#(settings.contains("batchSize") ? "" : "\"batchSize\": 32,") \#(settings)}
      """#
    let configuration = try RunConfiguration(parsing: Array(text.utf8), source: "test.json")
    return try ConfiguredRun(
      configuration, data: try configuration.data.load(), on: SoloCollective()
    ).notices
  }

  @Test func anOrdinaryRunHasNone() throws {
    #expect(try notices() == [])
    #expect(try notices(#""evaluate": {"scoreMetric": "accuracy"}, "clip": "autoClip""#) == [])
  }

  @Test(arguments: [
    (
      #"{"type": "mlp", "sizes": [4]}"#,
      "4 outputs and the data 2 classes: outputs 2 to 3 are never right"
    ),
    (#"{"type": "mlp", "sizes": [3]}"#, "output 2 is never right"),
    (
      #"{"layers": [{"type": "Linear", "outFeatures": 2}, "Softmax"]}"#,
      "ends in a softmax, and the loss 'softmaxCrossEntropy' applies a softmax itself"
    ),
    (
      #"{"layers": [{"type": "Linear", "outFeatures": 2}, "Sigmoid", "Flatten"]}"#,
      "ends in a sigmoid"
    ),
    (
      #"{"layers": [{"type": "Linear", "outFeatures": 2}, "ReLU", {"type": "Dropout", "rate": 0.5}]}"#,
      "never negative"
    ),
    (#"{"layers": [{"type": "Linear", "outFeatures": 2}, "Tanh"]}"#, "ends in a tanh"),
  ])
  func outputsThatDoNotFitTheLoss(_ model: String, _ text: String) throws {
    let found = try notices(model: model)
    #expect(found.count == 1 && found[0].contains(text), "\(found)")
  }

  @Test(arguments: [
    (#""steps": 500"#, "'steps' is 500, and 2 epochs have 6 steps"),
    (#""batchSize": 1000, "shards": 1"#, "'batchSize' is 1000 and there are 80 training examples"),
    (#""microBatches": 100"#, "'microBatches' is 100 and a shard has about 32 examples"),
    (#""bucketBytes": 1024"#, "'bucketBytes' has no effect: all ranks are on one node"),
    (
      #""optimizer": {"schedule": {"type": "cosine", "warmupSteps": 6}}"#, "never reaches its value"
    ),
    (
      #""optimizer": {"schedule": {"type": "step", "every": 100}}"#, "the learning rate never falls"
    ),
    (#""optimizer": {"schedule": {"type": "multiStep", "milestones": 9}}"#, "never falls"),
    (#""optimizer": {"schedule": "reduceOnPlateau"}"#, "'optimizer.schedule.patience' is 10"),
    (#""epochs": 1, "steps": 500"#, "'steps' is 500, and 1 epoch has 3 steps"),
    (#""optimizer": {"learningRate": 0}"#, "'optimizer.learningRate' is 0: no weight will move"),
    (
      #""optimizer": {"learningRate": 0}, "constraints": {"pattern": "*.weight", "type": "maxNorm"}"#,
      "is 0: the optimizer moves no weight, constraints alone do"
    ),
    (
      #""optimizer": {"type": "muon", "learningRate": 0, "adamLearningRate": 0.1}"#,
      "is 0: no weight will move; 'optimizer.adamLearningRate' has no effect then"
    ),
    (#""optimizer": {"type": "sgd", "dampening": 0.1}"#, "no effect without 'optimizer.momentum'"),
    (
      #""optimizer": {"groups": {"pattern": "*.bias", "weightDecayFactor": 0}}"#,
      "'optimizer.weightDecay' is 0"
    ),
    (
      #""optimizer": {"groups": [{"pattern": "*"}, {"pattern": "*.bias", "learningRateFactor": 2}]}"#,
      "the group '*.bias' in 'optimizer.groups' has no effect"
    ),
    (
      #""clip": {"type": "zClip"}"#,
      "'clip.warmup' is 25 and the run has 6 steps: nothing is clipped"
    ),
    (#""average": {"start": 6}"#, "nothing is averaged"),
    (
      #""constraints": {"pattern": "*.weight", "type": "maxNorm", "every": 100}"#, "it never acts"
    ),
    (#""checkpoint": {"everySteps": 100}"#, "the only checkpoint is that at the end"),
    (#""log": {"parameterNormsEverySteps": 100}"#, "no norms are logged"),
  ])
  func settingsWithoutEffect(_ settings: String, _ text: String) throws {
    let found = try notices(settings)
    #expect(found.count == 1 && found[0].contains(text), "\(found)")
  }

  @Test func aSeedOfNoCutSaysSo() throws {
    let found = try notices(data: #""splitSeed": 3"#)
    #expect(found.contains { $0.hasPrefix("'data.splitSeed' has no effect") }, "\(found)")
    #expect(try notices(data: #""splitSeed": 3, "testFraction": 0.2"#) == [])
  }

  @Test func aRunWithoutEvaluationSaysSo() throws {
    let found = try notices(
      #""evaluate": {"scoreMetric": "accuracy"}"#, data: #""shuffle": true"#)
    #expect(
      found == [
        "the data has no test part, so nothing is evaluated and 'evaluate.scoreMetric' has no effect: "
          + "set 'data.testFraction', or name test files"
      ])
  }
}
