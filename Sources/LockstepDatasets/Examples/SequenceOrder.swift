extension Sampler {
  /// The order of a source's examples: sequences of different lengths in batches of one padded length each.
  ///
  /// - Throws: `DatasetError` where a count is not positive, or `dropLast` leaves nothing.
  package convenience init(
    _ source: any ExampleSource, batchSize: Int, seed: UInt64, shuffle: Bool, dropLast: Bool,
    blocks: BlockShuffling? = nil
  ) throws(DatasetError) {
    try self.init(
      count: source.count, batchSize: batchSize, seed: seed, shuffle: shuffle, dropLast: dropLast,
      mostInMemory: Self.mostInMemory,
      groups: (source as? any PaddedSource).flatMap { ExampleGroups($0) },
      blocks: blocks)
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
