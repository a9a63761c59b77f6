extension UpdateRule {
  /// Copies the average of the weights to an arena of the parameters' layout.
  ///
  /// A rule that owns a part of the blocks has the average of these, and copies that.
  ///
  /// - Returns: false, with nothing copied, where no average is kept or no update was averaged yet.
  package func copyAverage(to weights: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    try checkLength("the weights", weights.count)
    guard let average, average.count > 0 else { return false }
    for block in blocks[owned] {
      for index in block.range { weights[index] = average.arena.base[index] }
    }
    return true
  }

  /// Exchanges the parameters and their average, to evaluate or save the average; a second call
  /// brings both back. Between the two calls there must be no update.
  ///
  /// A rule that owns a part of the blocks exchanges these; ranks gather the parameters afterwards,
  /// both times.
  ///
  /// - Returns: whether there is an average.
  @discardableResult
  package func swapAverage(parameters: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    try checkLength("the parameters", parameters.count)
    guard let average, average.count > 0 else { return false }
    for block in blocks[owned] {
      for index in block.range { swap(&parameters[index], &average.arena.base[index]) }
    }
    return true
  }
}
