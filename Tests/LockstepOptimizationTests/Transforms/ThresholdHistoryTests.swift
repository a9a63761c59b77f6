import LockstepEngine
import LockstepOptimization
import Testing

private let layout = FlatLayout([("a.weight", [6, 40]), ("a.bias", [6]), ("b.weight", [3, 5000])])

/// Gradients whose norms are the numbers given.
private func gradient(ofNorm wanted: Double, seed: UInt64) -> [Float] {
  let direction = randomArena(layout, seed: seed)
  let scale = wanted / norm(direction)
  return direction.map { Float(Double($0) * scale) }
}

/// Norms of a run with spikes.
private let norms: [Double] = (0..<80).map { index in
  var generator = FixedGenerator(seed: UInt64(index))
  let usual = Double.random(in: 0.8...1.2, using: &generator)
  return index % 17 == 16 ? usual * 30 : usual
}

/// What each step was clipped to: the report's clipped norm where it clipped.
private func clippedTo(
  _ clip: any GradientTransform, scale: Double = 1, _ norms: [Double] = norms
) throws -> [Double?] {
  let trial = try Trial(layout, Chain(clip) + .sgd(learningRate: 0.1))
  return try norms.enumerated().map { index, wanted in
    let report = try trial.step(index, gradient(ofNorm: wanted * scale, seed: UInt64(index)))
    return report.clipped ? report.clippedGradientNorm : nil
  }
}

@Suite struct ThresholdHistoryTests {
  /// By the definition: the percentile, linearly interpolated, of the last norms with this one.
  @Test(arguments: [(0.0, 1000), (10, 1000), (50, 1000), (90, 1000), (37.5, 7), (10, 2), (100, 5)])
  func autoClipIsThePercentileOfTheHistory(_ percentile: Double, _ window: Int) throws {
    let found = try clippedTo(AutoClip(percentile: percentile, window: window))
    let exact = norms.enumerated().map { norm(gradient(ofNorm: $1, seed: UInt64($0))) }
    var clipped = 0
    for index in exact.indices {
      let history = exact[max(0, index + 1 - window)...index].sorted()
      let place = percentile / 100 * Double(history.count - 1)
      let below = Int(place)
      let above = min(below + 1, history.count - 1)
      let limit = history[below] + (place - Double(below)) * (history[above] - history[below])
      if exact[index] > limit * (1 + 1e-6) {
        let value = try #require(found[index], "step \(index)")
        #expect((value - limit).magnitude <= 1e-12 * limit, "step \(index)")
        clipped += 1
      } else {
        #expect(found[index] == nil, "step \(index)")
      }
    }
    #expect(percentile == 100 ? clipped == 0 : clipped > 5 && clipped < norms.count)
  }

  @Test func autoClipWaitsForItsWarmUp() throws {
    let early = try clippedTo(AutoClip(percentile: 10))
    let late = try clippedTo(AutoClip(percentile: 10, warmup: 20))
    #expect(early[..<20].contains { $0 != nil })
    #expect(late[..<20].allSatisfy { $0 == nil })
    // What was seen in the warm-up counts afterwards.
    #expect(Array(late[20...]) == Array(early[20...]))
  }

  /// By the authors' algorithm, written out.
  @Test(arguments: ZClip.Adjustment.allCases, [0.0, 1e-6])
  func zClipIsItsAlgorithm(_ adjustment: ZClip.Adjustment, _ epsilon: Double) throws {
    for maximum in [nil, 1.1] {
      let rule = ZClip(
        alpha: 0.9, threshold: 2, warmup: 10, adjustment: adjustment, maximum: maximum,
        epsilon: epsilon)
      let found = try clippedTo(rule)
      var buffer: [Double] = []
      var mean = 0.0
      var variance = 0.0
      var spikes = 0
      for (index, wanted) in norms.enumerated() {
        let value = norm(gradient(ofNorm: wanted, seed: UInt64(index)))
        var limit: Double?
        if buffer.count < 10 {
          buffer.append(value)
          if buffer.count == 10 {
            mean = buffer.reduce(0, +) / 10
            variance = buffer.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 10
          }
        } else {
          let deviation = variance.squareRoot()
          let z = (value - mean) / (deviation + epsilon)
          if z > 2 {
            spikes += 1
            limit =
              switch adjustment {
              case .reciprocal: mean + 2 * deviation / (z / 2)
              case .threshold: mean + 2 * deviation
              case .mean: mean
              }
          }
          mean = 0.9 * mean + 0.1 * (limit ?? value)
          variance = 0.9 * variance + 0.1 * ((limit ?? value) - mean) * ((limit ?? value) - mean)
        }
        let effective = min(limit ?? .infinity, maximum ?? .infinity)
        if value > effective * (1 + 1e-6) {
          let clipped = try #require(found[index], "step \(index)")
          #expect((clipped - effective).magnitude <= 1e-12 * effective, "step \(index)")
        } else {
          #expect(found[index] == nil, "step \(index)")
        }
      }
      #expect(spikes >= 3 && spikes < 30)
    }
  }

