import LockstepFiles

/// A step as ``CostModel`` predicts it. Times in seconds.
package struct CostPrediction: Sendable {
  /// The number of nodes.
  package let nodes: Int
  /// The number of ranks on all nodes.
  package let ranks: Int
  /// The number of logical shards.
  package let shards: Int
  /// The examples of a step.
  package let batchSize: Int
  /// Whether every rank updates the slice that it owns alone.
  package internal(set) var isSharded = false
  /// Whether gradients are made of factors (docs/fold.md).
  package internal(set) var makesProducts = false
  /// Forward and backward passes of the busiest rank.
  package internal(set) var compute = 0.0
  /// Additions of the tree, dividing and measuring.
  package internal(set) var fold = 0.0
  /// Gradients between nodes.
  package internal(set) var wire = 0.0
  /// Losses, metrics and norms, and meetings of a node's ranks.
  package internal(set) var numbers = 0.0
  /// Clip, optimizer and constraints.
  package internal(set) var update = 0.0
  /// The bytes that cross the busiest node's link in the busier direction.
  package internal(set) var wireBytes = 0
  /// The bytes of the busiest rank.
  package internal(set) var memory = 0
  /// The `bucketBytes` that a run chooses on such a link, a whole slice at most; 0 where nothing
  /// travels between nodes.
  package internal(set) var bucketBytes = 0
  /// The step with such buckets, if owners of all slices get them equally early.
  package internal(set) var overlappedStep = 0.0

  init(nodes: Int, ranks: Int, shards: Int, batchSize: Int) {
    self.nodes = nodes
    self.ranks = ranks
    self.shards = shards
    self.batchSize = batchSize
  }

  /// The whole step, its parts one after the other.
  package var step: Double { compute + fold + wire + numbers + update }

  /// The examples of a second.
  package var examplesPerSecond: Double { Double(batchSize) / step }

  /// The rate over as many times the rate of one rank as there are ranks.
  package func efficiency(over one: CostPrediction) -> Double {
    examplesPerSecond / (Double(ranks) * one.examplesPerSecond)
  }

  /// An object with all numbers.
  ///
  /// - Parameter one: one rank, for the efficiency.
  package func json(over one: CostPrediction) -> JSONValue {
    .object([
      "nodes": .integer(nodes), "ranks": .integer(ranks), "shards": .integer(shards),
      "batch": .integer(batchSize), "sharded": .bool(isSharded),
      "products": .bool(makesProducts), "step": .number(step),
      "compute": .number(compute),
      "fold": .number(fold), "wire": .number(wire), "numbers": .number(numbers),
      "update": .number(update), "wireBytes": .integer(wireBytes),
      "examplesPerSecond": .number(examplesPerSecond),
      "efficiency": .number(efficiency(over: one)), "memory": .integer(memory),
      "bucketBytes": .integer(bucketBytes), "overlappedStep": .number(overlappedStep),
    ])
  }
}
