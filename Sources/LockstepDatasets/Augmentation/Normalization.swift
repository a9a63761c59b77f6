extension Dataset {
  /// The data set with inputs (x − mean) / deviation, a channel (the first axis) at a time. What was
  /// black becomes (black − mean) / deviation too, so that moving an image and normalising it commute.
  ///
  /// - Parameters:
  ///   - mean: a value a channel, or one for all.
  ///   - deviation: as many, positive.
  /// - Throws: ``DatasetError`` where counts do not fit, a mean is not finite, or a deviation is not
  ///   positive and finite.
  public func normalized(mean: [Float], deviation: [Float]) throws(DatasetError) -> Dataset {
    let normalization = try ByteNormalization(mean: mean, deviation: deviation)
    let channels = normalization.mean.count
    guard channels == 1 || channels == inputShape.first else {
      throw DatasetError(
        name,
        "the normalization has \(channels) channels, the inputs have the shape \(inputShape)")
    }
    var result: Dataset
    switch inputs {
    case .bytes(let values, let first):
      result = try Dataset(
        name: name, inputShape: inputShape,
        inputs: .bytes(values, first.followed(by: normalization)),
        labels: labels)
    case .floats(var values):
      let size = inputSize / channels
      for index in values.indices {
        let channel = index / size % channels
        values[index] = (values[index] - mean[channel]) / deviation[channel]
      }
      let count = max(channels, blank.count)
      result = try Dataset(
        name: name, inputShape: inputShape, inputs: .floats(values), labels: labels,
        blank: (0..<count).map { channel in
          let place = channels == 1 ? 0 : channel
          return (blank[blank.count == 1 ? 0 : channel] - mean[place]) / deviation[place]
        })
    }
    result.labelFile = labelFile
    return result
  }
}
