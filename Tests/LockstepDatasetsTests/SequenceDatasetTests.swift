import LockstepDatasets
import Testing

@Suite struct SequenceDatasetTests {
  private static let lengths = [3, 1, 7, 4, 8, 2, 5, 16, 6, 3, 12, 9, 2, 2, 1]

  private func sequences(
    padding: [Int] = [4, 8, 16], labelsPositions: Bool = false
  ) throws -> SequenceDataset {
    let starts = Self.lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    let steps = starts[starts.count - 1]
    return try SequenceDataset(
      name: "sequences", width: 2, values: (0..<2 * steps).map { Float($0) }, starts: starts,
      labels: .classes(
        [Int32](repeating: 1, count: labelsPositions ? steps : Self.lengths.count), count: 2),
      labelsPositions: labelsPositions, padding: try #require(PaddedLengths(padding)))
  }

  @Test("inputs, lengths and labels of a padded length")
  func fields() throws {
    let source = try sequences(labelsPositions: true).padded(toBucket: 0)
    #expect(source.inputFields.map(\.shape) == [[4, 2], []])
    var inputs = [Float](repeating: -1, count: 16)
    try inputs.withUnsafeMutableBufferPointer {
      try source.read(source.inputFields[0], of: [1, 3][...], into: $0)
    }
    #expect(inputs == [6, 7, 0, 0, 0, 0, 0, 0, 22, 23, 24, 25, 26, 27, 28, 29])
    var lengths = [Int32](repeating: 0, count: 2)
    try lengths.withUnsafeMutableBufferPointer {
      try source.read(source.inputFields[1], of: [1, 3][...], into: $0)
    }
    #expect(lengths == [1, 4])
    var labels = [Int32](repeating: 9, count: 4)
    try labels.withUnsafeMutableBufferPointer {
      try source.read(source.labelFields[0], of: [0][...], into: $0)
    }
    #expect(labels == [1, 1, 1, -1])
  }

  @Test("a sequence that is longer than its padding is refused")
  func tooLong() throws {
    let source = try sequences().padded(toBucket: 0)
    var inputs = [Float](repeating: -1, count: 8)
    #expect(throws: DatasetError.self) {
      try inputs.withUnsafeMutableBufferPointer {
        try source.read(source.inputFields[0], of: [2][...], into: $0)
      }
    }
    #expect(throws: DatasetError.self) { try sequences(padding: [4, 8]) }
    #expect(PaddedLengths([4, 4]) == nil && PaddedLengths([]) == nil && PaddedLengths([0]) == nil)
  }

  private func epoch(
    _ source: SequenceDataset, seed: UInt64, _ epoch: Int, dropLast: Bool = false
  ) throws -> [[Int]] {
    let sampler = try Sampler(
      source, batchSize: 2, seed: seed, shuffle: true, dropLast: dropLast)
    while sampler.epoch < epoch { sampler.advance() }
    var batches: [[Int]] = []
    while sampler.epoch == epoch {
      batches.append(Array(try sampler.batch()))
      let next = sampler.next()
      sampler.advance()
      #expect(Array(next.examples) == Array(try sampler.batch()))
      #expect(next.epoch == sampler.epoch)
    }
    #expect(batches.count == sampler.batchesPerEpoch)
    #expect(batches.flatMap { $0 } == sampler.order(ofEpoch: epoch))
    return batches
  }

  @Test("a batch has sequences of one padded length, and an epoch has all of them once")
  func batches() throws {
    let source = try sequences()
    let batches = try epoch(source, seed: 5, 1)
    for batch in batches { #expect(Set(batch.map(source.bucket)).count == 1) }
    #expect(batches.flatMap { $0 }.sorted() == Array(0..<source.count))
    // Both batches and their members are shuffled, anew in each epoch, by the seed alone.
    #expect(batches.map { source.bucket(of: $0[0]) } != [0, 0, 0, 0, 1, 1, 2, 2])
    #expect(try epoch(source, seed: 5, 1) == batches)
    #expect(try epoch(source, seed: 5, 2) != batches)
    #expect(try epoch(source, seed: 6, 1) != batches)
    #expect(try epoch(source, seed: 5, 1, dropLast: true).allSatisfy { $0.count == 2 })
  }

  @Test("the sizes of batches are those that epochs have")
  func sizes() throws {
    let source = try sequences()
    let sampler = try Sampler(source, batchSize: 2, seed: 1, shuffle: true, dropLast: false)
    #expect(
      Set(sampler.batchSizes(ofSteps: 1)) == Set(try epoch(source, seed: 1, 0).map(\.count)))
    #expect(throws: DatasetError.self) {
      try Sampler(source, batchSize: 9, seed: 1, shuffle: true, dropLast: true)
    }
  }
}
