import Foundation
import LockstepEngine
import LockstepOptimization

/// An update rule in Double, straight from the formulas, without blocks, kernels or fusion: what the
/// real one is in exact arithmetic.
///
/// It reads the same chain and constraints, so that presets and catalogs are under test as well.
struct DoubleRule {
  let layout: FlatLayout
  let chain: Chain
  let constraints: [WeightConstraint?]
  /// One array a tensor.
  var parameters: [[Double]]
  private var memory: [String: [[Double]]] = [:]
  private var norms: [String: [Double]] = [:]
  private var updates = 0

  init(
    _ layout: FlatLayout, _ chain: Chain, _ constraints: [WeightConstraint?], _ start: [[Double]]
  ) {
    self.layout = layout
    self.chain = chain
    self.constraints = constraints
    parameters = start
  }

  mutating func step(_ number: Int, _ gradient: [[Double]]) {
    updates += 1
    var u = gradient
    for (index, transform) in chain.transforms.enumerated() {
      apply(transform, "\(index)", number, &u)
    }
    for slot in u.indices {
      for i in u[slot].indices { parameters[slot][i] -= u[slot][i] }
      if let constraint = constraints[slot] { project(constraint, slot) }
    }
  }

  // MARK: Transforms

  private mutating func apply(
    _ transform: any GradientTransform, _ key: String, _ number: Int, _ u: inout [[Double]]
  ) {
    let t = Double(updates)
    switch transform {
    case let clip as ClipByValue:
      let (low, high) = (Double(clip.lower), Double(clip.upper))
      u = u.map { $0.map { min(max($0, low), high) } }
    case let clip as ClipByGlobalNorm:
      let scope = scope(clip.scope)
      let all = scope.flatMap { u[$0] }.map(\.magnitude)
      let norm: Double =
        switch clip.norm {
        case .one: all.reduce(0, +)
        case .two: all.reduce(0) { $0 + $1 * $1 }.squareRoot()
        case .infinity: all.max()!
        case .power(let p):
          pow(all.reduce(0) { $0 + pow($1, Double(p)) }, 1 / Double(p))
        }
      scale(&u, scope, clip.formula == .pyTorch ? clip.limit / (norm + 1e-6) : clip.limit / norm)
    case let clip as ClipByNorm:
      for slot in u.indices { scale(&u, [slot], clip.limit / norm(u[slot])) }
    case let clip as ClipByBlockRMS:
      for slot in u.indices {
        scale(&u, [slot], clip.limit * Double(u[slot].count).squareRoot() / norm(u[slot]))
      }
    case let clip as AdaptiveClip:
      for (slot, tensor) in layout.slots.enumerated() {
        for start in stride(from: 0, to: tensor.count, by: tensor.unitSize) {
          let unit = start..<start + tensor.unitSize
          let limit = clip.fraction * max(norm(parameters[slot][unit]), clip.epsilon)
          let factor = min(1, limit / norm(u[slot][unit]))
          for i in unit { u[slot][i] *= factor }
        }
      }
    case let clip as AutoClip:
      let value = norm(u.flatMap { $0 })
      norms[key, default: []].append(value)
      let history = norms[key]!.suffix(clip.window).sorted()
      let place = clip.percentile / 100 * Double(history.count - 1)
      let below = Int(place)
      let above = min(below + 1, history.count - 1)
      scale(
        &u, Array(u.indices),
        (history[below] + (place - Double(below)) * (history[above] - history[below])) / value)
    case let clip as ZClip: apply(clip, key, &u)
    case let decay as WeightDecay: add(decay.rate, &u)
    case let decay as DecoupledWeightDecay:
      add(decay.rate * (decay.schedule?.value(at: number) ?? 1), &u)
    case let rate as ScaleByLearningRate:
      scale(&u, Array(u.indices), rate.schedule.value(at: number), limits: false)
    case let rule as Momentum:
      let gain = updates == 1 ? 1 : 1 - rule.dampening
      each(key, 1, &u) { u, m, _ in
        m[0] = rule.momentum * m[0] + gain * u
        return rule.nesterov ? u + rule.momentum * m[0] : m[0]
      }
    case let rule as ScaleByAdam:
      let first = 1 - pow(rule.beta1, t)
      let second = (1 - pow(rule.beta2, t)).squareRoot()
      each(key, 3, &u) { u, m, _ in
        m[0] = rule.beta1 * m[0] + (1 - rule.beta1) * u
        m[1] = rule.beta2 * m[1] + (1 - rule.beta2) * u * u
        m[2] = max(m[2], m[1])
        let v = (rule.amsgrad ? m[2] : m[1]).squareRoot()
        return rule.placement == .outside
          ? m[0] / first / (v / second + rule.epsilon) : m[0] * second / first / (v + rule.epsilon)
      }
    case let rule as ScaleByRAdam:
      let infinity = 2 / (1 - rule.beta2) - 1
      let power = pow(rule.beta2, t)
      let length = infinity - 2 * t * power / (1 - power)
      each(key, 2, &u) { u, m, _ in
        m[0] = rule.beta1 * m[0] + (1 - rule.beta1) * u
        m[1] = rule.beta2 * m[1] + (1 - rule.beta2) * u * u
        let mean = m[0] / (1 - pow(rule.beta1, t))
        guard length > 5 else { return mean }
        let rectified =
          ((length - 4) * (length - 2) * infinity / ((infinity - 4) * (infinity - 2) * length))
          .squareRoot()
        return mean * rectified * (1 - power).squareRoot() / (m[1].squareRoot() + rule.epsilon)
      }
    case let rule as ScaleByNAdam:
      func momentum(_ t: Double) -> Double {
        rule.beta1 * (1 - 0.5 * pow(0.96, t * rule.momentumDecay))
      }
      let product = (norms[key]?.first ?? 1) * momentum(t)
      norms[key] = [product]
      let next = momentum(t + 1)
      each(key, 2, &u) { u, m, _ in
        m[0] = rule.beta1 * m[0] + (1 - rule.beta1) * u
        m[1] = rule.beta2 * m[1] + (1 - rule.beta2) * u * u
        let ahead = u * (1 - momentum(t)) / (1 - product) + m[0] * next / (1 - product * next)
        return ahead / ((m[1] / (1 - pow(rule.beta2, t))).squareRoot() + rule.epsilon)
      }
    case let rule as ScaleByRMS:
      each(key, 2, &u) { u, m, _ in
        m[0] = rule.alpha * m[0] + (1 - rule.alpha) * u * u
        m[1] = rule.alpha * m[1] + (1 - rule.alpha) * u
        let v = rule.centered ? max(m[0] - m[1] * m[1], 0) : m[0]
        return rule.placement == .inside
          ? u / (v + rule.epsilon).squareRoot() : u / (v.squareRoot() + rule.epsilon)
      }
    case let rule as ScaleByAdaGrad:
      let isFirst = updates == 1
      each(key, 1, &u) { u, m, _ in
        if isFirst { m[0] = rule.initialAccumulator }
        m[0] += u * u
        let divisor =
          rule.placement == .inside
          ? (m[0] + rule.epsilon).squareRoot() : m[0].squareRoot() + rule.epsilon
        return u / divisor / (1 + (t - 1) * rule.learningRateDecay)
      }
    case let rule as ScaleByAdaDelta:
      each(key, 2, &u) { u, m, _ in
        m[0] = rule.rho * m[0] + (1 - rule.rho) * u * u
        let moved = u * (m[1] + rule.epsilon).squareRoot() / (m[0] + rule.epsilon).squareRoot()
        m[1] = rule.rho * m[1] + (1 - rule.rho) * moved * moved
        return moved
      }
    case let rule as ScaleByLion:
      each(key, 1, &u) { u, m, _ in
        let direction = rule.beta1 * m[0] + (1 - rule.beta1) * u
        m[0] = rule.beta2 * m[0] + (1 - rule.beta2) * u
        return direction > 0 ? 1 : direction < 0 ? -1 : 0
      }
    case let rule as ScaleByTrustRatio:
      for slot in u.indices {
        let (p, n) = (norm(parameters[slot]), norm(u[slot]))
        let ratio = p == 0 || n == 0 ? 1 : rule.coefficient * p / (n + rule.epsilon)
        scale(&u, [slot], ratio, limits: false)
      }
    case let rule as ScaleByLARS:
      for slot in u.indices {
        let (p, n) = (norm(parameters[slot]), norm(u[slot]))
        let ratio =
          p == 0 || n == 0
          ? 1 : rule.trustCoefficient * p / (n + rule.weightDecay * p + rule.epsilon)
        for i in u[slot].indices {
          u[slot][i] = ratio * (u[slot][i] + rule.weightDecay * parameters[slot][i])
        }
      }
    default: fatalError("no formula here for \(type(of: transform))")
    }
  }

