import Lockstep

/// The outputs of a model for examples, computed by all ranks: each takes a run of batches. No bit depends
/// on how many ranks there are.
struct ExampleOutputs {
  private let evaluator: ModelEvaluator
  /// How many outputs of one example each head makes; one number for a model without heads.
  let widths: [Int]
  /// The outputs of one example.
  var width: Int { widths.reduce(0, +) }
  /// The examples of a batch.
  private let batchSize: Int

  /// Called by all ranks.
  ///
  /// - Parameter areAll: whether the outputs of all heads are computed, one head's behind the other's, or those of
  ///   the first alone.
  init(
    of source: ModelSource, on examples: any ExampleSource, batchSize: Int, areAll: Bool = false,
    ranks collective: any Collective
  ) throws {
    evaluator = try collective.together { try ModelEvaluator(source, on: examples) }
    let shapes = areAll ? evaluator.outputShapes[...] : evaluator.outputShapes.prefix(1)
    widths = shapes.map { $0.reduce(1, *) }
    self.batchSize = batchSize
  }

  /// The outputs for some examples, of which the first begins a batch, on rank 0. Outputs of shorter
  /// sequences have zeros behind them, so that all examples have as many. Called by all ranks.
  func values(of examples: Range<Int>, on collective: any Collective) throws -> [Float] {
    let (start, count) = (examples.lowerBound, examples.count)
    let runs = FoldPlan.runs(of: (count - 1) / batchSize + 1, over: collective.size)
    let own = try collective.together {
      var own: [Float] = []
      for batch in runs[collective.rank] {
        let examples = Array(
          start + batch * batchSize..<start + min((batch + 1) * batchSize, count))
        let all = try evaluator.computeAll(examples[...])
        for place in examples.indices {
          for (values, width) in zip(all, widths) {
            let found = values.count / examples.count
            own += values[place * found..<(place + 1) * found]
            own += repeatElement(0, count: width - found)
          }
        }
      }
      return own
    }
    let counts = runs.map { run in
      (min(run.upperBound * batchSize, count) - min(run.lowerBound * batchSize, count)) * width
        * MemoryLayout<Float>.stride
    }
    var all = [Float](repeating: 0, count: collective.isRoot ? count * width : 0)
    try own.withUnsafeBytes { own in
      try all.withUnsafeMutableBytes {
        try collective.gather(own, counts: counts, into: $0, root: 0)
      }
    }
    return all
  }
}
