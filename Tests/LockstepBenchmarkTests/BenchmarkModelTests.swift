import LockstepBenchmark
import LockstepDatasets
import Testing

/// The examples that benchmarks train on.
@Suite struct BenchmarkModelTests {
  private func tokens(
    _ field: ExampleField, of example: Int, in dataset: any ExampleSource
  ) throws -> [Int32] {
    var values = [Int32](repeating: -1, count: field.size)
    try values.withUnsafeMutableBufferPointer {
      try dataset.read(field, of: [example], into: $0)
    }
    return values
  }

  @Test(arguments: [(BenchmarkModel.lstm, 64), (.gpt, 64), (.gptWide, 256)])
  func windowsHaveTheModelsLengthOrAnother(model: BenchmarkModel, length: Int) throws {
    #expect(try model.dataset(count: 3).inputFields[0].shape == [length])
    #expect(try model.dataset(count: 3, sequence: 32).labelFields[0].shape == [32])
  }

  /// Three of four tokens follow from the one before, so that there is something to learn.
  @Test func tokensFollowEachOther() throws {
    let dataset = try BenchmarkModel.gpt.dataset(count: 40)
    var (followed, all) = (0, 0)
    for example in 0..<dataset.count {
      let inputs = try tokens(dataset.inputFields[0], of: example, in: dataset)
      let labels = try tokens(dataset.labelFields[0], of: example, in: dataset)
      #expect(inputs.dropFirst().elementsEqual(labels.dropLast()))
      followed += zip(inputs, labels).count { (7 * $0 + 3) % 65 == $1 }
      all += labels.count
    }
    #expect(abs(Double(followed) / Double(all) - 0.75) < 0.05)
  }

  @Test func imagesHaveNoPositions() throws {
    let error = #expect(throws: BenchmarkModel.NoSequence.self) {
      try BenchmarkModel.cnn.dataset(count: 2, sequence: 8)
    }
    #expect("\(try #require(error))".contains("lstm, gpt, gpt-wide"))
  }
}
