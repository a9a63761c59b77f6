import LockstepEngine
import LockstepOptimization
import LockstepTraining

/// Gradient descent with momentum, clipping by the global norm, and a box for the values, in plain
/// Swift: v ← m v + c g; w ← w − η v; w ← clamp(w).
///
/// Without momentum nothing hides a gradient of the wrong scale.
package final class ClippedSGD: Update {
  package let layout: FlatLayout
  package let blocks: [Block]
  package var learningRate: Float = 0.05
  package var momentum: Float = 0
  package var clip = Double.infinity
  package var box = Float.infinity
  private var report = UpdateReport(step: 0, gradientNorm: 0, learningRate: 0)
  private var coefficient: Float = 1
  private let velocity: Arena<Float>
  private let count = Arena<Int64>(count: 1)
  /// How often an update was applied.
  package var applied: Int { Int(count.buffer[0]) }

  package init(_ layout: FlatLayout) {
    self.layout = layout
    blocks = layout.blocks()
    velocity = Arena(count: layout.count)
  }

  package var stateEntries: [StateEntry] {
    [
      StateEntry("velocity", .arena(velocity.buffer, layout)),
      StateEntry("applied", .integers(count.buffer)),
    ]
  }

  package func measure(block: Int, in gradient: UnsafeBufferPointer<Float>) -> Double {
    blocks[block].range.reduce(0) { $0 + Double(gradient[$1]) * Double(gradient[$1]) }
  }

  package func prepare(step: Int, blockSums: UnsafeBufferPointer<Double>) -> UpdateReport {
    let norm = blockSums.reduce(0, +).squareRoot()
    let clipped = norm > clip
    coefficient = clipped ? Float(clip / norm) : 1
    report = UpdateReport(
      step: step, gradientNorm: norm, clippedGradientNorm: clipped ? clip : norm, clipped: clipped,
      learningRate: Double(learningRate))
    return report
  }

  package func apply(
    gradient: UnsafeBufferPointer<Float>, parameters: UnsafeMutableBufferPointer<Float>,
    gather: Gather?
  ) -> UpdateReport {
    for i in blocks.map(\.range).joined() {
      velocity.buffer[i] = momentum * velocity.buffer[i] + coefficient * gradient[i]
      parameters[i] = min(max(parameters[i] - learningRate * velocity.buffer[i], -box), box)
    }
    count.buffer[0] += 1
    return report
  }
}

/// λ/2 ‖w‖², in plain Swift.
package final class RidgePenalty: GradientRegularizer {
  package let lambda: Float
  package let blocks: [Block]

  package init(_ lambda: Float, _ layout: FlatLayout) {
    self.lambda = lambda
    blocks = layout.blocks()
  }

  package func add(
    block: Int, to gradient: UnsafeMutableBufferPointer<Float>,
    parameters: UnsafeBufferPointer<Float>
  ) -> Double {
    var penalty = 0.0
    for i in blocks[block].range {
      gradient[i] += lambda * parameters[i]
      penalty += Double(lambda) / 2 * Double(parameters[i]) * Double(parameters[i])
    }
    return penalty
  }
}

/// The layout of the parameters of ``LinearRegression``.
package let regressionParameters = FlatLayout([
  ("weight", [LinearRegression.outputs, LinearRegression.inputs]),
  ("bias", [LinearRegression.outputs]),
])
