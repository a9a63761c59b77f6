import LockstepEngine

// What logits say, in Double.

extension ScoredExamples {
  /// x − log Σ e^y, y being the outputs of a row, but for one of them. A shift of the whole row changes no bit,
  /// where it is exact.
  private func aboveRest(_ x: Double, _ row: Int, without left: Int? = nil) -> Double {
    let width = form.width
    var most = -Double.infinity
    for place in 0..<width where place != left {
      most = max(most, Double(outputs[row * width + place]))
    }
    guard most.isFinite else { return x - most }
    var sum = 0.0
    for place in 0..<width where place != left {
      sum += ExactMath.exponential(Double(outputs[row * width + place]) - most)
    }
    return (x - most) - ExactMath.logarithm(sum)
  }

  /// log(p / (1 − p)) of the probability p of a class, or of a label. It orders examples as p does, and tells
  /// them apart where p rounds to 1.
  func logOdds(_ row: Int, of index: Int) -> Double {
    let width = form.width
    switch form.meaning {
    case .classLogits:
      guard width > 1 else { return .infinity }
      return aboveRest(Double(outputs[row * width + index]), row, without: index)
    case .labelLogits where width == 1:
      return index == 0 ? -Double(outputs[row]) : Double(outputs[row])
    case .labelLogits, .numbers: return Double(outputs[row * width + index])
    }
  }

  /// The probability of a class, or of a label.
  func probability(_ row: Int, of index: Int) -> Double {
    Self.sigmoid(logOdds(row, of: index))
  }

  /// −log p of a row's class.
  func classLoss(_ row: Int, _ label: Int) -> Double {
    -aboveRest(Double(outputs[row * form.width + label]), row)
  }

  /// 1 / (1 + e^−x).
  static func sigmoid(_ x: Double) -> Double {
    x >= 0
      ? 1 / (1 + ExactMath.exponential(-x))
      : ExactMath.exponential(x) / (1 + ExactMath.exponential(x))
  }

  /// log(1 + e^x).
  static func softplus(_ x: Double) -> Double {
    let small = ExactMath.exponential(-x.magnitude)
    // log(1 + s), where 1 + s loses digits of s: by its series.
    let logarithm =
      small > 1e-4
      ? ExactMath.logarithm(1 + small) : small * (1 - small * (0.5 - small * (1.0 / 3 - small / 4)))
    return max(x, 0) + logarithm
  }

  /// The class of a row, where there are classes.
  func label(_ row: Int) -> Int {
    switch labels {
    case .classes(let classes): Int(classes[row])
    case .targets(let targets): targets[row] > 0.5 ? 1 : 0
    }
  }

  /// Whether a label is right in a row: a class, or one of several.
  func isPositive(_ row: Int, _ index: Int) -> Bool {
    switch labels {
    case .classes(let classes): Int(classes[row]) == index
    case .targets(let targets):
      form.classCount == nil
        ? targets[row * form.width + index] > 0.5 : (targets[row] > 0.5) == (index == 1)
    }
  }

  /// The class with the largest output; of equal ones the first.
  func decision(_ row: Int) -> Int {
    if form.meaning == .labelLogits { return outputs[row] > 0 ? 1 : 0 }
    let first = row * form.width
    var best = 0
    for place in 1..<max(form.width, 1) where outputs[first + place] > outputs[first + best] {
      best = place
    }
    return best
  }
}
