import LockstepEngine
import LockstepOptimization
import Testing

/// A chain that leaves the update in the parameters: p ← 0 − u.
private func update(_ layout: FlatLayout, _ chain: Chain, _ gradient: [Float]) throws -> (
  [Float], UpdateReport
) {
  let trial = try Trial(layout, chain)
  trial.parameters = [Float](repeating: 0, count: layout.count)
  let report = try trial.step(0, gradient)
  return (trial.parameters.map { -$0 }, report)
}

/// All clips with a limit that a random gradient of `mixedLayout` exceeds.
private let clips: [(name: String, clip: any GradientTransform)] = [
  ("global norm", ClipByGlobalNorm(2.5)), ("norm", ClipByNorm(0.75)), ("value", ClipByValue(0.3)),
  ("box", ClipByValue(lower: -0.2, upper: 0.6)), ("p = 1", ClipByGlobalNorm(11, norm: .one)),
  ("p = 3", ClipByGlobalNorm(0.7, norm: .power(3))),
  ("p = ∞", ClipByGlobalNorm(0.3, norm: .infinity)), ("adaptive", AdaptiveClip(0.01)),
  ("block RMS", ClipByBlockRMS(0.2)),
  ("norm, scoped", ClipByGlobalNorm(1.5, scope: ["*.bias", "conv.*"])),
  ("p = ∞, scoped", ClipByGlobalNorm(0.25, norm: .infinity, scope: ["wide.weight"])),
  ("by tensor, scoped", ClipByNorm(0.5, scope: ["?????.weight"])),
  ("value, scoped", ClipByValue(0.2, scope: ["table.*"])),
  ("adaptive, scoped", AdaptiveClip(0.01, scope: ["wide.*", "table.*"])),
  ("block RMS, scoped", ClipByBlockRMS(0.1, scope: ["*.bias"])),
]

private let hugeLimits: [any GradientTransform] = [
  ClipByGlobalNorm(1e30), ClipByGlobalNorm(1e30, formula: .pyTorch), ClipByNorm(1e30),
  ClipByValue(1e30), ClipByGlobalNorm(1e30, norm: .one), ClipByGlobalNorm(1e30, norm: .infinity),
  AdaptiveClip(1e30), ClipByBlockRMS(1e30), ClipByGlobalNorm(1e30, scope: ["*.bias"]),
  ZClip(warmup: 3), AutoClip(percentile: 100), AutoClip(warmup: 1), ZClip(maximum: 1e30),
]

@Suite struct ClippingTests {
  @Test func hugeThresholdsChangeNothing() throws {
    let gradient = randomArena(mixedLayout, seed: 3)
    let free = try Trial(mixedLayout, .adamW())
    try free.step(0, gradient)
    for clip in hugeLimits {
      let clipped = try Trial(mixedLayout, Chain(clip) + .adamW())
      let report = try clipped.step(0, gradient)
      #expect(bits(clipped.parameters) == bits(free.parameters))
      // A clip's own history comes behind the optimizer's state only in name.
      let own = clipped.rule.state.filter { !$0.name.contains("Clip.") }
      #expect(bits(own) == free.stateBits)
      #expect(!report.clipped && report.coefficient == 1)
      #expect(report.clippedGradientNorm == report.gradientNorm)
    }
  }

  @Test(arguments: [1e-3, 0.5, 2.5, 50.0])
  func clippedNormsEqualTheThreshold(_ limit: Double) throws {
    let gradient = randomArena(mixedLayout, seed: 3)
    let (clipped, report) = try update(mixedLayout, Chain(ClipByGlobalNorm(limit)), gradient)
    #expect((norm(gradient) - report.gradientNorm).magnitude <= 1e-13 * report.gradientNorm)
    #expect(report.clipped)
    #expect((report.clippedGradientNorm! - limit).magnitude <= 1e-15 * limit)
    #expect((norm(clipped) - limit).magnitude <= 0x1p-22 * limit)
    #expect((report.coefficient - limit / report.gradientNorm).magnitude <= 1e-15)

    let (byTensor, _) = try update(mixedLayout, Chain(ClipByNorm(0.1)), gradient)
    for slot in mixedLayout.slots {
      #expect((norm(byTensor[slot.range]) - 0.1).magnitude <= 0x1p-22 * 0.1, "\(slot.name)")
    }
  }

