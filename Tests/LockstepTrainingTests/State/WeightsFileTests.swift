import LockstepDatasets
import LockstepFiles
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Weights are found in a file, in a checkpoint and in a run directory.
@Suite struct WeightsFileTests {
  /// Saves a model as the checkpoint of a step.
  private func save(_ model: ModelSource, _ step: Int, _ run: String, score: Double? = nil)
    throws
  {
    let store = CheckpointStore("\(run)/checkpoints", keep: 9)
    try store.prepare()
    let registry = StateRegistry()
    try registry.add(model.stateEntries, of: model)
    _ = try store.save(registry, step: step, configuration: [:], score: score)
  }

  private func model(_ value: Float) throws -> ModelSource {
    let model = try ModelSource(
      dataset: try SmallModel.dataset(count: 4), seed: 1, trace: SmallModel.convolutional.trace)
    model.memory.initialize(seed: 1)
    model.parameters[0] = value
    return model
  }

  /// The first weight of what is found.
  private func first(_ path: String, _ choice: WeightsFile.Choice? = nil) throws -> Float {
    let model = try model(-1)
    try Weights(of: model).read(WeightsFile(path, checkpoint: choice))
    return model.parameters[0]
  }

  private func reason(_ path: String, _ choice: WeightsFile.Choice? = nil) -> String {
    do {
      _ = try WeightsFile(path, checkpoint: choice)
      return "none"
    } catch { return "\(error)" }
  }

  @Test func aCheckpointShowsItsWeightsAlone() throws {
    try withTemporaryDirectory { run in
      try save(model(3), 5, run)
      let path = CheckpointStore("\(run)/checkpoints").path(ofStep: 5)
      #expect(try first(path) == 3)
      #expect(try WeightsFile(path).step == 5)
      let strict = try Weights(of: try model(0)).load(path, names: NameMap())
      #expect(strict.isComplete && !strict.loaded.isEmpty)
    }
  }

  @Test func aRunDirectoryStandsForItsWeightsOrACheckpoint() throws {
    try withTemporaryDirectory { run in
      #expect(reason(run).contains("neither weights.safetensors nor a checkpoint"))
      #expect(reason(run, .last).contains("has no checkpoint; there are none"))
      try save(model(1), 10, run, score: 0.5)
      try save(model(2), 20, run, score: 0.9)
      try save(model(3), 30, run, score: 0.7)
      #expect(try first(run) == 3)
      #expect(try WeightsFile(run).notices.count == 1)
      #expect(try first(run, .best) == 2)
      #expect(try first(run, .last) == 3)
      #expect(try first(run, .step(10)) == 1)
      #expect(
        reason(run, .step(11)).contains(
          "has no checkpoint of step 11; there are those of steps 10, 20, 30"))
      // Final weights come first, unless the run went on after them.
      let final = "\(run)/weights.safetensors"
      try Weights(of: try model(4)).write(final, metadata: ["lockstep.step": "30"])
      #expect(try first(run) == 4)
      #expect(try WeightsFile(run).notices.isEmpty)
      try save(model(5), 40, run)
      #expect(try first(run) == 5)
      #expect(try WeightsFile(run).notices.count == 1)
      #expect(reason(final, .best).contains("is no run directory"))
      // A damaged one is passed over, and refused where it is named.
      let path = CheckpointStore("\(run)/checkpoints").path(ofStep: 40)
      var bytes = try contents(path)
      bytes[bytes.count - 1] ^= 1
      overwrite(path, bytes)
      #expect(try first(run, .last) == 3)
      #expect(try WeightsFile(run, checkpoint: .last).notices.count == 1)
      #expect(reason(run, .step(40)).contains("corrupt"))
    }
  }

  @Test(arguments: ["best", "last", "0", "17"]) func choicesHaveNames(text: String) {
    #expect(WeightsFile.Choice(text)?.description == text)
  }

  @Test(arguments: ["", "first", "-1", "1.5", "Best"]) func otherNamesAreNone(text: String) {
    #expect(WeightsFile.Choice(text) == nil)
  }
}