  private mutating func apply(_ clip: ZClip, _ key: String, _ u: inout [[Double]]) {
    let value = norm(u.flatMap { $0 })
    var state = norms[key] ?? []  // the warm-up's norms, then mean and variance in their place
    var limit = value
    let mean: Double
    let variance: Double
    if updates <= clip.warmup {
      state.append(value)
      if updates == clip.warmup {
        let count = Double(state.count)
        let average = state.reduce(0, +) / count
        state = [average, state.reduce(0) { $0 + ($1 - average) * ($1 - average) } / count]
      }
      norms[key] = state
      return
    }
    let deviation = state[1].squareRoot()
    let z = (value - state[0]) / deviation
    if z > clip.threshold { limit = state[0] + clip.threshold * clip.threshold * deviation / z }
    mean = clip.alpha * state[0] + (1 - clip.alpha) * limit
    variance = clip.alpha * state[1] + (1 - clip.alpha) * (limit - mean) * (limit - mean)
    norms[key] = [mean, variance]
    scale(&u, Array(u.indices), limit / value)
  }

  private func norm(_ values: some Sequence<Double>) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  /// The slots that patterns with a star at either end name.
  private func scope(_ patterns: [String]) -> [Int] {
    layout.slots.indices.filter { slot in
      let name = layout.slots[slot].name
      return patterns.isEmpty
        || patterns.contains {
          $0.hasPrefix("*") ? name.hasSuffix($0.dropFirst()) : name.hasPrefix($0.dropLast())
        }
    }
  }

