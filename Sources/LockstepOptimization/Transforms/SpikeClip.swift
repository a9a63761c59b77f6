import LockstepCatalog
import LockstepEngine

/// Limits single values by a running mean of their tensor's largest magnitudes: the AdaClip of Stable-SPAM.
package struct SpikeClip: GradientTransform, Equatable {
  /// θ, the weight of the past in the mean.
  package let decay: Double
  /// Patterns of the names it is for; none: all.
  package let scope: [String]

  /// Makes a clip with these numbers; the default is the paper's.
  package init(decay: Double = 0.999, scope: [String] = []) {
    self.decay = decay
    self.scope = scope
  }

  package func validate() throws {
    try HyperparameterRange.decayRate.check("spike clip", "decay", decay)
  }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    Bound(self, context, try ClipScope(scope, of: context.layout, owner: "spike clip"))
  }

  private final class Bound: InspectedTransform {
    private let rule: SpikeClip
    private let scope: ClipScope
    /// The mean of the largest magnitudes of each tensor, and the number of updates in it.
    private let means: Arena<Double>
    private let counter = Arena<Int64>(count: 1)
    private var pending: [Double]
    /// What magnitudes above it are multiplied by, and it.
    private var factors: [Float]
    private var limits: [Float]
    let measures: [Measure] = [.update(.infinity)]
    var isClip: Bool { true }
    var followsHistory: Bool { true }
    var sharedState: String? { "the number of updates in a spike clip's means" }

    init(_ rule: SpikeClip, _ context: TransformContext, _ scope: ClipScope) {
      self.rule = rule
      self.scope = scope
      let count = context.layout.slots.count
      means = Arena(count: count)
      pending = Array(repeating: 0, count: count)
      factors = Array(repeating: 1, count: count)
      limits = Array(repeating: .infinity, count: count)
    }

    var state: [StateEntry] {
      [
        StateEntry("spikeClip.means", .doubles(means.buffer)),
        StateEntry("spikeClip.count", .integers(counter.buffer)),
      ]
    }

    func isActive(slot: Int) -> Bool { scope.chosen[slot] && factors[slot] < 1 }

    func prepare(_ step: StepContext) {
      let unbiased = 1 - ExactMath.power(rule.decay, Int(counter.base[0]) + 1)
      for slot in pending.indices where scope.chosen[slot] {
        let largest = step.measurements.norm(.update(.infinity), slot: slot)
        pending[slot] = rule.decay * means.base[slot] + (1 - rule.decay) * largest
        let limit = pending[slot] / unbiased
        limits[slot] = Float(limit)
        factors[slot] = largest > limit * (1 + normSlack) ? Float(limit / largest) : 1
      }
    }

    func apply(_ block: BlockView) {
      let (limit, factor) = (limits[block.slot], factors[block.slot])
      var changed = 0
      for i in 0..<block.count {
        let isSpike = block.input[i].magnitude > limit
        block.output[i] = isSpike ? block.input[i] * factor : block.input[i]
        changed += isSpike ? 1 : 0
      }
      block.changed.pointee += Double(changed)
    }

    func commit() {
      counter.base[0] += 1
      for slot in pending.indices { means.base[slot] = pending[slot] }
    }
  }
}

extension SpikeClip {
  static let entry = Entry<any GradientTransform>(
    "spike", "limits single values by the mean of their tensor's largest ones (Stable-SPAM)",
    [.with("decay", .decayRate, 0.999, "the weight of the past in the mean"), .scope]
  ) { values in SpikeClip(decay: values["decay"], scope: values["scope"]) }
}

extension GradientTransform where Self == Provided {
  /// Limits single values by a running mean of their tensor's largest magnitudes.
  ///
  /// With a = θa + (1 − θ) max|g| and â = a / (1 − θᵗ): g = g · â / max|g| where |g| > â, for each tensor. In
  /// the first update nothing is limited. (Huang et al. 2025, the AdaClip of "Stable-SPAM", 2502.17055.)
  ///
  /// - Parameters:
  ///   - decay: θ.
  ///   - scope: patterns of the names it is for; none: all.
  public static func clipSpikes(
    decay: Double = 0.999, scope: [String] = []
  ) -> some GradientTransform {
    SpikeClip(decay: decay, scope: scope)
  }
}
