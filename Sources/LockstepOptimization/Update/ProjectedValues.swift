import LockstepEngine

extension WeightConstraint {
  /// The values of a tensor after one projection, for tests of a constraint's laws: what is projected
  /// twice keeps its bits, what lies inside the set does.
  ///
  /// - Parameters:
  ///   - values: in storage order.
  ///   - shape: the dimensions in PyTorch's layout.
  /// - Throws: ``HyperparameterError``, `wrongLength(_:expected:found:)`.
  public func projected(_ values: [Float], shape: [Int]) throws -> [Float] {
    let layout = FlatLayout([("values", shape)])
    let constraint = every(1)
    let rule = try UpdateRule(layout: layout, chain: Chain(), constraints: [constraint])
    let range = layout.slots[0].range
    guard values.count == range.count else {
      throw UpdateError.wrongLength("values", expected: range.count, found: values.count)
    }
    let gradient = Arena<Float>(count: layout.count)
    let parameters = Arena<Float>(count: layout.count)
    for (index, value) in zip(range, values) { parameters.buffer[index] = value }
    try rule.prepare(step: 0, blockSums: rule.blocks.map { _ in 0 })
    try rule.apply(
      gradient: UnsafeBufferPointer(gradient.buffer), parameters: parameters.buffer)
    return range.map { parameters.buffer[$0] }
  }
}
