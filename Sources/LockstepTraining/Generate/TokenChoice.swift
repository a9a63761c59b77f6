import LockstepEngine
import LockstepOptimization

/// Chooses tokens one after the other. Its arithmetic is in Double, by basic operations alone, so that equal logits
/// and seeds give equal tokens on every machine.
package struct TokenChoice {
  private let sampling: TextSampling
  private var random: CounterGenerator
  private var weights: [Double] = []
  private var order: [Int] = []

  package init(_ sampling: TextSampling) throws(ArgumentError) {
    try sampling.check()
    self.sampling = sampling
    random = CounterGenerator(seed: sampling.seed, .generation)
  }

  /// The next token, an index of the logits.
  ///
  /// - Throws: `GraphError` where a logit is not finite.
  package mutating func next(_ logits: UnsafeBufferPointer<Float>) throws(GraphError) -> Int {
    // Each token takes its draw, whether it needs one or not.
    let draw = random.nextUniform()
    var best = 0
    for index in logits.indices {
      guard logits[index].isFinite else {
        throw GraphError(
          "the model's output for token \(index) is \(logits[index]): no text can be made of it")
      }
      if logits[index] > logits[best] { best = index }
    }
    // Threads that flush denormals take smaller temperatures for 0, others do not.
    guard sampling.temperature >= Double.leastNormalMagnitude else { return best }
    let top = Double(logits[best])
    weights.removeAll(keepingCapacity: true)
    for logit in logits {
      weights.append(ExactMath.exponential((Double(logit) - top) / sampling.temperature))
    }
    order.removeAll(keepingCapacity: true)
    order.append(contentsOf: weights.indices)
    if sampling.topK != nil || sampling.topP != nil { leaveOut(logits) }
    return pick(draw)
  }

  /// Brings tokens in order, the likeliest first, and leaves only those that may be chosen.
  private mutating func leaveOut(_ logits: UnsafeBufferPointer<Float>) {
    order.sort { (logits[$1], $0) < (logits[$0], $1) }
    if let topK = sampling.topK, topK < order.count { order.removeLast(order.count - topK) }
    guard let topP = sampling.topP else { return }
    let goal = topP * order.reduce(0.0) { $0 + weights[$1] }
    var sum = 0.0
    for place in order.indices {
      sum += weights[order[place]]
      if sum >= goal {
        order.removeLast(order.count - place - 1)
        return
      }
    }
  }

  private func pick(_ draw: Double) -> Int {
    let goal = draw * order.reduce(0.0) { $0 + weights[$1] }
    var sum = 0.0
    for token in order {
      sum += weights[token]
      if sum > goal { return token }
    }
    // Rounding may leave the sum at the goal; the last token that may be chosen is it then.
    return order.last { weights[$0] > 0 } ?? 0
  }
}
