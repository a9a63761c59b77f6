// A step of a rule by itself: for trying a transform, a schedule or a constraint out.

extension UpdateRule {
  /// Makes one step on all parameters: chain, p ← p − u, constraints.
  ///
  /// ```swift
  /// let rule = try UpdateRule(layout: FlatLayout([("weight", [2, 3])]), chain: .adam())
  /// try rule.update(&parameters, gradient: gradient, step: 0)
  /// ```
  ///
  /// - Parameters:
  ///   - parameters: the parameters, in ``layout``.
  ///   - gradient: the normalised gradient, in ``layout``.
  ///   - step: the run's step, counted from 0, which schedules follow.
  /// - Returns: norms, clips and the learning rate.
  /// - Throws: `wrongLength(_:expected:found:)`, `needsGather` for a rule that
  ///   owns a part of the blocks, `NonFiniteGradient`.
  @discardableResult
  package func update(
    _ parameters: inout [Float], gradient: [Float], step: Int
  ) throws -> UpdateReport {
    try checkLength("the gradient", gradient.count)
    try checkLength("the parameters", parameters.count)
    guard owned == blocks.indices else { throw UpdateError.needsGather }
    return try gradient.withUnsafeBufferPointer { gradient in
      try prepare(step: step, blockSums: blocks.indices.map { measure(block: $0, in: gradient) })
      return try parameters.withUnsafeMutableBufferPointer {
        try apply(gradient: gradient, parameters: $0)
      }
    }
  }

  /// As ``prepare(step:blockSums:)-(_,UnsafeBufferPointer<Double>)``.
  @discardableResult
  package func prepare(step: Int, blockSums: [Double]) throws -> UpdateReport {
    try blockSums.withUnsafeBufferPointer { try prepare(step: step, blockSums: $0) }
  }
}
