import LockstepCatalog
import LockstepEngine

/// How much a norm may exceed its limit by rounding alone: 2⁻²² of it.
///
/// Scaling n Float32 values by a Float32 factor moves their norm by at most 2⁻²³ of itself. Norms
/// within twice that of a limit count as inside, so that clipping twice is clipping once and a
/// projection leaves what it has projected alone, bit for bit.
let normSlack = 0x1p-22

/// Limits every value of the update: u = min(max(u, lower), upper).
package struct ClipByValue: GradientTransform, Equatable {
  /// The least value of an update.
  package let lower: Float
  /// The largest value of an update, at least `lower`.
  package let upper: Float
  /// Patterns of the names it is for; none: all.
  package let scope: [String]

  /// Limits values to −limit...limit.
  package init(_ limit: Float, scope: [String] = []) {
    self.init(lower: -limit, upper: limit, scope: scope)
  }

  /// Limits values to a box.
  package init(lower: Float, upper: Float, scope: [String] = []) {
    self.lower = lower
    self.upper = upper
    self.scope = scope
  }

  package func validate() throws {
    try HyperparameterRange.number.check("clip by value", "lower", Double(lower))
    try HyperparameterRange.number.check("clip by value", "upper", Double(upper))
    guard lower <= upper else {
      throw HyperparameterError(
        owner: "clip by value", key: "lower", value: "\(lower)",
        problem: "must not be above upper = \(upper)")
    }
  }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    Bound(self, context, try ClipScope(scope, of: context.layout, owner: "clip by value"))
  }

  private final class Bound: InspectedTransform {
    private let box: ClipByValue
    private let kernels: Kernels
    private let scope: ClipScope
    var isClip: Bool { true }

    init(_ box: ClipByValue, _ context: TransformContext, _ scope: ClipScope) {
      self.box = box
      self.scope = scope
      kernels = context.kernels
    }

    func isActive(slot: Int) -> Bool { scope.chosen[slot] }

    func apply(_ block: BlockView) {
      let changed = kernels.update.limit(
        block.output, block.input, box.lower, box.upper, block.count)
      block.changed.pointee += Double(changed)
    }
  }
}

extension ClipByValue {
  static let entry = Entry<any GradientTransform>(
    "value", "limits every value to -limit...limit",
    [.required("limit", .positive, "the largest magnitude"), .scope]
  ) { values in
    ClipByValue(values["limit"], scope: values["scope"])
  }

  static let boxEntry = Entry<any GradientTransform>(
    "valueBox", "limits every value to lower...upper",
    [
      .required("lower", .number, "the least value"),
      .required("upper", .number, "the largest value"), .scope,
    ]
  ) { values in
    ClipByValue(lower: values["lower"], upper: values["upper"], scope: values["scope"])
  }
}

/// The coefficient of a clipped update.
public enum GlobalNormFormula: Sendable, Equatable {
  /// C / ‖u‖ where ‖u‖ > C.
  case projection
  /// min(1, C / (‖u‖ + 1e-6)), as PyTorch has it.
  case pyTorch
}

/// Limits the norm of all tensors together: u = u · C / ‖u‖ where ‖u‖ > C.
package struct ClipByGlobalNorm: GradientTransform, Equatable {
  package typealias Formula = GlobalNormFormula

  /// C, the largest norm.
  package let limit: Double
  /// Which norm.
  package let norm: VectorNorm
  /// How the coefficient is computed.
  package let formula: Formula
  /// Patterns of the names whose tensors' norm is meant; none: all.
  package let scope: [String]

  /// Makes a clip with C = `limit`. (`max_norm` and `norm_type` of PyTorch's `clip_grad_norm_`.)
  package init(
    _ limit: Double, norm: VectorNorm = .two, formula: Formula = .projection, scope: [String] = []
  ) {
    self.limit = limit
    self.norm = norm
    self.formula = formula
    self.scope = scope
  }

  package func validate() throws {
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

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    let scope = try ClipScope(scope, of: context.layout, owner: "clip by global norm")
    let norm: VectorNorm = norm == .power(2) ? .two : norm
    return BoundScaling(
      context, measure: .update(norm), scope: scope.chosen
    ) { measurements, factors in
      let value = measurements.norm(.update(norm), of: scope.chosen)
      let coefficient = coefficient(value)
      scope.set(coefficient, in: &factors)
      guard norm == .two else { return nil }
      return scope.clippedNorm(value, coefficient: coefficient, measurements, factors)
    }
  }
}

