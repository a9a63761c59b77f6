import LockstepState
import LockstepFiles
import LockstepONNX
import LockstepTraining

/// What may change between the start of a run and its resumption, because no bit follows from it.
extension RunConfiguration {
  /// The dotted keys that may differ from a checkpoint's.
  ///
  /// They say how long to train, and what to do beside it: none changes a bit of a healthy step.
  /// `nonFinite` says what becomes of the steps that are not healthy, so that a run which ended at one
  /// can be told to pass it over. How evaluations are made counts where the learning rate follows them.
  /// The length of a schedule is compared as a number of steps (``RunCondition``), whether it was given
  /// or is the run's.
  package var mayDiffer: Set<String> {
    var keys: Set<String> = [
      "epochs", "steps", "threads", "inputs", "update", "checkpoint", "replicaGuard", "bucketBytes",
      "watchdog", "nonFinite", "log", "maxSeconds", "data.storage", "model.file",
    ]
    // That the data is the same is checked by its values, and that the model's file is by its bytes.
    keys.formUnion(Self.dataPaths)
    if update.plateauMinimizes == nil, options.earlyStopping == nil {
      keys.formUnion(["evaluate.everyEpochs", "evaluate.batchSize"])
    }
    if update.scheduleSteps(totalSteps: 1) != nil { keys.insert("optimizer.schedule.steps") }
    return keys
  }

  /// The dotted keys that may be absent from either side: what they name is not used again.
  package static let mayBeAbsent: Set<String> = ["initialWeights"]

  /// The file of a model as a condition of the run; nil for a model of layers.
  var modelFile: RunCondition? {
    guard let model = model as? ImportedModel else { return nil }
    return RunCondition("model", "\(model.fingerprint)", otherwise: .refused) { _ in
      "the model's file is not the one that the run was started with: bring it back (the run's directory "
        + "has it as \(ImportedModel.keptName)), or start another run directory"
    }
  }

  /// The length of the learning rate's schedule as a condition of the run; nil for a schedule without
  /// one.
  ///
  /// - Parameter totalSteps: the steps of the whole run.
  func scheduleLength(totalSteps: Int) -> RunCondition? {
    guard let steps = update.scheduleSteps(totalSteps: totalSteps),
      let schedule = update.schedule
    else { return nil }
    let source =
      schedule.contains("steps") ? "'optimizer.schedule.steps'" : "'steps' and 'epochs'"
    return RunCondition("optimizer.schedule.steps", "\(steps)", otherwise: .refused) { recorded in
      "the schedule '\(schedule.name)' was \(recorded) steps long when the run was started, and is "
        + "\(steps) by \(source) now: the steps behind the checkpoint would have had other learning "
        + "rates. Set optimizer.schedule.steps=\(recorded) to go on with the schedule as it was, or "
        + "start another run directory"
    }
  }
}
