import LockstepFiles

/// How long a trainer trains, and when it looks up from it.
public struct TrainerOptions: Sendable, Equatable {
  package var epochs: Int
  package var steps: Int?
  package var microBatches: Int
  package var evaluateEveryEpochs: Int
  package var checkpointEverySteps: Int?
  package var compareEverySteps: Int?
  package var parameterNormsEverySteps: Int?
  /// Whether the largest singular values of matrices' gradients stand beside the norms of tensors, which are
  /// logged after some steps.
  package var logsSingularValues = false
  package var probesKernels: Bool
  package var scoreMetric: String?
  /// When the run ends because evaluations have stopped improving; nil for never.
  package var earlyStopping: EarlyStopping?
  /// After how many seconds the run is interrupted, resumable, as by a signal; nil for never.
  package var maxSeconds: Double?

  /// Makes options for a number of epochs, or at most `steps` steps of them.
  ///
  /// - Parameters:
  ///   - epochs: the number of epochs.
  ///   - steps: the number of steps at which training ends even inside an epoch; nil for none.
  ///   - microBatches: the number of micro-batches of each shard.
  ///   - evaluateEveryEpochs: evaluate at the end of every so many epochs, and at the end.
  ///   - checkpointEverySteps: save a checkpoint after every so many steps; nil: at the end of each
  ///     epoch. There is always one at the end, and one of each evaluation that is better than all
  ///     before.
  ///   - compareEverySteps: compare the state of all ranks after every so many steps; nil: only at
  ///     start and end.
  ///   - parameterNormsEverySteps: log the norms of every parameter's gradient after every so many
  ///     steps; nil: never.
  ///   - probesKernels: compute fixed data on all ranks before the first step, and compare the
  ///     bits.
  ///   - scoreMetric: the metric of the first evaluation that says which checkpoint is the best
  ///     (higher is better, of an error lower); nil or `loss`: its loss (lower is better).
  public init(
    epochs: Int, steps: Int? = nil, microBatches: Int = 1, evaluateEveryEpochs: Int = 1,
    checkpointEverySteps: Int? = nil, compareEverySteps: Int? = nil,
    parameterNormsEverySteps: Int? = nil, probesKernels: Bool = true, scoreMetric: String? = nil
  ) {
    self.epochs = epochs
    self.steps = steps
    self.microBatches = microBatches
    self.evaluateEveryEpochs = evaluateEveryEpochs
    self.checkpointEverySteps = checkpointEverySteps
    self.compareEverySteps = compareEverySteps
    self.parameterNormsEverySteps = parameterNormsEverySteps
    self.probesKernels = probesKernels
    self.scoreMetric = scoreMetric
  }

  /// The number of the step that training ends with.
  package func lastStep(batchesPerEpoch: Int) -> Int {
    let (whole, overflow) = batchesPerEpoch.multipliedReportingOverflow(by: epochs)
    return min(steps ?? .max, overflow ? .max : whole)
  }

  /// Throws ``TrainerOptionsError`` for a number that makes no sense.
  package func validate() throws {
    let counts: [(String, Int?)] = [
      ("epochs", epochs), ("steps", steps), ("microBatches", microBatches),
      ("evaluateEveryEpochs", evaluateEveryEpochs), ("checkpointEverySteps", checkpointEverySteps),
      ("compareEverySteps", compareEverySteps),
      ("parameterNormsEverySteps", parameterNormsEverySteps),
    ]
    for case (let key, let value?) in counts where value < 1 {
      throw TrainerOptionsError.belowOne(key: key, value: value)
    }
    if let patience = earlyStopping?.patience, patience < 1 {
      throw TrainerOptionsError.belowOne(key: "earlyStopping.patience", value: patience)
    }
  }
}

/// An option that makes no sense.
package enum TrainerOptionsError: Error, Equatable, CustomStringConvertible {
  /// A number of steps or epochs below 1.
  case belowOne(key: String, value: Int)
  /// A score by a metric that the first evaluation does not have.
  case unknownMetric(String, known: [String])

  package var description: String {
    switch self {
    case .belowOne(let key, let value): return "\(key) is \(value); it must be at least 1"
    case .unknownMetric(let name, let known):
      let hint = NearestName.find(name, among: known).map { "; did you mean '\($0)'?" } ?? ""
      return "scoreMetric must be one of \(known.joined(separator: ", ")); found '\(name)'\(hint)"
    }
  }
}
