import LockstepEngine
import LockstepFold

// How far a Hessian-free step goes, and in which of the directions that conjugate gradients came through.

extension HessianFreeStep {
  /// The objective at θ + length · d; infinite where it is not finite.
  private func objective(
    _ batch: StepBatch, _ direction: UnsafePointer<Float>, _ length: Double
  ) throws -> Double {
    vectors.add(parameters, start.base, length, direction)
    try trials.gather { try model.computeLosses(of: batch, records: $0) }
    details.losses += 1
    let value = trials.total.loss / trials.total.weight + penalty
    return value.isFinite ? value : .infinity
  }

  /// A direction to go, and what is known of it.
  struct Chosen {
    let direction: UnsafePointer<Float>
    /// φ(d)
    let model: Double
    /// The objective at θ + d.
    let objective: Double
    /// gᵀ d
    let slope: Double
  }

  /// Goes back from the last iterate while the objective falls.
  func backtrack(_ batch: StepBatch) throws -> Chosen {
    let iterates = solver.iterates
    var best = iterates.count - 1
    var value = try objective(batch, iterates[best].values, 1)
    while best > 0 {
      let earlier = try objective(batch, iterates[best - 1].values, 1)
      guard earlier < value || !value.isFinite else { break }
      best -= 1
      value = earlier
    }
    let direction = UnsafePointer(iterates[best].values)
    return Chosen(
      direction: direction, model: iterates[best].model, objective: value,
      slope: vectors.dot(gradient.base, direction))
  }

  /// λ of the next step, by Levenberg and Marquardt's rule.
  func adapt(_ chosen: Chosen) -> Double {
    let fall = chosen.objective - details.objective
    details.reductionRatio =
      chosen.objective.isFinite && chosen.model < 0 ? fall / chosen.model : -.infinity
    var damping = details.damping
    if details.reductionRatio < 0.25 { damping *= options.dampingFactor }
    if details.reductionRatio > 0.75 { damping /= options.dampingFactor }
    return min(max(damping, 1e-12), 1e12)
  }

  /// Shortens the direction until the objective falls enough.
  func searchLine(_ batch: StepBatch, _ chosen: Chosen) throws {
    details.newObjective = details.objective
    details.stepLength = 0
    guard chosen.slope < 0 else { return }
    var length = 1.0
    var value = chosen.objective
    for _ in 0..<options.lineSearchTrials {
      if value <= details.objective + options.sufficientDecrease * length * chosen.slope {
        details.stepLength = length
        details.newObjective = value
        return
      }
      length *= options.lineSearchFactor
      value = try objective(batch, chosen.direction, length)
    }
  }
}