  /// Multiplies tensors by a factor, or by 1 where the factor limits and is above.
  private func scale(
    _ u: inout [[Double]], _ slots: [Int], _ factor: Double, limits: Bool = true
  ) {
    let factor = limits ? min(factor, 1) : factor
    for slot in slots { u[slot] = u[slot].map { $0 * factor } }
  }

  private func add(_ rate: Double, _ u: inout [[Double]]) {
    for slot in u.indices {
      for i in u[slot].indices { u[slot][i] += rate * parameters[slot][i] }
    }
  }

  /// Maps every value with `count` moments of its own, zeros at first.
  private mutating func each(
    _ key: String, _ count: Int, _ u: inout [[Double]],
    _ formula: (Double, inout [Double], Int) -> Double
  ) {
    let none = u.flatMap { $0.map { _ in [Double](repeating: 0, count: count) } }
    var moments = memory[key] ?? none
    var place = 0
    for slot in u.indices {
      for i in u[slot].indices {
        u[slot][i] = formula(u[slot][i], &moments[place], place)
        place += 1
      }
    }
    memory[key] = moments
  }

  // MARK: Constraints

  private mutating func project(_ constraint: WeightConstraint, _ slot: Int) {
    let tensor = layout.slots[slot]
    let rank = tensor.shape.count
    var axes = Set(rank < 2 ? 0..<rank : 1..<rank)
    switch constraint.axes {
    case .unit: break
    case .all: axes = Set(0..<rank)
    case .axes(let list): axes = Set(list)
    case .keras(let list):
      axes = Set(list.map { $0 == rank - 1 ? 0 : $0 == rank - 2 ? 1 : $0 + 2 })
    }
    switch constraint.projection {
    case let box as any ValueProjection:
      parameters[slot] = parameters[slot].map { min(max($0, Double(box.lower)), Double(box.upper)) }
    case let spectral as SpectralNorm:
      let factor = min(1, Double(spectral.limit) / singularValue(slot))
      parameters[slot] = parameters[slot].map { $0 * factor }
    default:
      for unit in units(tensor, reducing: axes) {
        let places = unit.map { $0 - tensor.offset }
        let norm = norm(places.map { parameters[slot][$0] })
        let desired: Double
        switch constraint.projection {
        case let rule as MaxNorm: desired = min(norm, Double(rule.limit))
        case let rule as MinMaxNorm:
          desired =
            Double(rule.rate) * max(Double(rule.minimum), min(norm, Double(rule.maximum)))
            + (1 - Double(rule.rate)) * norm
        default: desired = 1
        }
        let factor = constraint.mode == .keras ? desired / (1e-7 + norm) : desired / norm
        for place in places { parameters[slot][place] *= factor }
      }
    }
  }

  /// The largest singular value: the root of the largest eigenvalue of WWᵀ, by Jacobi's rotations.
  private func singularValue(_ slot: Int) -> Double {
    let rows = layout.slots[slot].shape[0]
    let columns = layout.slots[slot].count / rows
    let w = parameters[slot]
    var a = (0..<rows).map { i in
      (0..<rows).map { j in
        (0..<columns).reduce(0) { $0 + w[i * columns + $1] * w[j * columns + $1] }
      }
    }
    for _ in 0..<30 {
      for p in 0..<rows {
        for q in p + 1..<rows where a[p][q] != 0 {
          let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
          let tangent = (theta < 0 ? -1 : 1) / (theta.magnitude + (theta * theta + 1).squareRoot())
          let cosine = 1 / (tangent * tangent + 1).squareRoot()
          let sine = tangent * cosine
          for k in 0..<rows {
            (a[k][p], a[k][q]) = (
              cosine * a[k][p] - sine * a[k][q], sine * a[k][p] + cosine * a[k][q]
            )
          }
          for k in 0..<rows {
            (a[p][k], a[q][k]) = (
              cosine * a[p][k] - sine * a[q][k], sine * a[p][k] + cosine * a[q][k]
            )
          }
        }
      }
    }
    return a.indices.map { a[$0][$0] }.max()!.squareRoot()
  }
}
