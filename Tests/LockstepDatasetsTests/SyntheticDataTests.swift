import LockstepDatasets
import Testing

@Suite struct SyntheticDataTests {
  @Test("the same seed makes the same data, another seed other data")
  func seeds() throws {
    let makers: [(UInt64) throws -> Dataset] = [
      { try SyntheticData.blobs(count: 50, features: 3, classes: 4, seed: $0) },
      { try SyntheticData.linear(count: 50, weights: [1, -2], noise: 0.1, seed: $0) },
      { try SyntheticData.images(count: 10, shape: [3, 4, 4], classes: 2, seed: $0) },
    ]
    for make in makers {
      #expect(try make(1).fingerprint == make(1).fingerprint)
      #expect(try make(1).fingerprint != make(2).fingerprint)
    }
  }

  @Test("linear data without noise obeys its weights")
  func linear() throws {
    let data = try SyntheticData.linear(count: 100, weights: [2, -0.5], bias: 3, seed: 4)
    guard case .floats(let x) = data.inputs, case .targets(let y, 1) = data.labels else { return }
    #expect(y.count == 100)
    for row in 0..<100 {
      #expect(abs(y[row] - (2 * x[2 * row] - 0.5 * x[2 * row + 1] + 3)) < 1e-5)
    }
  }

  @Test("points of a blob lie around their class's centre, with the deviation asked for")
  func blobs() throws {
    let data = try SyntheticData.blobs(
      count: 2000, features: 2, classes: 2, deviation: 0.5, seed: 3)
    guard case .floats(let x) = data.inputs else { return }
    #expect(data.strata == (0..<2000).map { $0 % 2 })
    for stratum in 0..<2 {
      for feature in 0..<2 {
        let column = stride(from: 2 * stratum + feature, to: x.count, by: 4).map { Double(x[$0]) }
        let mean = column.reduce(0, +) / 1000
        let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 1000
        #expect(abs(mean) < 10.1)
        #expect(abs(variance - 0.25) < 5 * 0.25 * (2.0 / 1000).squareRoot())
      }
    }
  }

  @Test("counts that make nothing, or too much, are refused")
  func refusals() {
    #expect(throws: DatasetError.self) {
      try SyntheticData.blobs(count: 0, features: 2, classes: 2, seed: 1)
    }
    #expect(throws: DatasetError.self) { try SyntheticData.linear(count: 3, weights: [], seed: 1) }
    #expect(throws: DatasetError.self) {
      try SyntheticData.images(count: 3, shape: [1 << 40, 3], classes: 2, seed: 1)
    }
  }
}
