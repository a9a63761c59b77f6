import LockstepDatasets
import Testing

@Suite struct StandardizerTests {
  private func data(_ values: [Float], width: Int) throws -> Dataset {
    try Dataset(
      name: "d", inputShape: [width], inputs: .floats(values),
      labels: .classes([Int32](repeating: 0, count: values.count / width), count: 1))
  }

  private func values(_ data: Dataset) -> [Float] {
    if case .floats(let values) = data.inputs { values } else { [] }
  }

  @Test("what is standardised has mean 0 and population deviation 1, feature by feature")
  func moments() throws {
    let raw = try SyntheticData.linear(count: 500, weights: [1, 2, 3], seed: 1)
    let shifted = try data(
      values(raw).enumerated().map { index, value in
        value * [1, 1000, 1e-4][index % 3] + [0, -500, 3][index % 3]
      }, width: 3)
    let result = values(try Standardizer(fitting: shifted).apply(to: shifted)).map(Double.init)
    for feature in 0..<3 {
      let column = stride(from: feature, to: result.count, by: 3).map { result[$0] }
      let mean = column.reduce(0, +) / 500
      let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 500
      #expect(abs(mean) < 1e-6)
      #expect(abs(variance - 1) < 1e-5)
    }
  }

  @Test("the deviation is the population's, not the sample's")
  func population() throws {
    let scaler = try Standardizer(fitting: try data([1, 3], width: 1))
    #expect(scaler.mean == [2])
    #expect(scaler.deviation == [1])
  }

  @Test("means and deviations of the breast-cancer features, as NumPy computes them")
  func reference() throws {
    let scaler = try Standardizer(fitting: try EmbeddedData.breastCancer())
    for (feature, mean, deviation) in [
      (0, 14.127291739894552, 3.520950760711062), (3, 654.8891036906855, 351.60475406323),
      (19, 0.0037949038664323374, 0.0026437447504047374),
      (29, 0.0839458172231986, 0.01804538930859499),
    ] {
      // Features are rounded to Float32 before the fit.
      #expect(abs(scaler.mean[feature] - mean) < 1e-7 * mean)
      #expect(abs(scaler.deviation[feature] - deviation) < 1e-7 * deviation)
    }
  }

  @Test("the fit sees the training part alone")
  func trainingPart() throws {
    let all = try data([1, 3, 1000, 5], width: 1)
    let part = try Standardizer(fitting: all, on: [0, 1, 3])
    #expect(part == (try Standardizer(fitting: try all.subset([0, 1, 3]))))
    #expect(part.mean == [3])
    #expect(part != (try Standardizer(fitting: all)))
    #expect(values(try part.apply(to: all)).count == 4)
  }

  @Test("constant features, whatever rounding makes of them, are divided by 1")
  func constants() throws {
    let columns: [Float] = [0, 0.1, 1e-20, 1234.567]
    let constant = try data([Float](repeating: 0, count: 100).flatMap { _ in columns }, width: 4)
    let scaler = try Standardizer(fitting: constant)
    #expect(scaler.deviation == [1, 1, 1, 1])
    #expect(values(try scaler.apply(to: constant)).allSatisfy { abs($0) < 1e-12 })
  }

  @Test("other inputs are refused")
  func refusals() throws {
    let scaler = try Standardizer(fitting: try data([1, 2], width: 2))
    #expect(throws: DatasetError.self) { try scaler.apply(to: try data([1, 2, 3], width: 3)) }
    let bytes = try Dataset(
      name: "b", inputShape: [2], inputs: .bytes([1, 2], .unit), labels: .classes([0], count: 1))
    #expect(throws: DatasetError.self) { try scaler.apply(to: bytes) }
    #expect(throws: DatasetError.self) { try Standardizer(fitting: bytes) }
    #expect(throws: DatasetError.self) {
      try Standardizer(fitting: try data([1], width: 1), on: [])
    }
    #expect(throws: DatasetError.self) {
      try Standardizer(fitting: try data([1], width: 1), on: [1])
    }
  }
}
