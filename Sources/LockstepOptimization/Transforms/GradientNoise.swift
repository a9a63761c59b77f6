import LockstepCatalog
import LockstepEngine

/// Adds normally distributed noise whose variance falls with the steps.
///
/// The noise of a value follows from the seed, the step and the value's place in the layout: any rank draws
/// the same.
package struct GradientNoise: GradientTransform, Equatable {
  /// η, the variance at step 0.
  package let variance: Double
  /// γ, how fast it falls.
  package let decay: Double
  /// The key of the noise.
  package let seed: UInt64
  /// Patterns of the names it is for; none: all.
  package let scope: [String]

  /// Makes noise with these numbers; the decay is the paper's by default.
  package init(
    variance: Double, decay: Double = 0.55, seed: UInt64 = 0, scope: [String] = []
  ) {
    self.variance = variance
    self.decay = decay
    self.seed = seed
    self.scope = scope
  }

  package func validate() throws {
    try HyperparameterRange.positive.check("noise", "variance", variance)
    try HyperparameterRange.nonNegative.check("noise", "decay", decay)
  }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    Bound(self, try ClipScope(scope, of: context.layout, owner: "noise").chosen)
  }

  private final class Bound: InspectedTransform {
    private let rule: GradientNoise
    private let chosen: [Bool]
    private var step: UInt32 = 0
    private var deviation = 0.0

    init(_ rule: GradientNoise, _ chosen: [Bool]) {
      self.rule = rule
      self.chosen = chosen
    }

    func isActive(slot: Int) -> Bool { chosen[slot] }

    func prepare(_ step: StepContext) {
      self.step = UInt32(truncatingIfNeeded: step.step)
      deviation =
        (rule.variance / ExactMath.power(Double(step.step + 1), rule.decay)).squareRoot()
    }

    func apply(_ block: BlockView) {
      // A block has room for 64 words of the stream a value, of which a normal number takes a few.
      var random = CounterGenerator(
        seed: rule.seed, .gradientNoise, index: step, position: UInt64(block.offset) << 4)
      for index in 0..<block.count {
        block.output[index] = block.input[index] + Float(deviation * random.nextNormal())
      }
    }
  }
}

extension GradientNoise {
  static let entry = Entry<any GradientTransform>(
    "noise", "adds noise whose variance falls with the steps; no limit",
    [
      .required("variance", .positive, "of the first step's noise"),
      .with(
        "decay", .nonNegative, 0.55, "the power of the step's number that divides the variance"),
      .with("seed", .count(from: 0), 0, "the key of the noise"), .scope,
    ]
  ) { values in
    let seed: Int = values["seed"]
    return GradientNoise(
      variance: values["variance"], decay: values["decay"], seed: UInt64(seed),
      scope: values["scope"])
  }
}

extension GradientTransform where Self == Provided {
  /// Adds normally distributed noise of variance η / (1 + t)^γ at step t.
  ///
  /// The same noise on any number of ranks. (Neelakantan et al. 2015, "Adding gradient noise improves
  /// learning for very deep networks".)
  ///
  /// - Parameters:
  ///   - variance: η.
  ///   - decay: γ.
  ///   - seed: the key of the noise.
  ///   - scope: patterns of the names it is for; none: all.
  public static func gradientNoise(
    variance: Double, decay: Double = 0.55, seed: UInt64 = 0, scope: [String] = []
  ) -> some GradientTransform {
    GradientNoise(variance: variance, decay: decay, seed: seed, scope: scope)
  }
}
