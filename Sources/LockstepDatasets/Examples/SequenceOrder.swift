extension Sampler {
  /// The order of a source's examples: sequences of different lengths in batches of one padded length each.
  ///
  /// - Parameters:
  ///   - draws: how examples are drawn, where not each once an epoch.
  ///   - poisson: how batches are drawn, where each example is in one or not by itself.
  /// - Throws: `DatasetError` where a count is not positive, or `dropLast` leaves nothing; where sequences of
  ///   different lengths are to be drawn.
  package convenience init(
    _ source: any ExampleSource, batchSize: Int, seed: UInt64, shuffle: Bool, dropLast: Bool,
    blocks: BlockShuffling? = nil, draws: WeightedDraws? = nil, poisson: PoissonDraws? = nil
  ) throws(DatasetError) {
    let groups = (source as? any PaddedSource).flatMap { ExampleGroups($0) }
    guard draws == nil || groups == nil && shuffle else {
      throw DatasetError(
        "sampling",
        "the examples of '\(source.name)' have an order or lengths that batches keep, and cannot be drawn with "
          + "replacement: leave 'data.sampling' out")
    }
    guard poisson == nil || groups == nil && blocks == nil && draws == nil && shuffle else {
      throw DatasetError(
        "privacy",
        "draws each example by itself, and the examples of '\(source.name)' come in an order, by lengths or by "
          + "weights: give all sequences one length, and leave 'data.sampling', 'data.shuffleBlock' "
          + "and 'data.shuffle' out")
    }
    try self.init(
      count: draws?.count ?? source.count, batchSize: batchSize, seed: seed, shuffle: shuffle,
      dropLast: dropLast, mostInMemory: Self.mostInMemory, groups: groups, blocks: blocks,
      draws: draws, poisson: poisson)
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

extension ExampleSource {
  /// The most examples that a whole batch can have: all, or those of one padded length.
  package var largestBatch: Int {
    (self as? any PaddedSource).flatMap { ExampleGroups($0) }?.sizes.max() ?? count
  }
}
