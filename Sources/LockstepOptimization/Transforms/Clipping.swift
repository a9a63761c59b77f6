import LockstepEngine

/// How much a norm may exceed its limit by rounding alone: 2⁻²² of it.
///
/// Scaling n Float32 values by a Float32 factor moves their norm by at most 2⁻²³ of itself. Norms
/// within twice that of a limit count as inside, so that clipping twice is clipping once and a
/// projection leaves what it has projected alone, bit for bit.
let normSlack = 0x1p-22

/// Limits every value of the update: u = min(max(u, lower), upper).
///
/// A NaN stays a NaN. (PyTorch's `clip_grad_value_`, Keras's `clipvalue` for a symmetric box.)
public struct ClipByValue: GradientTransform, Equatable {
  public let lower: Float
  public let upper: Float

  /// Limits values to −limit...limit.
  public init(_ limit: Float) {
    lower = -limit
    upper = limit
  }

  /// Limits values to a box.
  public init(lower: Float, upper: Float) {
    self.lower = lower
    self.upper = upper
  }

  public func validate() throws {
    try HyperparameterRange.number.check("clip by value", "lower", Double(lower))
    try HyperparameterRange.number.check("clip by value", "upper", Double(upper))
    guard lower <= upper else {
      throw HyperparameterError(
        owner: "clip by value", key: "lower", value: "\(lower)",
        problem: "must not be above upper = \(upper)")
    }
  }

  public func bind(to context: TransformContext) -> any BoundTransform { Bound(self, context) }

  private final class Bound: BoundTransform {
    private let box: ClipByValue
    private let kernels: Kernels
    var isClip: Bool { true }

    init(_ box: ClipByValue, _ context: TransformContext) {
      self.box = box
      kernels = context.kernels
    }

    func apply(_ block: BlockView) {
      let changed = kernels.update.limit(
        block.output, block.input, box.lower, box.upper, block.count)
      block.changed.pointee += Double(changed)
    }
  }
}

/// Limits the norm of all tensors together: u = u · C / ‖u‖ where ‖u‖ > C.
///
/// The exact projection onto the ball of radius C (Pascanu et al. 2013; Keras's
/// `global_clipnorm`), or by name PyTorch's `clip_grad_norm_`. An update inside the ball keeps its
/// bits.
public struct ClipByGlobalNorm: GradientTransform, Equatable {
  /// The coefficient of a clipped update.
  public enum Formula: Sendable, Equatable {
    /// C / ‖u‖ where ‖u‖ > C.
    case projection
    /// min(1, C / (‖u‖ + 1e-6)), as PyTorch has it.
    case pyTorch
  }

  /// C, the largest norm.
  public let limit: Double
  /// Which norm.
  public let norm: VectorNorm
  public let formula: Formula

  public init(_ limit: Double, norm: VectorNorm = .two, formula: Formula = .projection) {
    self.limit = limit
    self.norm = norm
    self.formula = formula
  }

  public func validate() throws {
    try HyperparameterRange.positive.check("clip by global norm", "limit", limit)
    if case .power(let p) = norm, !(1...8).contains(p) {
      throw HyperparameterError(
        owner: "clip by global norm", key: "norm", value: "\(p)",
        problem: "must be a whole power from 1 to 8, or infinity")
    }
  }

  /// The coefficient for a norm, nil where the update is left alone.
  func coefficient(_ value: Double) -> Double? {
    switch formula {
    case .projection: value > limit * (1 + normSlack) ? limit / value : nil
    case .pyTorch: limit < value + 1e-6 ? limit / (value + 1e-6) : nil
    }
  }

  public func bind(to context: TransformContext) -> any BoundTransform {
    BoundScaling(context, measure: .update(norm)) { measurements, factors in
      let value = measurements.norm(.update(norm))
      let coefficient = coefficient(value)
      for slot in factors.indices { factors[slot] = coefficient }
      guard norm == .two || norm == .power(2) else { return nil }
      return value * (coefficient ?? 1)
    }
  }
}

/// Limits the Euclidean norm of every tensor by itself: u = u · C / ‖u‖ where ‖u‖ > C.
///
/// (Keras's `clipnorm`.)
public struct ClipByNorm: GradientTransform, Equatable {
  /// C, the largest norm of a tensor.
  public let limit: Double

  public init(_ limit: Double) { self.limit = limit }

  public func validate() throws {
    try HyperparameterRange.positive.check("clip by norm", "limit", limit)
  }

  public func bind(to context: TransformContext) -> any BoundTransform {
    BoundScaling(context, measure: .update(.two)) { measurements, factors in
      var squares = 0.0
      var anyClipped = false
      for slot in factors.indices {
        let value = measurements.norm(.update(.two), slot: slot)
        factors[slot] = value > limit * (1 + normSlack) ? limit / value : nil
        let clipped = value * (factors[slot] ?? 1)
        squares += clipped * clipped
        anyClipped = anyClipped || factors[slot] != nil
      }
      return anyClipped ? squares.squareRoot() : measurements.norm(.update(.two))
    }
  }
}

/// A clip that multiplies each slot by one factor.
final class BoundScaling: BoundTransform {
  /// Writes the factors of all slots (nil: leave alone) and returns the norm afterwards, or nil
  /// where that has to be measured.
  typealias Rule = (Measurements, inout [Double?]) -> Double?

  private let rule: Rule
  private let kernels: Kernels
  let measures: [Measure]
  private var factors: [Double?]
  private(set) var scales: [ScaleFactor]
  private(set) var clippedNorm: Double?
  private(set) var didClip = false
  var isClip: Bool { true }

  init(_ context: TransformContext, measure: Measure, rule: @escaping Rule) {
    self.rule = rule
    kernels = context.kernels
    measures = [measure]
    factors = Array(repeating: nil, count: context.layout.slots.count)
    scales = Array(repeating: ScaleFactor(1), count: context.layout.slots.count)
  }

  func prepare(_ step: StepContext) {
    clippedNorm = rule(step.measurements, &factors)
    didClip = false
    for slot in factors.indices {
      scales[slot] = ScaleFactor(factors[slot] ?? 1)
      if factors[slot] != nil { didClip = true }
    }
  }

  func isActive(slot: Int) -> Bool { factors[slot] != nil }

  func apply(_ block: BlockView) {
    kernels.scale(block.output, block.input, by: scales[block.slot], block.count)
  }
}
