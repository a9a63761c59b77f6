import LockstepFiles

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
  /// nil or `loss`: its loss (lower is better).
  public var scoreMetric: String?

  /// Makes options for a number of epochs, or at most `steps` steps of them; the rest is default.
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
      throw TrainerOptionsError.belowOne(key: key, value: value)
    }
  }
}

/// An option that makes no sense.
public enum TrainerOptionsError: Error, Equatable, CustomStringConvertible {
  /// A number of steps or epochs below 1.
  case belowOne(key: String, value: Int)
  /// A score by a metric that the first evaluation does not have.
  case unknownMetric(String, known: [String])

  public var description: String {
    switch self {
    case .belowOne(let key, let value): return "\(key) is \(value); it must be at least 1"
    case .unknownMetric(let name, let known):
      let hint = NearestName.find(name, among: known).map { "; did you mean '\($0)'?" } ?? ""
      return "scoreMetric must be one of \(known.joined(separator: ", ")); found '\(name)'\(hint)"
    }
  }
}
