/// A set that a weight tensor is projected onto after every update: what to do, over which axes.
///
/// This is the description alone, which layers carry and configurations name; the optimization
/// module knows how to apply it.
public struct WeightConstraint: Sendable, Equatable {
  /// Which values form one unit, which is constrained by itself.
  public enum Axes: Sendable, Equatable {
    /// All values that share the leading index of PyTorch's layout: a dense unit's incoming
    /// weights, a convolution filter over in-channels × kernel.
    case unit
    /// The norm runs over these axes of PyTorch's layout.
    case axes([Int])
    /// The norm runs over these axes of Keras's layout of the same weight (dense: in × out;
    /// convolution: kH × kW × in × out).
    case keras([Int])
    /// All values of the tensor are one unit.
    case all
  }

  /// How a norm is brought into its range.
  public enum Mode: Sendable, Equatable {
    /// The exact projection: a unit inside its range keeps its bits.
    case strict
    /// Keras's formula w · desired / (ε + ‖w‖) with ε = 1e-7, which also shrinks units inside.
    case keras
  }

  /// The set that a unit, or the tensor, is brought into.
  package let projection: any Projection
  /// Which values form one unit.
  package let axes: Axes
  /// How a norm is brought into its range.
  package let mode: Mode
  /// The projection happens after every so many updates.
  package let interval: Int

  /// Makes a constraint with a projection that happens after every `interval` updates.
  public init(
    _ projection: any Projection, axes: Axes = .unit, mode: Mode = .strict, interval: Int = 1
  ) {
    self.projection = projection
    self.axes = axes
    self.mode = mode
    self.interval = interval
  }

  /// The same constraint, after every `interval` updates only.
  public func every(_ interval: Int) -> Self {
    .init(projection, axes: axes, mode: mode, interval: interval)
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.projection.isEqual(to: right.projection) && left.axes == right.axes
      && left.mode == right.mode && left.interval == right.interval
  }
}

extension WeightConstraint: CustomStringConvertible {
  public var description: String {
    "WeightConstraint(\(projection), axes: \(axes), mode: \(mode), interval: \(interval))"
  }
}
