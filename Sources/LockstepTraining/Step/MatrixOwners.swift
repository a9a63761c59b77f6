/// Which rank has which matrices of an update: contiguous runs, so that what a rank has lies side by side,
/// of which the dearest is as cheap as runs can be.
package enum MatrixOwners {
  /// The matrices of each rank, in order; runs at the end may be empty.
  ///
  /// - Parameter costs: what each matrix takes, at least 0.
  package static func runs(of costs: [Double], over ranks: Int) -> [Range<Int>] {
    var (low, high) = (costs.max() ?? 0, costs.reduce(0, +))
    // Halving the interval as often as a Double has bits finds the least bound that suffices.
    for _ in 0..<64 where low < high {
      let middle = low + (high - low) / 2
      if cut(costs, at: middle).count <= ranks { high = middle } else { low = middle }
    }
    var runs = cut(costs, at: high)
    while runs.count < ranks { runs.append(costs.count..<costs.count) }
    return runs
  }

  /// The slots of each rank, from its first matrix to its last.
  ///
  /// - Parameter operations: what each slot's matrix takes; nil for a tensor that is none.
  package static func slots(of operations: [Double?], over ranks: Int) -> [Range<Int>] {
    let matrices = operations.indices.filter { operations[$0] != nil }
    return runs(of: matrices.map { operations[$0] ?? 0 }, over: ranks).map { run in
      run.isEmpty ? 0..<0 : matrices[run.lowerBound]..<matrices[run.upperBound - 1] + 1
    }
  }

  /// Runs that cost at most so much, each as long as that allows.
  private static func cut(_ costs: [Double], at bound: Double) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var (start, sum) = (0, 0.0)
    for (index, cost) in costs.enumerated() {
      if index > start, sum + cost > bound {
        runs.append(start..<index)
        (start, sum) = (index, 0)
      }
      sum += cost
    }
    if start < costs.count { runs.append(start..<costs.count) }
    return runs
  }
}
