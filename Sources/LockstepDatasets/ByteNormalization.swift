/// How the grey values 0...255 of an image become numbers: (v / 255 − mean) / deviation, a channel at
/// a time.
///
/// The values are computed once, in the order of operations of PyTorch's `ToTensor` and `Normalize`
/// and so with their bits; copying is a look-up.
public struct ByteNormalization: Sendable, Equatable {
  /// What is subtracted, a value a channel; one value holds for all channels.
  package let mean: [Float]
  /// What is divided by, a value a channel; one value holds for all channels.
  package let deviation: [Float]

  /// The normalised value of each grey value, 256 a channel.
  let table: [Float]

  /// - Throws: `DatasetError` where the counts differ, a mean is not finite, or a deviation is not
  ///   positive and finite.
  public init(mean: [Float], deviation: [Float]) throws(DatasetError) {
    guard !mean.isEmpty, mean.count == deviation.count else {
      throw DatasetError(
        "normalization",
        "expected as many means as deviations, found \(mean.count) and "
          + "\(deviation.count)")
    }
    guard mean.allSatisfy(\.isFinite), deviation.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw DatasetError(
        "normalization",
        "expected finite means and positive deviations, found \(mean) and "
          + "\(deviation)")
    }
    self.init(checkedMean: mean, deviation: deviation)
  }

  private init(checkedMean mean: [Float], deviation: [Float]) {
    self.mean = mean
    self.deviation = deviation
    table = zip(mean, deviation).flatMap { mean, deviation in
      (0..<256).map { (Float($0) / 255 - mean) / deviation }
    }
  }

  /// This normalisation, and then another one of its results.
  func followed(by next: ByteNormalization) -> ByteNormalization {
    let channels = max(mean.count, next.mean.count)
    func value(_ values: [Float], _ channel: Int) -> Float {
      values[values.count == 1 ? 0 : channel]
    }
    var (means, deviations, entries): ([Float], [Float], [Float]) = ([], [], [])
    for channel in 0..<channels {
      let (m, d) = (value(next.mean, channel), value(next.deviation, channel))
      means.append(value(mean, channel) + value(deviation, channel) * m)
      deviations.append(value(deviation, channel) * d)
      let start = (mean.count == 1 ? 0 : channel) * 256
      entries += table[start..<start + 256].map { ($0 - m) / d }
    }
    return ByteNormalization(mean: means, deviation: deviations, table: entries)
  }

  private init(mean: [Float], deviation: [Float], table: [Float]) {
    self.mean = mean
    self.deviation = deviation
    self.table = table
  }

  /// v / 255.
  public static let unit = ByteNormalization(checkedMean: [0], deviation: [1])
  /// MNIST's usual mean and deviation: (v / 255 − 0.1307) / 0.3081.
  public static let mnist = ByteNormalization(checkedMean: [0.1307], deviation: [0.3081])
}
