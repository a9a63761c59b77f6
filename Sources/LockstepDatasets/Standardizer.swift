/// Brings each feature to mean 0 and deviation 1: (x − mean) / deviation, fitted on a training part
/// and applied to every part.
///
/// The deviation is the population's, √(Σ(x − mean)² / n), as scikit-learn's `StandardScaler` takes
/// it; a constant feature is divided by 1. Sums run in Double, in the order of the examples.
package struct Standardizer: Sendable, Equatable {
  /// The mean of each feature.
  package let mean: [Double]
  /// What each feature is divided by.
  package let deviation: [Double]

  /// Fits the means and deviations of a data set of Float32 inputs, over the examples given or all.
  package init(fitting dataset: Dataset, on indices: [Int]? = nil) throws(DatasetError) {
    guard case .floats(let values) = dataset.inputs else {
      throw DatasetError(
        dataset.name, "has inputs of bytes, which carry a normalization of their own")
    }
    let indices = indices ?? Array(0..<dataset.count)
    guard !indices.isEmpty else {
      throw DatasetError(dataset.name, "a standardizer needs at least one example")
    }
    if let index = indices.first(where: { $0 < 0 || $0 >= dataset.count }) {
      throw DatasetError(dataset.name, "has no example \(index); there are \(dataset.count)")
    }
    self.init(fitting: indices, width: dataset.inputSize) { Double(values[$0]) }
  }

  /// Fits the means and deviations of rows of values.
  ///
  /// - Parameters:
  ///   - rows: the numbers of the rows that count, at least one.
  ///   - width: the number of values of a row.
  ///   - value: the value at a place, row · width + feature.
  init(fitting rows: [Int], width: Int, value: (Int) -> Double) {
    let n = Double(rows.count)
    var mean = [Double](repeating: 0, count: width)
    for row in rows {
      for feature in 0..<width { mean[feature] += value(row * width + feature) }
    }
    for feature in 0..<width { mean[feature] /= n }
    var variance = [Double](repeating: 0, count: width)
    for row in rows {
      for feature in 0..<width {
        let difference = value(row * width + feature) - mean[feature]
        variance[feature] += difference * difference
      }
    }
    self.mean = mean
    deviation = (0..<width).map { feature in
      Self.deviation(variance: variance[feature] / n, mean: mean[feature], count: n)
    }
  }

  /// What a feature is divided by: its deviation, or 1 where it is constant but for what rounding
  /// leaves, by scikit-learn's bound.
  static func deviation(variance: Double, mean: Double, count: Double) -> Double {
    let rounding = count * Double.ulpOfOne * mean
    let bound = count * Double.ulpOfOne * variance + rounding * rounding
    return variance <= bound ? 1 : variance.squareRoot()
  }

  /// The data set with standardised inputs.
  package func apply(to dataset: Dataset) throws(DatasetError) -> Dataset {
    guard case .floats(var values) = dataset.inputs, dataset.inputSize == mean.count else {
      throw DatasetError(
        dataset.name,
        "expected \(mean.count) Float32 features to standardise, found inputs of shape "
          + "\(dataset.inputShape)")
    }
    for index in 0..<dataset.count {
      for feature in 0..<mean.count {
        let place = index * mean.count + feature
        values[place] = Float((Double(values[place]) - mean[feature]) / deviation[feature])
      }
    }
    return try Dataset(
      name: dataset.name, inputShape: dataset.inputShape, inputs: .floats(values),
      labels: dataset.labels)
  }
}
