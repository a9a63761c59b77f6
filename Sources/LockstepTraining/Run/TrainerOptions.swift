/// How long a trainer trains, and when it looks up from it.
public struct TrainerOptions: Sendable, Equatable {
  /// The number of epochs.
  public var epochs: Int
  /// The number of steps at which training ends even inside an epoch; nil for none.
  public var steps: Int?
  /// The number of micro-batches of each shard.
  public var microBatches = 1
  /// Evaluate at the end of every so many epochs, and at the end.
  public var evaluateEveryEpochs = 1
  /// Save a checkpoint after every so many steps; nil: at the end of each epoch. There is always
  /// one at the end, and one of each evaluation that is better than all before.
  public var checkpointEverySteps: Int?
  /// Compare the state of all ranks after every so many steps; nil: only at start and end.
  public var compareEverySteps: Int?
  /// Log the norms of every parameter's gradient after every so many steps; nil: never.
  public var parameterNormsEverySteps: Int?
  /// Compute fixed data on all ranks before the first step, and compare the bits.
  public var probesKernels = true
  /// The metric of the first evaluation that says which checkpoint is the best (higher is better);
  /// nil: its loss (lower is better).
  public var scoreMetric: String?

  public init(epochs: Int, steps: Int? = nil) {
    self.epochs = epochs
    self.steps = steps
  }

  /// The number of the step that training ends with.
  public func lastStep(batchesPerEpoch: Int) -> Int {
    let (whole, overflow) = batchesPerEpoch.multipliedReportingOverflow(by: epochs)
    return min(steps ?? .max, overflow ? .max : whole)
  }

  /// Throws ``TrainerOptionsError`` for a number that makes no sense.
  public func validate() throws {
    let counts: [(String, Int?)] = [
      ("epochs", epochs), ("steps", steps), ("microBatches", microBatches),
      ("evaluateEveryEpochs", evaluateEveryEpochs), ("checkpointEverySteps", checkpointEverySteps),
      ("compareEverySteps", compareEverySteps),
      ("parameterNormsEverySteps", parameterNormsEverySteps),
    ]
    for case (let key, let value?) in counts where value < 1 {
      throw TrainerOptionsError(key: key, value: value)
    }
  }
}

/// A number of steps or epochs that makes no sense.
public struct TrainerOptionsError: Error, Equatable, CustomStringConvertible {
  /// The option.
  public let key: String
  /// Its value.
  public let value: Int
  public var description: String { "\(key) is \(value); it must be at least 1" }
}
