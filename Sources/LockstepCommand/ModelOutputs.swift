import Lockstep
import LockstepConfiguration

extension TrainedModel {
  /// The model's outputs for all examples, on rank 0: each rank computes a run of batches. No bit
  /// depends on how many ranks there are. Outputs of shorter sequences have zeros behind them, so that all
  /// examples have as many. Called by all ranks.
  func outputs(on collective: any Collective) throws -> [Float] {
    let evaluator = try collective.together { try ModelEvaluator(source, on: part.examples) }
    return try outputs(of: 0..<part.examples.count, by: evaluator, on: collective)
  }

  /// The outputs for some examples, of which the first begins a batch.
  func outputs(
    of examples: Range<Int>, by evaluator: ModelEvaluator, on collective: any Collective
  ) throws -> [Float] {
    let (start, count) = (examples.lowerBound, examples.count)
    let size = named.configuration.evaluationBatchSize
    let width = try source.outputShape().reduce(1, *)
    let runs = FoldPlan.runs(of: (count - 1) / size + 1, over: collective.size)
    let own = try collective.together {
      var own: [Float] = []
      for batch in runs[collective.rank] {
        let examples = Array(start + batch * size..<start + min((batch + 1) * size, count))
        let values = try evaluator.compute(examples[...])
        let found = values.count / examples.count
        for place in examples.indices {
          own += values[place * found..<(place + 1) * found]
          own += repeatElement(0, count: width - found)
        }
      }
      return own
    }
    let counts = runs.map { run in
      (min(run.upperBound * size, count) - min(run.lowerBound * size, count)) * width
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
