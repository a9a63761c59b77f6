// Several shards at once.
//
// Small shards read the weights once each, and write their gradients once each. A plan over the examples
// of several shards does both once for all, and gives the bits of one shard after the other: where
// operations treat examples by themselves, in a way that does not depend on how many there are, and
// where sums over examples are made shard by shard and added as the fold's tree adds shards.

/// An operation that can be run for several shards at once, with the bits of one after the other.
///
/// What it sums over examples it sums for each of ``PlanBuilder/shards``: gradients are added up by the
/// tree, losses and metrics are left as one number a shard.
protocol ShardwiseLowerable: Lowerable {
  /// Whether that holds of a node. Nodes before it are known to be shardwise.
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool
}

extension PlanBuilder {
  /// Whether the program can be run for several shards at once.
  func findShardwise(live: [Int]) -> Bool {
    guard program.gradientCount > 0, program.leaves.count == program.gradientCount else {
      return false
    }
    for (id, leaf) in graph.leaves {
      guard case .input = leaf, type(id).shape.first == graph.batchCount else { continue }
      perExample.insert(id)
    }
    for index in live {
      let node = graph.nodes[index]
      guard let operation = node.operation as? any ShardwiseLowerable,
        operation.isShardwise(Site(node: node, index: index, reads: node.inputs), self)
      else { return false }
      for output in node.outputs where type(output).shape.first == graph.batchCount {
        perExample.insert(output)
      }
    }
    return program.scalars.allSatisfy { graph.values[$0.id].producer != nil }
      && program.outputs.allSatisfy { perExample.contains($0.id) }
      && program.leaves.allSatisfy { leaf in
        guard let leaf else { return true }
        let producer = graph.values[leaf.value].producer
        return leaf.scale == 1
          && producer.map { graph.nodes[$0].operation is any OuterProductGradient } ?? false
      }
  }

  /// Whether each of the values has a row an example.
  func arePerExample(_ values: some Sequence<Graph.ValueID>) -> Bool {
    values.allSatisfy(perExample.contains)
  }

  /// Whether none of the values has.
  func areShared(_ values: some Sequence<Graph.ValueID>) -> Bool {
    !values.contains(where: perExample.contains)
  }

  /// The layout of a scalar: a number a shard.
  func scalars() throws -> MemoryDescriptor { try .plain(shards == 1 ? [] : [shards]) }
}