  @Test(arguments: clips.indices)
  func reportsAreTheNormsOfTheArrays(_ index: Int) throws {
    let gradient = randomArena(mixedLayout, seed: 8)
    let (clipped, report) = try update(mixedLayout, Chain(clips[index].clip), gradient)
    #expect(report.clipped, "\(clips[index].name)")
    let after = try #require(report.clippedGradientNorm)
    #expect((norm(clipped) - after).magnitude <= 0x1p-22 * after, "\(clips[index].name)")
    #expect(after < report.gradientNorm)
  }

  @Test(arguments: clips.indices)
  func clippingTwiceIsClippingOnce(_ index: Int) throws {
    let clip = clips[index].clip
    for seed in 0..<10 {
      let gradient = randomArena(mixedLayout, seed: UInt64(seed))
      let (once, _) = try update(mixedLayout, Chain(clip), gradient)
      let (twice, _) = try update(mixedLayout, Chain(clip, clip), gradient)
      let (again, report) = try update(mixedLayout, Chain(clip), once)
      #expect(bits(once) == bits(twice), "\(clips[index].name)")
      #expect(bits(once) == bits(again), "\(clips[index].name)")
      #expect(!report.clipped)
      #expect(bits(once) != bits(gradient))
    }
  }

  /// Squares of Float32 values fit Double, so that no norm overflows or vanishes.
  @Test(arguments: [Float(1e30), 1e-30, 3e38, 1e-35])
  func extremeGradientsHaveTheirNorm(_ scale: Float) throws {
    let gradient = randomArena(mixedLayout, seed: 4, scale: scale)
    let unit = randomArena(mixedLayout, seed: 4)
    let limit = 1e-3 * min(Double(scale), 1)
    for power in 3...8 {
      let (clipped, report) = try update(
        mixedLayout, Chain(ClipByGlobalNorm(limit, norm: .power(power))), gradient)
      #expect(report.clipped, "p = \(power)")
      // The same gradient at ordinary scale has the same direction and the same p-norm.
      let (plain, _) = try update(
        mixedLayout, Chain(ClipByGlobalNorm(1e-3, norm: .power(power))), unit)
      if limit > 1e-36 {
        #expect((norm(clipped) / norm(plain) / limit * 1e-3 - 1).magnitude < 1e-6, "p = \(power)")
      }
    }
    for clip in [ClipByGlobalNorm(limit), ClipByGlobalNorm(limit, norm: .power(2))] {
      let (clipped, report) = try update(mixedLayout, Chain(clip), gradient)
      #expect((report.gradientNorm / Double(scale) / norm(unit) - 1).magnitude < 1e-6)
      #expect(report.clipped)
      if limit > 1e-36 {
        #expect((norm(clipped) / limit - 1).magnitude < 1e-6)
      }
    }
  }

