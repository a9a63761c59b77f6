import LockstepEngine
import LockstepOptimization

/// A chain of transforms with its constraints, as the step's update.
public class ChainUpdate: ParameterUpdate {
  /// The chain at work.
  public let rule: UpdateRule

  /// Binds a rule whose layout is that of the trainable parameters.
  public init(_ rule: UpdateRule) { self.rule = rule }

  public var layout: FlatLayout { rule.layout }
  public var stateEntries: [StateEntry] { rule.state }

  public var learningRateFactor: Double? {
    get { rule.learningRateFactor }
    set { rule.learningRateFactor = newValue }
  }

  public func measure(block: Int, in gradient: UnsafeBufferPointer<Float>) -> Double {
    rule.measure(block: block, in: gradient)
  }

  public func parameterNorms() -> [ParameterNorms] { rule.parameterNorms() }

  public func prepare(step: Int, blockSums: UnsafeBufferPointer<Double>) throws {
    try rule.prepare(step: step, blockSums: blockSums)
  }

  public func apply(
    gradient: UnsafeBufferPointer<Float>, parameters: UnsafeMutableBufferPointer<Float>
  ) throws -> UpdateReport {
    try apply(gradient, parameters, gather: nil)
  }

  fileprivate func apply(
    _ gradient: UnsafeBufferPointer<Float>, _ parameters: UnsafeMutableBufferPointer<Float>,
    gather: UpdateRule.Gather?
  ) throws -> UpdateReport {
    let count = rule.layout.count
    for (what, found) in [
      ("the gradient", gradient.count), ("the parameters", parameters.count),
    ] where found < count {
      throw UpdateError.wrongLength(what, expected: count, found: found)
    }
    let report = try rule.apply(
      gradient: UnsafeBufferPointer(rebasing: gradient[..<count]),
      parameters: UnsafeMutableBufferPointer(rebasing: parameters[..<count]), gather: gather)
    return UpdateReport(
      gradientNorm: report.gradientNorm,
      clippedGradientNorm: report.clippedGradientNorm ?? report.gradientNorm,
      clipped: report.clipped, coefficient: report.coefficient,
      clippedFraction: report.clippedFraction, learningRate: report.learningRate)
  }
}

/// A chain whose rule owns one rank's blocks.
///
/// ```swift
/// let plan = try FoldPlan(shards: 8, of: source, on: group)
/// let rule = try UpdateRule(
///   layout: layout, chain: chain, owning: plan.gradientBlocks(ofRank: group.rank))
/// let step = try TrainingStep(
///   source: source, update: ShardedChainUpdate(rule), shards: 8, on: group)
/// ```
public final class ShardedChainUpdate: ChainUpdate, ShardedParameterUpdate {
  public var owned: Range<Int> { rule.owned }

  public func apply(
    gradient: UnsafeBufferPointer<Float>, parameters: UnsafeMutableBufferPointer<Float>,
    gather: @escaping Gather
  ) throws -> UpdateReport {
    try apply(gradient, parameters, gather: gather)
  }

  public var constrainsGathered: Bool { rule.projectsAfterGather }

  public func constrainGathered(parameters: UnsafeMutableBufferPointer<Float>) throws {
    if rule.projectsAfterGather {
      try rule.projectGathered(
        parameters: UnsafeMutableBufferPointer(
          rebasing: parameters.prefix(rule.layout.count)))
    }
  }
}
