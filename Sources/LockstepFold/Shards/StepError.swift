import LockstepFiles

/// Why a step changed nothing.
package enum StepError: Error, Equatable, CustomStringConvertible {
  /// The folded weight is not positive, so there is nothing to divide by.
  case noWeight(step: Int, weight: Double)
  /// The processor's flush-to-zero mode could not be set on this thread.
  case noFlushToZero
  /// The parameters' arena is shorter than their gradients'.
  case parametersTooFew(count: Int, needed: Int)
  /// The update was made for other tensors than those whose gradients the source computes.
  case layoutsDiffer(update: [String], source: [String])
  /// A sharded update owns other blocks than the plan gives its rank.
  case blocksDiffer(update: Range<Int>, plan: Range<Int>)
  /// A sharded update of gradients that no rank owns.
  case shardedWithoutTree
  /// Ranks were given different batches: `ranks` another one than most, of which `reference` is the
  /// lowest.
  case batchesDiffer(step: Int, ranks: [Int], reference: Int)
  /// The learning rate is to be multiplied, and the update has none.
  case noLearningRate
  /// A hyperparameter of the step makes no sense.
  case badOption(key: String, value: String, expected: String)

  package var description: String {
    switch self {
    case .noWeight(let step, let weight):
      return
        "step \(step): the weights of the batch add up to \(readable(weight)), and must be positive: remove examples "
        + "of weight 0, which count for nothing, or take larger batches"
    case .noFlushToZero:
      return "flush-to-zero cannot be set on this processor, so the bits would depend on it"
    case .parametersTooFew(let count, let needed):
      return "\(count) parameter values for gradients that reach to \(needed)"
    case .shardedWithoutTree:
      return "a sharded update needs the reduction 'tree', which gives each rank a slice of its own"
    case .blocksDiffer(let update, let plan):
      return "the sharded update owns the blocks \(update), the plan gives its rank \(plan): make "
        + "it with plan.gradientBlocks(ofRank:)"
    case .batchesDiffer(let step, let ranks, let reference):
      let list = ranks.map(String.init).joined(separator: ", ")
      return
        "step \(step): the batch on rank\(ranks.count == 1 ? "" : "s") \(list) differs from rank "
        + "\(reference)'s: all ranks must pass the same examples, epoch and step, of which each then "
        + "computes its shards"
    case .noLearningRate:
      return
        "the learning rate is to be scaled, and the update has none: add ScaleByLearningRate to "
        + "its chain"
    case .badOption(let key, let value, let expected):
      return "\(key) is \(value): it must be \(expected)"
    case .layoutsDiffer(let update, let source):
      return "the update is made for the tensors \(update), the gradients are of \(source)"
    }
  }
}

/// A gradient, loss or statistic that is not finite. Nothing was updated.
package struct NonFiniteError: Error, Equatable, CustomStringConvertible {
  /// Where a value that is not finite was first found: the lowest such shard, and in it the first
  /// such tensor.
  package struct Origin: Sendable, Equatable {
    /// The logical shard.
    package let shard: Int
    /// The rank that computed it.
    package let rank: Int
    /// The tensor, or nil where only the loss is not finite.
    package let tensor: String?
    /// The index in the tensor.
    package let index: Int
    /// The value: a NaN or an infinity.
    package let value: Double
    /// The shard's mean loss.
    package let loss: Double
    /// The first example of the shard whose own gradient is not finite, by its number in the data set; nil where
    /// examples have none of their own.
    package let example: Int?

    package init(
      shard: Int, rank: Int, tensor: String?, index: Int, value: Double, loss: Double,
      example: Int? = nil
    ) {
      self.shard = shard
      self.rank = rank
      self.tensor = tensor
      self.index = index
      self.value = value
      self.loss = loss
      self.example = example
    }
  }

  /// The number of the step, counted from 1.
  package let step: Int
  /// The tensors whose folded gradient or statistic is not finite, in declaration order.
  package let tensors: [String]
  /// Where it began; nil where every shard is finite and only their sum is not.
  package let origin: Origin?

  package init(step: Int, tensors: [String], origin: Origin?) {
    self.step = step
    self.tensors = tensors
    self.origin = origin
  }

  package var description: String {
    // Where the loss itself is what was found it has been said.
    let loss = origin.flatMap {
      $0.tensor == nil ? nil : " (the shard's loss is \(readable($0.loss)))"
    }
    return finding + (loss ?? "") + "; nothing was updated"
  }

  /// What was found, without what follows from it.
  package var finding: String {
    var text = "step \(step): "
    switch origin {
    case nil:
      text +=
        tensors.isEmpty
        ? "the sum of the losses is not finite, though every shard's is"
        : "overflow in the fold: \(tensors[0]) is not finite, though every shard's part is"
    case let origin?:
      text +=
        "not finite: \(origin.tensor.map { "\($0)[\(origin.index)]" } ?? "the loss") = "
        + "\(origin.value) in shard \(origin.shard) on rank \(origin.rank)"
      if let example = origin.example {
        text += ", where the gradient of example \(example) of the training part is not"
      }
      if tensors.count > 1 { text += " (\(tensors.count) tensors are affected)" }
    }
    return text
  }
}
