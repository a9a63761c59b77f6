import LockstepCatalog

extension Schedule {
  /// Half a cosine up from peak / divisor to `peak` over the first `rise` of the steps, half a
  /// cosine down to peak / divisor / finalDivisor over the rest, then that. (`OneCycleLR(max_lr:
  /// peak, total_steps: steps, pct_start: rise, div_factor: divisor, final_div_factor:
  /// finalDivisor, cycle_momentum: False)`.)
  public static func oneCycle(
    peak: Double, steps: Int, rise: Double = 0.3, divisor: Double = 25,
    finalDivisor: Double = 1e4
  ) -> Schedule {
    Schedule(
      OneCycle(
        peak: peak, steps: steps, rise: rise, divisor: divisor, finalDivisor: finalDivisor))
  }

  static let oneCycleEntry = entry(
    "oneCycle", "up to the learning rate and far down again",
    [
      .steps, .with("rise", .fraction, 0.3, "the part of the steps that go up"),
      .with("divisor", .positive, 25, "the learning rate over the first rate"),
      .with("finalDivisor", .positive, 1e4, "the first rate over the last"),
    ]
  ) { values, rate, length in
    .oneCycle(
      peak: rate, steps: values["steps"] ?? length, rise: values["rise"],
      divisor: values["divisor"], finalDivisor: values["finalDivisor"])
  }
}

private struct OneCycle: LearningRateSchedule {
  let peak: Double
  let steps: Int
  let rise: Double
  let divisor: Double
  let finalDivisor: Double

  func validate() throws {
    typealias R = HyperparameterRange
    try R.nonNegative.check("oneCycle schedule", "learningRate", peak)
    try R.integer(atLeast: 2).check("oneCycle schedule", "steps", Double(steps))
    try R.fraction.check("oneCycle schedule", "rise", rise)
    try R.positive.check("oneCycle schedule", "divisor", divisor)
    try R.positive.check("oneCycle schedule", "finalDivisor", finalDivisor)
  }

  func rate(at step: Int) -> Double {
    let top = rise * Double(steps) - 1
    let end = Double(steps - 1)
    let t = min(Double(step), end)
    let start = peak / divisor
    if t <= top { return halfCosine(from: start, to: peak, top > 0 ? t / top : 1) }
    return halfCosine(from: peak, to: start / finalDivisor, (t - top) / (end - top))
  }
}