  /// Thresholds follow the gradient's scale: 2¹⁰⁰ times the gradients, 2¹⁰⁰ times the norms, and
  /// the same steps clipped. Powers of two are exact, so that bits can be compared.
  @Test(arguments: [0x1p100, 0x1p-100])
  func thresholdsFollowTheScale(_ scale: Double) throws {
    let wanted = norms.map { Double(Float($0)) }
    for clip: any GradientTransform in [
      AutoClip(percentile: 30, window: 9), ZClip(threshold: 1.5, warmup: 5),
      AutoClip(percentile: 30, window: 9, scope: ["b.*"]),
    ] {
      let plain = try clippedTo(clip, wanted)
      let scaled = try clippedTo(clip, scale: scale, wanted)
      #expect(plain.contains { $0 != nil } && plain.contains { $0 == nil })
      #expect(scaled.map { $0.map { $0 / scale } } == plain)
    }
  }

  /// Near the largest Float32 the norm is beyond Float32, and the clipped gradient is right.
  @Test(arguments: [Float(3e38), 1e30, 1e-30])
  func extremeSpikesAreBroughtDown(_ magnitude: Float) throws {
    for (clip, limit): (any GradientTransform, Double) in [
      (AutoClip(percentile: 0), 1), (ZClip(warmup: 1, adjustment: .mean), 1),
      (ZClip(warmup: 1), 1), (ClipByBlockRMS(1e-3 * Double(min(magnitude, 1))), 0),
    ] {
      let trial = try Trial(layout, Chain(clip))
      let base = 1e-4 * Double(min(magnitude, 1))
      try trial.step(0, gradient(ofNorm: base, seed: 1))
      trial.parameters = [Float](repeating: 0, count: layout.count)
      let spike = randomArena(layout, seed: 2, scale: magnitude)
      let report = try trial.step(1, spike)
      #expect((report.gradientNorm / norm(spike) - 1).magnitude < 1e-12)
      #expect(report.clipped)
      let expected =
        limit == 1
        ? base : 1e-3 * Double(min(magnitude, 1)) * Double(6 * 40 + 6 + 3 * 5000).squareRoot()
      #expect((norm(trial.parameters) / expected - 1).magnitude < 1e-5)
      #expect(trial.stateBits.count > 0)
    }
  }

  /// A step that was measured and refused, or prepared and not made, leaves no trace.
  @Test func skippedStepsLeaveNoTrace() throws {
    for clip: any GradientTransform in [AutoClip(percentile: 50, window: 4), ZClip(warmup: 2)] {
      let steady = try Trial(layout, Chain(clip) + .sgd())
      let troubled = try Trial(layout, Chain(clip) + .sgd())
      for index in 0..<8 {
        let next = gradient(ofNorm: norms[index], seed: UInt64(index))
        try steady.step(index, next)
        var sick = next
        sick[3] = .nan
        let sums = troubled.blockSums(sick)
        #expect(throws: NonFiniteGradient.self) {
          try troubled.rule.prepare(step: index, blockSums: sums)
        }
        let spike = gradient(ofNorm: 1e6, seed: 1)
        try troubled.rule.prepare(step: index, blockSums: troubled.blockSums(spike))
        try troubled.step(index, next)
      }
      #expect(troubled.stateBits == steady.stateBits)
      #expect(bits(troubled.parameters) == bits(steady.parameters))
    }
  }

  @Test func statesAreNamed() throws {
    let rule = try UpdateRule(layout: layout, chain: Chain(AutoClip(window: 7), ZClip()))
    #expect(
      rule.state.map(\.name) == [
        "optimizer.updates", "optimizer.learningRateFactor", "optimizer.autoClip.norms",
        "optimizer.autoClip.count",
        "optimizer.zClip.averages", "optimizer.zClip.count",
      ])
    guard case .doubles(let ring) = rule.state[2].storage else {
      Issue.record("the ring is not of doubles")
      return
    }
    #expect(ring.count == 7)
  }
}
