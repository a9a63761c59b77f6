import LockstepState
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

  /// Damages a file in place.
  private func damage(_ path: String) throws {
    overwrite(path, Array(try contents(path)[..<200]))
  }

  /// Writes a log of evaluations, as a run does.
  private func log(_ run: String, _ lines: [(step: Int, loss: Double, accuracy: Double)]) throws {
    let text = lines.map {
      "{\"step\": \($0.step), \"epoch\": 1, \"evaluation\": \"test\", \"loss\": \($0.loss), "
        + "\"accuracy\": \($0.accuracy), \"examples\": 4}\n"
    }
    try AtomicFile.write("\(run)/evaluations.jsonl", text: text.joined())
  }

  @Test func noOtherCheckpointIsTakenForTheBest() throws {
    try withTemporaryDirectory { run in
      let store = CheckpointStore("\(run)/checkpoints")
      let remedy = "give '--checkpoint 10', the best of the others, or '--checkpoint last'"
      try save(model(1), 10, run, score: -0.75)
      try save(model(2), 20, run, score: -0.5)
      try save(model(3), 30, run)
      try log(run, [(10, 0.75, 0.5), (20, 0.5, 0.6)])
      #expect(try first(run, .best) == 2)
      // A score that is damaged makes no other checkpoint the best.
      let best = store.path(ofStep: 20)
      let sound = try contents(best)
      var bytes = sound
      let score = Array("-0.5\"".utf8)
      let place = try #require(sound.indices.first { sound[$0...].starts(with: score) })
      bytes[place + 3] = UInt8(ascii: "9")
      overwrite(best, bytes)
      #expect(reason(run, .best).hasPrefix("\(best): corrupt checkpoint"))
      try damage(best)
      #expect(reason(run, .best).hasPrefix("\(best): "))
      #expect(reason(run, .best).contains("it may be the best one"))
      #expect(reason(run, .best).hasSuffix(remedy), "\(reason(run, .best))")
      try SystemFileSystem().remove(best)
      #expect(reason(run, .best).hasPrefix("\(best): is gone, or was never written"))
      #expect(reason(run, .best).hasSuffix(remedy), "\(reason(run, .best))")
      // Of others the log tells that they were worse; without it nobody knows.
      try AtomicFile.write(best, bytes: sound)
      try damage(store.path(ofStep: 10))
      try damage(store.path(ofStep: 30))
      #expect(try first(run, .best) == 2)
      try SystemFileSystem().remove("\(run)/evaluations.jsonl")
      #expect(reason(run, .best).contains("give '--checkpoint 20', the best of the others"))
    }
  }

  @Test func theBestIsThatByTheRunsMetric() throws {
    try withTemporaryDirectory { run in
      let store = CheckpointStore("\(run)/checkpoints")
      try save(model(1), 10, run, score: 0.75)
      try save(model(2), 20, run, score: 0.5)
      try log(run, [(10, 0.75, 0.75), (20, 0.5, 0.5), (30, 0.6, 0.875)])
      // A log that does not go with the checkpoints' scores tells nothing.
      #expect(try first(run, .best) == 1)
      try AtomicFile.write(
        "\(run)/config.json", text: #"{"evaluate": {"scoreMetric": "accuracy"}}"#)
      #expect(reason(run, .best).hasPrefix("\(store.path(ofStep: 30)): is gone"))
    }
  }

  @Test func aLastCheckpointThatIsGoneIsNamed() throws {
    try withTemporaryDirectory { run in
      let store = CheckpointStore("\(run)/checkpoints")
      try save(model(1), 10, run)
      try save(model(2), 20, run)
      #expect(try WeightsFile(run, checkpoint: .last).notices.isEmpty)
      try AtomicFile.write("\(run)/outcome.json", text: #"{"outcome": "done", "step": 30}"#)
      #expect(
        try WeightsFile(run, checkpoint: .last).notices == [
          "\(store.path(ofStep: 30)) is gone: the run came to step 30; using the checkpoint of step 20"
        ])
      try damage(store.path(ofStep: 20))
      let notices = try WeightsFile(run, checkpoint: .last).notices
      #expect(notices.count == 2 && notices[0].hasSuffix("; using that of step 10"))
    }
  }

  @Test(arguments: [nil, WeightsFile.Choice.last, .best])
  func aFolderOfCheckpointsIsNamedAsSuch(choice: WeightsFile.Choice?) throws {
    try withTemporaryDirectory { run in
      try save(model(1), 10, run)
      let path = CheckpointStore("\(run)/checkpoints").path(ofStep: 10)
      #expect(
        reason("\(run)/checkpoints", choice)
          == "\(run)/checkpoints: is a folder of checkpoints, and no run directory: name the run "
          + "directory, \(run), or a file, \(path)")
    }
  }

  @Test func weightsMustHaveTheirFingerprint() throws {
    try withTemporaryDirectory { run in
      let (model, path) = (try model(4), "\(run)/weights.safetensors")
      let recorded = ["lockstep.fingerprint": Weights(of: model).fingerprint().description]
      try Weights(of: model).write(path, metadata: recorded)
      #expect(try first(path) == 4)
      #expect(try first(run) == 4)
      // Other values, as finite as before.
      let damaged = try self.model(99)
      try Weights(of: damaged).write(path, metadata: recorded)
      for place in [path, run] {
        #expect(
          reason(place).hasPrefix("\(path): is damaged, or was changed after training"),
          "\(reason(place))")
      }
      #expect(throws: FileError.self) { try Weights(of: model).load(path, names: NameMap()) }
      // What says nothing of a fingerprint is taken as it is.
      try Weights(of: damaged).write(path)
      #expect(try first(path) == 99)
    }
  }

  /// Earlier versions wrote frozen parameters behind the others, and hashed them there.
  @Test func fingerprintsGoWithTheOrderOfTheFile() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/old.safetensors"
      let values: [Float] = [1, 2, 3]
      try values.withUnsafeBufferPointer {
        let tensors = [
          TensorSource("second.weight", shape: [3], $0),
          TensorSource("first.weight", shape: [3], $0),
        ]
        try SafetensorsWriter.write(path, tensors)
        let hash = try #require(try SafetensorsFile(path).fingerprints().first?.fingerprint)
        let whole = Fingerprint.tree([("second.weight", hash), ("first.weight", hash)])
        try SafetensorsWriter.write(
          path, tensors, metadata: ["lockstep.fingerprint": whole.description])
      }
      #expect(reason(path) == "none")
    }
  }

  @Test(arguments: ["best", "last", "0", "17"]) func choicesHaveNames(text: String) {
    #expect(WeightsFile.Choice(text)?.description == text)
  }

  @Test(arguments: ["", "first", "-1", "1.5", "Best"]) func otherNamesAreNone(text: String) {
    #expect(WeightsFile.Choice(text) == nil)
  }
}
