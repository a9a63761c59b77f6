import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepOptimization

/// A model that can be looked at with the average of its weights in place of the weights.
public final class AveragedModel {
  private let source: ModelSource
  private let rule: UpdateRule
  private let collective: any Collective
  /// The bytes of the parameters that each rank owns; nil where every rank has the whole average.
  private let counts: [Int]?
  private let own: Range<Int>
  private let weights: Arena<Float>

  /// - Parameters:
  ///   - source: the model.
  ///   - rule: the update that keeps the average.
  ///   - plan: who owns which blocks.
  package init(
    _ source: ModelSource, _ rule: UpdateRule, _ plan: FoldPlan, on collective: any Collective
  ) {
    self.source = source
    self.rule = rule
    self.collective = collective
    weights = Arena(count: rule.layout.count)
    let slices = plan.slices.map { $0.clamped(to: 0..<rule.layout.count) }
    own = slices[collective.rank]
    let isWhole = rule.owned.count == plan.gradientBlockCount
    counts =
      collective.size == 1 || isWhole
      ? nil : slices.map { $0.count * MemoryLayout<Float>.stride }
  }

  /// Runs `body` while the parameters are their average, and puts the parameters back. Before the
  /// first averaged update they stay as they are. Called by all ranks.
  public func run<Result>(_ body: () throws -> Result) throws -> Result {
    let parameters = UnsafeMutableBufferPointer(
      rebasing: source.parameters[..<rule.layout.count])
    if source.memory.isShared { return try runShared(parameters, body) }
    _ = weights.buffer.update(fromContentsOf: parameters)
    defer { _ = parameters.update(fromContentsOf: weights.buffer) }
    if try rule.copyAverage(to: parameters), let counts {
      let mine = Array(parameters[own])
      try mine.withUnsafeBytes {
        try collective.allgather(
          $0, counts: counts, into: UnsafeMutableRawBufferPointer(parameters))
      }
    }
    return try body()
  }

  /// The same where all ranks see one copy of the parameters: each exchanges what it owns, and all
  /// meet before anybody looks and before anybody puts back.
  private func runShared<Result>(
    _ parameters: UnsafeMutableBufferPointer<Float>, _ body: () throws -> Result
  ) throws -> Result {
    for index in own { weights.buffer[index] = parameters[index] }
    _ = try rule.copyAverage(to: parameters)
    try collective.barrier()
    let result = Swift.Result { try body() }
    try collective.barrier()
    for index in own { parameters[index] = weights.buffer[index] }
    try collective.barrier()
    return try result.get()
  }
}
