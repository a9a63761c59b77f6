import LockstepEngine
import LockstepOptimization

/// A chain of transforms with its constraints, as the step's update.
public final class ChainUpdate: ParameterUpdate {
  /// The chain at work.
  public let rule: UpdateRule

  /// Binds a rule whose layout is that of the trainable parameters.
  public init(_ rule: UpdateRule) { self.rule = rule }

  public var layout: FlatLayout { rule.layout }
  public var stateEntries: [StateEntry] { rule.state }

  public func measure(block: Int, in gradient: UnsafeBufferPointer<Float>) -> Double {
    rule.measure(block: block, in: gradient)
  }

  public func prepare(step: Int, blockSums: UnsafeBufferPointer<Double>) throws {
    try rule.prepare(step: step, blockSums: blockSums)
  }

  public func apply(
    gradient: UnsafeBufferPointer<Float>, parameters: UnsafeMutableBufferPointer<Float>
  ) throws -> UpdateReport {
    let count = rule.layout.count
    let report = try rule.apply(
      gradient: UnsafeBufferPointer(rebasing: gradient[..<count]),
      parameters: UnsafeMutableBufferPointer(rebasing: parameters[..<count]))
    return UpdateReport(
      gradientNorm: report.gradientNorm,
      clippedGradientNorm: report.clippedGradientNorm ?? report.gradientNorm,
      clipped: report.clipped, learningRate: report.learningRate)
  }
}
