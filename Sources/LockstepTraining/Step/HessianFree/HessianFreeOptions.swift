import LockstepFold

/// The hyperparameters of ``HessianFreeStep``; defaults are Martens's.
public struct HessianFreeOptions: Sendable, Equatable {
  /// λ of the first step, added to the diagonal of the curvature.
  public var damping = 1.0
  /// λ is multiplied by this where the quadratic model proved poor (ρ < 1/4), and divided by it
  /// where it proved good (ρ > 3/4).
  public var dampingFactor = 1.5
  /// μ, what movements of recurrent layers' states cost: the quadratic model has ½ λ μ Σ ‖ḣ‖² over
  /// all positions beside ½ λ ‖d‖², divided by the batch's weight as the loss is. 0 damps parameters
  /// alone.
  public var structuralDamping = 0.0
  /// The most iterations of conjugate gradients in a step.
  public var iterations = 250
  /// ε of the stopping rule: iterations end when the model's value improved by less than ε an
  /// iteration, relatively, over the last max(10, i / 10) of them.
  public var tolerance = 5e-4
  /// The next step's iterations start from this part of the direction found.
  public var decay = 0.95
  /// How many random draws estimate the diagonal of the curvature, for the preconditioner
  /// (diagonal + λ)^¾; 0 goes without one. Each costs about a gradient.
  public var probes = 1
  /// How many of the batch's examples the products are computed on, the first ones; nil for all.
  public var curvatureExamples: Int? = nil
  /// The penalty ½ · weightDecay · ‖θ‖² is part of the objective.
  public var weightDecay = 0.0
  /// The length of each trial of the line search over that of the one before.
  public var lineSearchFactor = 0.8
  /// The most trials of the line search in a step.
  public var lineSearchTrials = 60
  /// The part of the decrease that the slope promises which a step must reach.
  public var sufficientDecrease = 0.01

  /// Makes options; the defaults are Martens's.
  ///
  /// - Parameters:
  ///   - damping: λ of the first step, added to the diagonal of the curvature.
  ///   - dampingFactor: λ is multiplied by this where the quadratic model proved poor (ρ < 1/4),
  ///     and divided by it where it proved good (ρ > 3/4).
  ///   - iterations: the most iterations of conjugate gradients in a step.
  ///   - tolerance: ε of the stopping rule: iterations end when the model's value improved by less
  ///     than ε an iteration, relatively, over the last max(10, i / 10) of them.
  ///   - decay: the next step's iterations start from this part of the direction found.
  ///   - probes: how many random draws estimate the diagonal of the curvature, for the
  ///     preconditioner (diagonal + λ)^¾; 0 goes without one. Each costs about a gradient.
  ///   - curvatureExamples: how many of the batch's examples the products are computed on, the
  ///     first ones; nil for all.
  ///   - weightDecay: the penalty ½ · weightDecay · ‖θ‖² is part of the objective.
  ///   - lineSearchFactor: the length of each trial of the line search over that of the one before.
  ///   - lineSearchTrials: the most trials of the line search in a step.
  ///   - sufficientDecrease: the part of the decrease that the slope promises which a step must
  ///     reach.
  public init(
    damping: Double = 1.0, dampingFactor: Double = 1.5, iterations: Int = 250,
    tolerance: Double = 5e-4, decay: Double = 0.95, probes: Int = 1,
    curvatureExamples: Int? = nil, weightDecay: Double = 0.0, lineSearchFactor: Double = 0.8,
    lineSearchTrials: Int = 60, sufficientDecrease: Double = 0.01
  ) {
    self.damping = damping
    self.dampingFactor = dampingFactor
    self.iterations = iterations
    self.tolerance = tolerance
    self.decay = decay
    self.probes = probes
    self.curvatureExamples = curvatureExamples
    self.weightDecay = weightDecay
    self.lineSearchFactor = lineSearchFactor
    self.lineSearchTrials = lineSearchTrials
    self.sufficientDecrease = sufficientDecrease
  }

  /// Throws `badOption(key:value:expected:)` for what makes no sense.
  package func validate() throws {
    func check(
      _ key: String, _ value: some CustomStringConvertible, _ fits: Bool, _ expected: String
    ) throws {
      if !fits {
        throw StepError.badOption(key: key, value: value.description, expected: expected)
      }
    }
    try check("damping", damping, damping > 0 && damping.isFinite, "a positive number")
    try check(
      "dampingFactor", dampingFactor, dampingFactor > 1 && dampingFactor.isFinite,
      "a number above 1")
    try check(
      "structuralDamping", structuralDamping,
      structuralDamping >= 0 && structuralDamping.isFinite, "0 or a positive number")
    try check("iterations", iterations, iterations > 0, "a positive integer")
    try check("tolerance", tolerance, tolerance >= 0 && tolerance < 1, "a number in 0..<1")
    try check("decay", decay, decay >= 0 && decay <= 1, "a number in 0...1")
    try check("probes", probes, probes >= 0, "0 or a positive integer")
    try check(
      "curvatureExamples", curvatureExamples ?? 1, curvatureExamples ?? 1 > 0,
      "a positive integer")
    try check(
      "weightDecay", weightDecay, weightDecay >= 0 && weightDecay.isFinite, "0 or a positive number"
    )
    try check(
      "lineSearchFactor", lineSearchFactor, lineSearchFactor > 0 && lineSearchFactor < 1,
      "a number between 0 and 1")
    try check("lineSearchTrials", lineSearchTrials, lineSearchTrials > 0, "a positive integer")
    try check(
      "sufficientDecrease", sufficientDecrease, sufficientDecrease >= 0 && sufficientDecrease < 1,
      "a number in 0..<1")
  }
}
