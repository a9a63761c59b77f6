/// A set that a weight tensor is projected onto after every update: what to do, over which axes.
///
/// This is the description alone, which layers carry and configurations name; the optimization
/// module knows how to apply it.
public struct WeightConstraint: Sendable, Equatable {
  /// The projection.
  public enum Kind: Sendable, Equatable {
    /// Each unit's Euclidean norm is at most `limit`.
    case maxNorm(limit: Float)
    /// Each unit's Euclidean norm is one.
    case unitNorm
    /// No value is negative.
    case nonNegative
    /// Each unit's norm moves by `rate` of the way into `minimum...maximum`.
    case minMaxNorm(minimum: Float, maximum: Float, rate: Float)
    /// Each value lies in `lower...upper` (weight clipping).
    case valueBox(lower: Float, upper: Float)
    /// The Euclidean norm of the whole tensor is at most `limit`, whatever the axes.
    case ball(limit: Float)
    /// The largest singular value of the tensor as a matrix (leading dimension × all the rest) is
    /// at most `limit`, as estimated by `iterations` power iterations a step.
    case spectralNorm(limit: Float, iterations: Int)
  }

  /// Which values form one unit, whose norm is constrained.
  public enum Axes: Sendable, Equatable {
    /// All values that share the leading index of PyTorch's layout: a dense unit's incoming
    /// weights, a convolution filter over in-channels × kernel.
    case unit
    /// The norm runs over these axes of PyTorch's layout.
    case axes([Int])
    /// The norm runs over these axes of Keras's layout of the same weight (dense: in × out;
    /// convolution: kH × kW × in × out).
    case keras([Int])
  }

  /// How a norm is brought into its range.
  public enum Mode: Sendable, Equatable {
    /// The exact projection: a unit inside its range keeps its bits.
    case strict
    /// Keras's formula w · desired / (ε + ‖w‖) with ε = 1e-7, which also shrinks units inside.
    case keras
  }

  /// The projection.
  public let kind: Kind
  /// Which values form one unit.
  public let axes: Axes
  /// How a norm is brought into its range.
  public let mode: Mode
  /// The projection happens after every so many updates.
  public let interval: Int

  /// Makes a constraint with a projection that happens after every `interval` updates.
  public init(_ kind: Kind, axes: Axes = .unit, mode: Mode = .strict, interval: Int = 1) {
    self.kind = kind
    self.axes = axes
    self.mode = mode
    self.interval = interval
  }

  /// The same constraint, after every `interval` updates only.
  public func every(_ interval: Int) -> Self {
    .init(kind, axes: axes, mode: mode, interval: interval)
  }

  /// Each unit's Euclidean norm is at most `limit`.
  public static func maxNorm(_ limit: Float, axes: Axes = .unit, mode: Mode = .strict) -> Self {
    .init(.maxNorm(limit: limit), axes: axes, mode: mode)
  }
  /// Each unit's Euclidean norm is one.
  public static func unitNorm(axes: Axes = .unit, mode: Mode = .strict) -> Self {
    .init(.unitNorm, axes: axes, mode: mode)
  }
  /// No value is negative.
  public static var nonNegative: Self { .init(.nonNegative) }
  /// Each unit's norm moves by `rate` of the way into `minimum...maximum`.
  public static func minMaxNorm(
    _ minimum: Float, _ maximum: Float, rate: Float = 1, axes: Axes = .unit, mode: Mode = .strict
  ) -> Self {
    .init(
      .minMaxNorm(minimum: minimum, maximum: maximum, rate: rate), axes: axes, mode: mode)
  }
  /// Each value lies in `lower...upper`.
  public static func valueBox(_ lower: Float, _ upper: Float) -> Self {
    .init(.valueBox(lower: lower, upper: upper))
  }
  /// The norm of the whole tensor is at most `limit`: w · limit / ‖w‖ where ‖w‖ > limit.
  public static func ball(_ limit: Float) -> Self { .init(.ball(limit: limit)) }
  /// The largest singular value is at most `limit`.
  public static func spectralNorm(_ limit: Float, iterations: Int = 1) -> Self {
    .init(.spectralNorm(limit: limit, iterations: iterations))
  }
}