  @Test func otherNormsAreTheirDefinitions() throws {
    let gradient = randomArena(mixedLayout, seed: 6)
    let magnitudes = gradient.map { Double($0.magnitude) }
    func root8(_ x: Double) -> Double { x.squareRoot().squareRoot().squareRoot() }
    for (kind, expected) in [
      (
        VectorNorm.power(8),
        root8(magnitudes.reduce(0) { $0 + ($1 * $1) * ($1 * $1) * ($1 * $1) * ($1 * $1) })
      ),
      (VectorNorm.one, magnitudes.reduce(0, +)), (.infinity, magnitudes.max()!),
      (.two, norm(gradient)), (.power(2), norm(gradient)),
      (.power(3), cubeRoot(magnitudes.reduce(0) { $0 + $1 * $1 * $1 })),
    ] {
      let limit = expected / 4
      let (clipped, _) = try update(
        mixedLayout, Chain(ClipByGlobalNorm(limit, norm: kind)), gradient)
      for (c, g) in zip(clipped, gradient) { #expect((c - g / 4).magnitude <= 1e-6 * g.magnitude) }
      // Just above the norm nothing happens.
      let (free, report) = try update(
        mixedLayout, Chain(ClipByGlobalNorm(expected * 1.000001, norm: kind)), gradient)
      #expect(free == gradient && !report.clipped)
    }
  }

  private func cubeRoot(_ x: Double) -> Double {
    var root = x
    for _ in 0..<200 { root -= (root - x / (root * root)) / 3 }
    return root
  }

  /// λ max(‖w‖, ε) is each unit's limit, for units inside blocks and across blocks.
  @Test func adaptiveClipLimitsEveryUnit() throws {
    let trial = try Trial(mixedLayout, Chain(AdaptiveClip(0.01, epsilon: 1)))
    let before = trial.parameters
    let gradient = randomArena(mixedLayout, seed: 6, scale: 0.01)
    try trial.step(0, gradient)
    var clipped = 0
    var free = 0
    for slot in mixedLayout.slots {
      for unit in 0..<slot.unitCount {
        let range = slot.offset + unit * slot.unitSize..<slot.offset + (unit + 1) * slot.unitSize
        let limit = 0.01 * max(norm(before[range]), 1)
        let factor = min(1, limit / norm(gradient[range]))
        if factor < 1 { clipped += 1 } else { free += 1 }
        for i in range {
          let expected = before[i] - gradient[i] * Float(factor)
          #expect((trial.parameters[i] - expected).magnitude <= 1e-7)
        }
      }
    }
    #expect(clipped > 20 && free > 5)
  }

  @Test func laterClipsSeeWhatEarlierOnesMade() throws {
    let gradient = randomArena(mixedLayout, seed: 2)
    let (limited, _) = try update(mixedLayout, Chain(ClipByValue(0.5)), gradient)
    let (both, report) = try update(
      mixedLayout, Chain(ClipByValue(0.5), ClipByGlobalNorm(1)), gradient)
    let scale = Float(1 / norm(limited))
    #expect(bits(both) == bits(limited.map { $0 * scale }))
    #expect(report.clippedGradientNorm.map { ($0 - 1).magnitude < 1e-12 } == true)
    #expect((report.gradientNorm - norm(gradient)).magnitude < 1e-12 * report.gradientNorm)
  }

  @Test(arguments: [
    (ClipByGlobalNorm(-1) as any GradientTransform, "limit"), (ClipByGlobalNorm(.nan), "limit"),
    (ClipByGlobalNorm(1, norm: .power(9)), "norm"), (ClipByNorm(0), "limit"),
    (ClipByValue(lower: 1, upper: -1), "lower"), (ClipByValue(.nan), "lower"),
    (ClipByValue(-1), "lower"), (AdaptiveClip(0), "fraction"),
    (AdaptiveClip(0.1, epsilon: -.infinity), "epsilon"), (Momentum(-0.1), "momentum"),
    (Momentum(0.5, dampening: 0.5, nesterov: true), "nesterov"), (WeightDecay(-1), "weightDecay"),
    (DecoupledWeightDecay(.nan), "weightDecay"), (ScaleByAdam(beta1: 1), "beta1"),
    (ScaleByAdam(beta2: -0.1), "beta2"), (ScaleByAdam(epsilon: -1), "epsilon"),
    (ScaleByNAdam(momentumDecay: -1), "momentumDecay"), (ScaleByRMS(alpha: 1), "alpha"),
    (ScaleByAdaGrad(initialAccumulator: -1), "initialAccumulator"),
    (ScaleByAdaDelta(rho: 2), "rho"),
    (ScaleByLion(beta1: .nan), "beta1"), (ScaleByLARS(trustCoefficient: 0), "trustCoefficient"),
    (ScaleByTrustRatio(coefficient: -1), "trustCoefficient"),
    (ScaleByLearningRate(-1), "learningRate"), (ClipByBlockRMS(0), "limit"),
    (ClipByBlockRMS(.nan), "limit"), (AutoClip(percentile: -1), "percentile"),
    (AutoClip(percentile: .nan), "percentile"), (AutoClip(percentile: 100.5), "percentile"),
    (AutoClip(window: 1), "window"), (AutoClip(warmup: -1), "warmup"), (ZClip(alpha: 1), "alpha"),
    (ZClip(alpha: .nan), "alpha"), (ZClip(threshold: 0), "threshold"),
    (ZClip(threshold: .nan), "threshold"), (ZClip(warmup: 0), "warmup"),
    (ZClip(maximum: -1), "maximum"), (ZClip(maximum: .nan), "maximum"),
    (ZClip(epsilon: -1), "epsilon"), (ClipByGlobalNorm(1, scope: ["tail.*"]), "scope"),
    (ClipByNorm(1, scope: ["*", "tail.*"]), "scope"), (ClipByValue(1, scope: ["smal"]), "scope"),
    (AdaptiveClip(scope: [""]), "scope"), (ClipByBlockRMS(scope: ["x"]), "scope"),
    (AutoClip(scope: ["x"]), "scope"), (ZClip(scope: ["x"]), "scope"),
  ])
  func badHyperparametersAreNamed(_ transform: any GradientTransform, _ key: String) {
    let error = #expect(throws: HyperparameterError.self) {
      try UpdateRule(layout: mixedLayout, chain: Chain(transform))
    }
    #expect(error?.key == key)
  }

