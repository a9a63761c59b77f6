import LockstepFiles

// What is found by going over raw examples: means, deviations and hashes.
//
// Of arrays that take more than a limit this is found on some examples, evenly spaced: a start must not
// take the longer the more data there is. Where examples are kept changes nothing.

extension RawExamples {
  /// Whether the examples are so many that hashes and means are taken of some.
  var isLarge: Bool { isLarge(count) }

  private func isLarge(_ count: Int) -> Bool {
    count > StoredArray.memoryLimit / max(exampleSize, 1)
  }

  /// The largest number of bytes that means and deviations are taken of, where not of all.
  private static var sampleSize: Int { 1 << 26 }

  /// The examples that means and deviations are taken of.
  func sample(_ rows: [Int]) -> [Int] {
    let most = max(Self.sampleSize / max(exampleSize, 1), 1)
    guard isLarge(rows.count), rows.count > most else { return rows }
    return (0..<most).map { rows[Self.spaced($0, of: most, in: rows.count)] }
  }

  /// The place of one of some evenly spaced ones, the first and the last among them.
  private static func spaced(_ index: Int, of count: Int, in total: Int) -> Int {
    let (whole, rest) = (total - 1).quotientAndRemainder(dividingBy: max(count - 1, 1))
    return whole * index + rest * index / max(count - 1, 1)
  }

  /// The mean and the deviation of each channel, over the values of some examples.
  func fitted(_ rows: [Int]) throws(FileError) -> ArrayDescription.Normalization {
    let rows = sample(rows)
    return format.element == .uint8 ? try fittedBytes(rows) : try fittedNumbers(rows)
  }

  private func fittedBytes(_ rows: [Int]) throws(FileError) -> ArrayDescription.Normalization {
    let channels = shape[0]
    let plane = valueCount / channels
    // Counts of the 256 values give exact sums.
    var counts = [Int](repeating: 0, count: channels * 256)
    try forEach(rows) { _, bytes in
      for channel in 0..<channels {
        for place in channel * plane..<(channel + 1) * plane {
          counts[channel * 256 + Int(bytes[place])] += 1
        }
      }
    }
    let n = Double(rows.count * plane)
    let pairs = (0..<channels).map { channel -> (Double, Double) in
      let histogram = counts[channel * 256..<(channel + 1) * 256].map(Double.init)
      let mean = histogram.enumerated().reduce(0) { $0 + $1.element * Double($1.offset) } / n
      let variance =
        histogram.enumerated().reduce(0) { sum, bin in
          let difference = Double(bin.offset) - mean
          return sum + bin.element * difference * difference
        } / n
      return (
        mean / 255,
        histogram.count { $0 > 0 } == 1 ? 1 : variance.squareRoot() / 255
      )
    }
    return .init(mean: pairs.map(\.0), deviation: pairs.map(\.1))
  }

  private func fittedNumbers(_ rows: [Int]) throws(FileError) -> ArrayDescription.Normalization {
    let channels = shape[0]
    let plane = valueCount / channels
    let n = Double(rows.count * plane)
    var mean = [Double](repeating: 0, count: channels)
    try forEach(rows) { example, bytes throws(FileError) in
      var fault: (place: Int, number: Double)?
      for channel in 0..<channels {
        format.forEach(bytes, channel * plane..<(channel + 1) * plane) { place, number in
          mean[channel] += number
          if !Float(number).isFinite, fault == nil { fault = (place, number) }
        }
      }
      if let fault { throw notFinite(example, fault.place, fault.number) }
    }
    for channel in 0..<channels { mean[channel] /= n }
    var variance = [Double](repeating: 0, count: channels)
    try forEach(rows) { _, bytes in
      for channel in 0..<channels {
        format.forEach(bytes, channel * plane..<(channel + 1) * plane) { _, number in
          let difference = number - mean[channel]
          variance[channel] += difference * difference
        }
      }
    }
    return .init(
      mean: mean,
      deviation: (0..<channels).map { channel in
        Standardizer.deviation(variance: variance[channel] / n, mean: mean[channel], count: n)
      })
  }

  /// The error about a value that no Float32 number is.
  func notFinite(_ example: Int, _ place: Int, _ number: Double) -> FileError {
    FileError(
      path: name, kind: .corrupt,
      reason: "example \(example + 1)" + (valueCount == 1 ? "" : ", value \(place + 1)")
        + ": \(number) is "
        + (number.isFinite ? "out of the range of Float32" : "not a finite number"))
  }

  /// A hash of examples: of all, or, of more than 64 KiB where there is much data, of the first ones.
  func fingerprint(_ rows: ArraySlice<Int>) throws(FileError) -> Fingerprint {
    var stream = FingerprintStream()
    let most = max((1 << 16) / max(exampleSize, 1), 1)
    let rows = isLarge ? rows.prefix(most) : rows
    var numbers = [Double](repeating: 0, count: format.element == .uint8 ? 0 : valueCount)
    try forEach(rows) { _, bytes in
      guard !numbers.isEmpty else { return stream.update(bytes) }
      numbers.withUnsafeMutableBufferPointer { format.decode(bytes, into: $0) }
      numbers.withUnsafeBytes { stream.update($0) }
    }
    return stream.fingerprint
  }
}
