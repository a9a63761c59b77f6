import LockstepFold
import LockstepOptimization

/// What one step did, the same on every rank.
public struct StepReport: Sendable, Equatable {
  /// The number of the step, counted from 1.
  public let step: Int
  /// The mean loss: the folded sum over the folded weight, plus the regulariser's penalty. NaN where no example
  /// counts, as the metrics are.
  public let loss: Double
  /// The folded weight that gradient and loss were divided by.
  public let weight: Double
  /// The number of examples.
  public let examples: Int
  /// The metrics' means over the examples, in the order of the source's names.
  public let metrics: [Double]
  /// What clipping and the schedule decided.
  package let update: UpdateReport
  /// What the ranks asked for, combined.
  package let requests: StepRequests
  /// Why the step was skipped, where it was: nothing but counters has changed then, the norms are
  /// those of a gradient that is not finite, and the learning rate is 0.
  package var skipped: NonFiniteError?
  /// What was taken out of shards, where anything was: loss, metrics and numbers of examples are
  /// those of the shards that count.
  package var sanitized: Sanitized?
  /// How a Hessian-free step found its direction.
  package var hessianFree: HessianFreeReport?

  /// A report of these numbers, of a step that was taken unless it says otherwise.
  package init(
    step: Int, loss: Double, weight: Double, examples: Int, metrics: [Double],
    update: UpdateReport, requests: StepRequests, skipped: NonFiniteError? = nil,
    sanitized: Sanitized? = nil, hessianFree: HessianFreeReport? = nil
  ) {
    self.step = step
    self.loss = loss
    self.weight = weight
    self.examples = examples
    self.metrics = metrics
    self.update = update
    self.requests = requests
    self.skipped = skipped
    self.sanitized = sanitized
    self.hessianFree = hessianFree
  }
}