  @Test func anUnmatchedScopeIsNamed() {
    let error = #expect(throws: HyperparameterError.self) {
      try UpdateRule(
        layout: mixedLayout, chain: Chain(ClipByGlobalNorm(1, scope: ["conv.*", "tail.*"])))
    }
    #expect(
      error?.description.hasPrefix(
        "clip by global norm: scope = \"tail.*\" matches no trainable parameter; there are ")
        == true)
  }

  /// u · d √n / ‖u‖ for each tensor of n values.
  @Test func theBlockRMSIsItsLimit() throws {
    let gradient = randomArena(mixedLayout, seed: 5)
    let (clipped, report) = try update(mixedLayout, Chain(ClipByBlockRMS(0.125)), gradient)
    for slot in mixedLayout.slots {
      let rms = norm(clipped[slot.range]) / Double(slot.count).squareRoot()
      #expect((rms - 0.125).magnitude <= 0x1p-22 * 0.125, "\(slot.name)")
      let factor = 0.125 * Double(slot.count).squareRoot() / norm(gradient[slot.range])
      for i in slot.range { #expect(clipped[i] == gradient[i] * Float(factor)) }
    }
    #expect((norm(clipped) - report.clippedGradientNorm!).magnitude <= 1e-6)
  }

  /// The norm is that of the scope, and what is outside keeps its bits.
  @Test func scopesLeaveTheRestAlone() throws {
    let gradient = randomArena(mixedLayout, seed: 5)
    let inside = [1, 2, 4]  // *.bias and conv.weight
    let values = inside.flatMap { gradient[mixedLayout.slots[$0].range] }
    for (clip, limit): (any GradientTransform, Double) in [
      (ClipByGlobalNorm(0.5, scope: ["*.bias", "conv.*"]), 0.5),
      (ClipByGlobalNorm(0.5, formula: .pyTorch, scope: ["*.bias", "conv.*"]), 0.5),
      (ZClip(maximum: 0.5, scope: ["*.bias", "conv.*"]), 0.5),
    ] {
      let (clipped, report) = try update(mixedLayout, Chain(clip), gradient)
      let scale = limit / norm(values)
      for (index, slot) in mixedLayout.slots.enumerated() {
        for i in slot.range {
          let expected = inside.contains(index) ? gradient[i] * Float(scale) : gradient[i]
          #expect((clipped[i] - expected).magnitude <= 1e-6 * expected.magnitude)
          if !inside.contains(index) { #expect(clipped[i].bitPattern == gradient[i].bitPattern) }
        }
      }
      #expect(report.clipped)
      #expect((norm(clipped) / report.clippedGradientNorm! - 1).magnitude < 1e-6)
    }
  }

  /// Clips of parameter groups: each group's norm by itself, in front of the chain's.
  @Test func groupsHaveClipsOfTheirOwn() throws {
    let gradient = randomArena(mixedLayout, seed: 5)
    let groups = [
      ParameterGroup("*.bias", clipNorm: 0.5), ParameterGroup("*.weight", clipNorm: 2),
    ]
    let trial = try Trial(mixedLayout, Chain(ScaleByLearningRate(1)), groups: groups)
    trial.parameters = [Float](repeating: 0, count: mixedLayout.count)
    let report = try trial.step(0, gradient)
    #expect(report.clipped)
    for (pattern, limit) in [("bias", 0.5), ("weight", 2.0)] {
      let slots = mixedLayout.slots.filter { $0.name.hasSuffix(pattern) }
      let values = slots.flatMap { trial.parameters[$0.range] }
      #expect((norm(values) / limit - 1).magnitude <= 0x1p-22)
    }
    let scale = mixedLayout.slots[6]  // belongs to no group
    #expect(trial.parameters[scale.offset] == -gradient[scale.offset])
    #expect((norm(trial.parameters) / report.clippedGradientNorm! - 1).magnitude < 1e-6)
    for limit in [-1, 0, Double.nan] {
      let error = #expect(throws: HyperparameterError.self) {
        try Trial(mixedLayout, .sgd(), groups: [ParameterGroup("*", clipNorm: limit)])
      }
      #expect(error?.key == "clipNorm" && error?.owner == "parameter group '*'")
    }
  }
}
