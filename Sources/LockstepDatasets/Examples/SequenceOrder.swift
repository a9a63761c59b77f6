extension Sampler {
  /// The order of a source's examples: sequences of different lengths in batches of one padded length each.
  ///
  /// - Parameter draws: how examples are drawn, where not each once an epoch.
  /// - Throws: `DatasetError` where a count is not positive, or `dropLast` leaves nothing; where sequences of
  ///   different lengths are to be drawn.
  package convenience init(
    _ source: any ExampleSource, batchSize: Int, seed: UInt64, shuffle: Bool, dropLast: Bool,
    blocks: BlockShuffling? = nil, draws: WeightedDraws? = nil
  ) throws(DatasetError) {
    let groups = (source as? any PaddedSource).flatMap { ExampleGroups($0) }
    guard draws == nil || groups == nil && shuffle else {
      throw DatasetError(
        "sampling",
        "the examples of '\(source.name)' have an order or lengths that batches keep, and cannot be drawn with "
          + "replacement: leave 'data.sampling' out")
    }
    try self.init(
      count: draws?.count ?? source.count, batchSize: batchSize, seed: seed, shuffle: shuffle,
      dropLast: dropLast, mostInMemory: Self.mostInMemory, groups: groups, blocks: blocks,
      draws: draws)
  }
}

extension ExampleGroups {
  /// The groups of a source of sequences; nil where all have one length.
  init?(_ source: any PaddedSource) {
    guard source.padding.values.count > 1 else { return nil }
    var groups = [[Int]](repeating: [], count: source.padding.values.count)
    for example in 0..<source.count { groups[source.bucket(of: example)].append(example) }
    self.init(groups)
  }
}
