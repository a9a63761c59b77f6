extension UpdateRule {
  /// The average of weights in the layout, nil where none is kept or no update has been averaged.
  ///
  /// A rank that updates a part of the blocks has the average of these.
  public var averagedWeights: UnsafeBufferPointer<Float>? {
    guard let average, average.count > 0 else { return nil }
    return UnsafeBufferPointer(average.arena.buffer)
  }

  /// Exchanges the parameters and their average, to evaluate or save the average; a second call
  /// brings both back. Between the two calls there must be no update.
  ///
  /// - Returns: whether there is an average.
  @discardableResult
  public func swapAverage(parameters: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    try checkLength("the parameters", parameters.count)
    guard let average, average.count > 0 else { return false }
    for index in 0..<layout.count { swap(&parameters[index], &average.arena.base[index]) }
    return true
  }
}