extension ClipByGlobalNorm {
  static let entry = Entry<any GradientTransform>(
    "globalNorm", "limits the norm of all tensors together",
    [
      .required("limit", .positive, "the largest norm"),
      .with(
        "norm", .choice((1...8).map { "\($0)" } + ["infinity"]), "2",
        "the power of the norm"),
      .with(
        "formula", .choice(["projection", "pytorch"]), "projection",
        "limit / norm, or PyTorch's limit / (norm + 1e-6)"),
      .scope,
    ]
  ) { values in
    let norm: VectorNorm =
      switch values["norm"] as String {
      case "infinity": .infinity
      case "1": .one
      case "2": .two
      case let power: .power(Int(power) ?? 0)
      }
    return ClipByGlobalNorm(
      values["limit"], norm: norm,
      formula: values["formula"] == "pytorch" ? .pyTorch : .projection, scope: values["scope"])
  }
}

/// Limits the Euclidean norm of every tensor by itself: u = u · C / ‖u‖ where ‖u‖ > C.
package struct ClipByNorm: GradientTransform, Equatable {
  /// C, the largest norm of a tensor.
  package let limit: Double
  /// Patterns of the names it is for; none: all.
  package let scope: [String]

  /// Makes a clip with C = `limit`.
  package init(_ limit: Double, scope: [String] = []) {
    self.limit = limit
    self.scope = scope
  }

  package func validate() throws {
    try HyperparameterRange.positive.check("clip by norm", "limit", limit)
  }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    let scope = try ClipScope(scope, of: context.layout, owner: "clip by norm")
    return BoundScaling(
      context, limits: scope.chosen.map { $0 ? limit : .infinity })
  }
}

extension ClipByNorm {
  static let entry = Entry<any GradientTransform>(
    "norm", "limits the norm of every tensor by itself",
    [.required("limit", .positive, "the largest norm"), .scope]
  ) { values in ClipByNorm(values["limit"], scope: values["scope"]) }
}

/// Limits the root mean square of every tensor by itself: u = u · d / RMS(u) where RMS(u) > d.
package struct ClipByBlockRMS: GradientTransform, Equatable {
  /// d, the largest root mean square of a tensor.
  package let limit: Double
  /// Patterns of the names it is for; none: all.
  package let scope: [String]

  /// Makes a clip with d = `limit`.
  package init(_ limit: Double = 1, scope: [String] = []) {
    self.limit = limit
    self.scope = scope
  }

  package func validate() throws {
    try HyperparameterRange.positive.check("clip by block RMS", "limit", limit)
  }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    let scope = try ClipScope(scope, of: context.layout, owner: "clip by block RMS")
    return BoundScaling(
      context,
      limits: context.layout.slots.enumerated().map { slot, tensor in
        scope.chosen[slot] ? limit * Double(tensor.count).squareRoot() : .infinity
      })
  }
}

extension ClipByBlockRMS {
  static let entry = Entry<any GradientTransform>(
    "blockRMS", "limits the root mean square of every tensor by itself (Adafactor)",
    [.with("limit", .positive, 1, "the largest root mean square"), .scope]
  ) { values in ClipByBlockRMS(values["limit"], scope: values["scope"]) }
}

/// A clip that multiplies each slot by one factor.
final class BoundScaling: InspectedTransform {
  /// Writes the factors of all slots (nil: leave alone) and returns the norm afterwards, or nil
  /// where that has to be measured.
  typealias Rule = (Measurements, inout [Double?]) -> Double?

  private let rule: Rule
  private let history: (any ClipHistory)?
  private let scope: [Bool]
  private let kernels: Kernels
  let measures: [Measure]
  private var factors: [Double?]
  private(set) var scales: [ScaleFactor]
  private(set) var clippedNorm: Double?
  private(set) var didClip = false
  var isClip: Bool { true }

  /// A rule for the slots in scope, which may remember earlier steps.
  init(
    _ context: TransformContext, measure: Measure, scope: [Bool],
    history: (any ClipHistory)? = nil, rule: @escaping Rule
  ) {
    self.rule = rule
    self.scope = scope
    self.history = history
    kernels = context.kernels
    measures = [measure]
    factors = Array(repeating: nil, count: context.layout.slots.count)
    scales = Array(repeating: ScaleFactor(1), count: context.layout.slots.count)
  }

  /// Each tensor's Euclidean norm has a limit of its own.
  convenience init(_ context: TransformContext, limits: [Double]) {
    self.init(
      context, measure: .update(.two), scope: limits.map(\.isFinite)
    ) { measurements, factors in
      var anyClipped = false
      for slot in factors.indices {
        let value = measurements.norm(.update(.two), slot: slot)
        factors[slot] = value > limits[slot] * (1 + normSlack) ? limits[slot] / value : nil
        if factors[slot] != nil { anyClipped = true }
      }
      return anyClipped
        ? measurements.norm(scaledBy: factors) : measurements.norm(.update(.two))
    }
  }

