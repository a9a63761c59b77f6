import LockstepCatalog
public import LockstepEngine
import LockstepOptimization

/// Whose mean and variance a batch normalisation uses in training.
public enum BatchStatistics: String, Sendable, CaseIterable {
  /// Each shard's own, as those of each process elsewhere. They cost nothing, and depend on how many
  /// shards the batch is cut into.
  case perShard
  /// Those of the whole batch, over all shards and ranks, as PyTorch's SyncBatchNorm: all shards wait for
  /// each other twice a layer. With micro-batches, of each micro-batch over all shards.
  case synchronized
}

/// The hyperparameters of a batch normalisation.
package struct BatchNormOptions: Sendable {
  /// The number of channels; nil takes it from the input.
  package var features: Int?
  /// Added to the variance.
  package var epsilon: Float
  /// The weight of the new observation in the running statistics, as in PyTorch:
  /// running ← (1 − momentum) · running + momentum · observed. Keras calls 1 − this its momentum.
  package var momentum: Float
  /// Whether a learned scale (`weight`) and shift (`bias`) follow.
  package var affine: Bool
  /// Whose statistics are used in training.
  package var statistics: BatchStatistics
  /// Whether running statistics are used, and left alone, in training too.
  package var frozen: Bool
  /// Whether scale and shift are updated. Running statistics move all the same; see ``frozen``.
  package var trainable: Bool
  /// The set that the scale is projected onto after every update.
  package var constraint: WeightConstraint?

  func forward(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    let channels = input.shape[1]
    guard
      scope.require(
        channels == features ?? channels,
        "expects \(features ?? 0) channels, the input \(input.shape) has \(channels)"),
      scope.require(epsilon > 0, "epsilon must be positive, got \(epsilon)"),
      scope.require(
        momentum >= 0 && momentum <= 1, "the momentum must be in 0...1, got \(momentum)")
    else { return input }
    let scale =
      affine
      ? scope.parameter(
        "weight", [channels], ConstantInitializer(1), constraint: constraint, trainable: trainable)
      : scope.graph.constant(1, [channels])
    let shift =
      affine
      ? scope.parameter("bias", [channels], ConstantInitializer(0), trainable: trainable)
      : scope.graph.constant(0, [channels])
    let mean = scope.statistic("running_mean", [channels], initialValue: 0, momentum: momentum)
    let variance = scope.statistic("running_var", [channels], initialValue: 1, momentum: momentum)
    let isFrozen = frozen || scope.graph.freezing.freezes(batchNorm: scope.name ?? "")
    guard scope.training, !isFrozen else {
      return input.normalized(scale, shift, mean: mean, variance: variance, epsilon: epsilon)
    }
    if statistics == .synchronized {
      let batch = input.normalizedOverAllShards(scale, shift, epsilon: epsilon)
      guard !scope.graph.hasFailed else { return input }
      scope.graph.observe(mean, batch.mean)
      scope.graph.observe(variance, batch.unbiasedVariance)
      return batch.result
    }
    let batch = input.batchNormalized(scale, shift, epsilon: epsilon)
    guard !scope.graph.hasFailed else { return input }
    // The running variance is an unbiased one.
    let count = Float(input.type.count / channels)
    scope.graph.observe(mean, batch.mean)
    scope.graph.observe(variance, batch.variance, scale: count / (count - 1))
    return batch.result
  }
}

/// Batch normalisation of [N, C] or [N, C, L], per channel.
///
/// y = (x − μ) / √(σ² + ε) · weight + bias. In training μ and the biased σ² are those of the shard, or of
/// the whole batch (``BatchStatistics``), and are observed for `running_mean` and (unbiased)
/// `running_var`; otherwise the running ones are used. Parameters: `weight` [C], `bias` [C].
///
/// Source: S. Ioffe, C. Szegedy, "Batch normalization", ICML 2015.
public struct BatchNorm1d: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The hyperparameters.
  package let options: BatchNormOptions

  /// Makes a layer like PyTorch's `BatchNorm1d`; `BatchNormOptions` says what each argument is.
  ///
  /// PyTorch's `eps` is `epsilon`, its `num_features` is `features`.
  public init(
    _ features: Int? = nil, epsilon: Float = 1e-5, momentum: Float = 0.1, affine: Bool = true,
    statistics: BatchStatistics = .perShard, frozen: Bool = false,
    constraint: WeightConstraint? = nil, trainable: Bool = true
  ) {
    options = BatchNormOptions(
      features: features, epsilon: epsilon, momentum: momentum, affine: affine,
      statistics: statistics, frozen: frozen, trainable: trainable,
      constraint: constraint)
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard
      scope.require(
        [2, 3].contains(input.shape.count),
        "expects an input [N, C] or [N, C, L], got \(input.shape)")
    else { return input }
    return options.forward(input, scope)
  }
}

extension BatchNorm1d {
  package static let entry = Entry<any Model>(
    "BatchNorm1d", "batch normalisation of [N, C] or [N, C, L]", .batchNorm
  ) { values in
    BatchNorm1d(
      values["features"], epsilon: values["epsilon"], momentum: values["momentum"],
      affine: values["affine"], statistics: values["statistics"], frozen: values["frozen"],
      constraint: try values.make("constraint", ConstraintCatalog.catalog),
      trainable: values["trainable"])
  }
}

/// Batch normalisation of [N, C, H, W], per channel; see ``BatchNorm1d``.
public struct BatchNorm2d: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The hyperparameters.
  package let options: BatchNormOptions

  /// Makes a layer like PyTorch's `BatchNorm2d`; `BatchNormOptions` says what each argument is.
  ///
  /// PyTorch's `eps` is `epsilon`, its `num_features` is `features`.
  public init(
    _ features: Int? = nil, epsilon: Float = 1e-5, momentum: Float = 0.1, affine: Bool = true,
    statistics: BatchStatistics = .perShard, frozen: Bool = false,
    constraint: WeightConstraint? = nil, trainable: Bool = true
  ) {
    options = BatchNormOptions(
      features: features, epsilon: epsilon, momentum: momentum, affine: affine,
      statistics: statistics, frozen: frozen, trainable: trainable,
      constraint: constraint)
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard scope.require(input.shape.count == 4, "expects an input [N, C, H, W], got \(input.shape)")
    else { return input }
    return options.forward(input, scope)
  }
}

extension BatchNorm2d {
  package static let entry = Entry<any Model>(
    "BatchNorm2d", "batch normalisation of [N, C, H, W]", .batchNorm
  ) { values in
    BatchNorm2d(
      values["features"], epsilon: values["epsilon"], momentum: values["momentum"],
      affine: values["affine"], statistics: values["statistics"], frozen: values["frozen"],
      constraint: try values.make("constraint", ConstraintCatalog.catalog),
      trainable: values["trainable"])
  }
}

extension BatchStatistics: HyperparameterValue {}

extension Hyperparameter {
  static var statistics: Self {
    .with(
      "statistics", BatchStatistics.perShard,
      "whose mean and variance batch normalisation uses in training: each shard's or the batch's")
  }
}

extension [Hyperparameter] {
  fileprivate static var batchNorm: Self {
    [
      .optional("features", .size, "the number of channels; taken from the input if absent"),
      .epsilon(1e-5, "added to the variance"),
      .with(
        "momentum", .fraction, 0.1,
        "the weight of the new observation (Keras's momentum is 1 minus this)"),
      .affine, .statistics,
      .with("frozen", .boolean, false, "whether running statistics are fixed"),
      .constraint, .trainable,
    ]
  }
}
