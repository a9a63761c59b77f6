import LockstepDatasets
import LockstepEngine
import LockstepFold
import LockstepLayers

/// A model traced on one batch, with what is minimised and what is reported.
public struct Objective {
  /// A quantity that is reported beside the loss.
  public struct Metric {
    /// Its name, `accuracy` say.
    public let name: String
    /// The sums over the batch that it is made of, scalars; one where it is a mean.
    public let sums: [Tensor]
    /// How many predictions of the batch count, a scalar: the sum's divisor. Nil where that is the
    /// number of examples.
    public let count: Tensor?
    /// The value of the sums over all examples; nil where it is the mean of the only one.
    let value: MetricFormula.Value?

    /// A sum over the batch, and how many predictions it is over; nil where that is one an example.
    public init(_ name: String, sum: Tensor, count: Tensor? = nil) {
      self.name = name
      sums = [sum]
      self.count = count
      value = nil
    }

    /// Sums over the batch, and the value of the sums over all examples.
    public init(_ name: String, sums: [Tensor], value: @escaping MetricFormula.Value) {
      self.name = name
      self.sums = sums
      count = nil
      self.value = value
    }
  }

  /// The loss summed over the batch's examples: a scalar.
  public let loss: Tensor
  /// What one example adds to the divisor of loss and gradient, where ``weight`` is nil: 1 for a mean
  /// over examples, the number of outputs for a mean over outputs.
  public let weightPerExample: Double
  /// The batch's part of the divisor, a scalar, where that does not follow from its number of examples.
  public let weight: Tensor?
  /// What is reported beside the loss.
  public let metrics: [Metric]
  /// The model's outputs, [N, …] each.
  public let outputs: NamedTensors
  /// The model's first output, [N, …].
  public var output: Tensor { outputs.entries[0].tensor }

  /// Makes an objective. `loss` and the metrics are sums over the batch's examples, not means.
  public init(
    loss: Tensor, weightPerExample: Double = 1, metrics: [(name: String, sum: Tensor)] = [],
    output: Tensor
  ) {
    self.init(
      loss: loss, weightPerExample: weightPerExample,
      metrics: metrics.map { Metric($0.name, sum: $0.sum) },
      outputs: [SingleInputModel.outputName: output])
  }

  /// Makes an objective of a model with named outputs, of which there is one at least.
  ///
  /// - Parameter weight: the batch's part of the divisor, in the place of `weightPerExample`.
  public init(
    loss: Tensor, weightPerExample: Double = 1, weight: Tensor? = nil, metrics: [Metric],
    outputs: NamedTensors
  ) {
    self.loss = loss
    self.weightPerExample = weightPerExample
    self.weight = weight
    self.metrics = metrics
    self.outputs = outputs
  }

  /// The names of the batch's tensors in the graph, of a data set in memory. Those of other sources are
  /// the names of their fields.
  public enum Input {
    /// The examples' inputs, [N, …].
    public static let examples = ExampleField.inputName
    /// The classes, Int32 [N], or the target values, [N, width].
    public static let labels = ExampleField.labelName
  }
}

/// Traces a model for a number of examples, for training or for inference.
///
/// It is called once for each number of examples that occurs, and must declare the same parameters
/// in the same order each time.
public typealias ObjectiveTrace = (_ batchCount: Int, _ training: Bool) throws -> Objective
