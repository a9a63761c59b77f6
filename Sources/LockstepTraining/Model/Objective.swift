import LockstepEngine

/// A model traced on one batch, with what is minimised and what is reported.
public struct Objective {
  /// The loss summed over the batch's examples: a scalar.
  public let loss: Tensor
  /// What one example adds to the divisor of loss and gradient: 1 for a mean over examples, the
  /// number of outputs for a mean over outputs.
  public let weightPerExample: Double
  /// Sums over the examples that are reported as means, `accuracy` say: scalars.
  public let metrics: [(name: String, sum: Tensor)]
  /// The model's output, [N, …].
  public let output: Tensor

  /// Makes an objective. `loss` and the metrics are sums over the batch's examples, not means.
  public init(
    loss: Tensor, weightPerExample: Double = 1, metrics: [(name: String, sum: Tensor)] = [],
    output: Tensor
  ) {
    self.loss = loss
    self.weightPerExample = weightPerExample
    self.metrics = metrics
    self.output = output
  }

  /// The names of the batch's tensors in the graph.
  public enum Input {
    /// The examples' inputs, [N, …].
    public static let examples = "input"
    /// The classes, Int32 [N], or the target values, [N, width].
    public static let labels = "labels"
  }
}

/// Traces a model for a number of examples, for training or for inference.
///
/// It is called once for each number of examples that occurs, and must declare the same parameters
/// in the same order each time.
public typealias ObjectiveTrace = (_ batchCount: Int, _ training: Bool) throws -> Objective