  var followsHistory: Bool { history != nil }
  var state: [StateEntry] { history?.state ?? [] }

  func commit() { history?.commit() }

  func prepare(_ step: StepContext) {
    clippedNorm = rule(step.measurements, &factors)
    didClip = false
    for slot in factors.indices {
      scales[slot] = ScaleFactor(factors[slot] ?? 1)
      if factors[slot] != nil { didClip = true }
    }
  }

  func isActive(slot: Int) -> Bool { factors[slot] != nil }

  func factor(slot: Int) -> Double? { factors[slot] }

  func limitsMagnitude(slot: Int) -> Bool { scope[slot] && history == nil }

  func apply(_ block: BlockView) {
    kernels.scale(block.output, block.input, by: scales[block.slot], block.count)
  }
}

/// What a clip remembers of the norms of earlier steps.
protocol ClipHistory: AnyObject {
  /// What a checkpoint must hold.
  var state: [StateEntry] { get }
  /// Takes the norm of the step that was made into the history.
  func commit()
}

extension GradientTransform where Self == Provided {
  /// Limits every value of the update: u = min(max(u, lower), upper).
  ///
  /// A NaN stays a NaN. (PyTorch's `clip_grad_value_`, Keras's `clipvalue` for a symmetric box.)
  ///
  /// - Parameters:
  ///   - limit: the largest magnitude of a value.
  ///   - scope: patterns of the names it is for; none: all.
  public static func clipByValue(_ limit: Float, scope: [String] = []) -> some GradientTransform {
    ClipByValue(limit, scope: scope)
  }

  /// Limits every value of the update: u = min(max(u, lower), upper).
  ///
  /// - Parameters:
  ///   - lower: the least value.
  ///   - upper: the largest value, at least `lower`.
  ///   - scope: patterns of the names it is for; none: all.
  public static func clipByValue(lower: Float, upper: Float, scope: [String] = [])
    -> some GradientTransform
  {
    ClipByValue(lower: lower, upper: upper, scope: scope)
  }
}

extension GradientTransform where Self == Provided {
  /// Limits the norm of all tensors together: u = u · C / ‖u‖ where ‖u‖ > C.
  ///
  /// The exact projection onto the ball of radius C (Pascanu et al. 2013; Keras's
  /// `global_clipnorm`), or by name PyTorch's `clip_grad_norm_`. An update inside the ball keeps
  /// its
  /// bits.
  ///
  /// - Parameters:
  ///   - limit: C, the largest norm; `max_norm` of PyTorch's `clip_grad_norm_`.
  ///   - norm: which norm; `norm_type`.
  ///   - formula: how the coefficient is computed.
  ///   - scope: patterns of the names whose tensors' norm is meant; none: all.
  public static func clipByGlobalNorm(
    _ limit: Double, norm: VectorNorm = .two, formula: GlobalNormFormula = .projection,
    scope: [String] = []
  ) -> some GradientTransform {
    ClipByGlobalNorm(limit, norm: norm, formula: formula, scope: scope)
  }
}

extension GradientTransform where Self == Provided {
  /// Limits the Euclidean norm of every tensor by itself: u = u · C / ‖u‖ where ‖u‖ > C.
  ///
  /// (Keras's `clipnorm`.)
  ///
  /// - Parameters:
  ///   - limit: the largest norm of a tensor.
  ///   - scope: patterns of the names it is for; none: all.
  public static func clipByNorm(_ limit: Double, scope: [String] = []) -> some GradientTransform {
    ClipByNorm(limit, scope: scope)
  }
}

extension GradientTransform where Self == Provided {
  /// Limits the root mean square of every tensor by itself: u = u · d / RMS(u) where RMS(u) > d.
  ///
  /// RMS(u) = ‖u‖ / √n for a tensor of n values, so that one limit suits tensors of all sizes.
  /// (Shazeer & Stern 2018, Adafactor, "update clipping", d = 1; optax's `clip_by_block_rms`.)
  ///
  /// - Parameters:
  ///   - limit: the largest root mean square of a tensor.
  ///   - scope: patterns of the names it is for; none: all.
  public static func clipByBlockRMS(_ limit: Double = 1, scope: [String] = [])
    -> some GradientTransform
  {
    ClipByBlockRMS(limit, scope: scope)
  }
}
