extension BatchNormalization {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let x = inputs[0]
    let channels = Channels(x.shape)
    let mean = channels.mean(x.values)
    let variance = channels.mean(
      x.values.enumerated().map { index, value in
        let deviation = value - mean[channels.of(index)]
        return deviation * deviation
      })
    let statistics = [mean, variance].map { HostTensor([channels.count], $0) }
    let fixed = FixedNormalization(epsilon: epsilon)
    return fixed.evaluate(inputs + statistics, context) + statistics
  }
}

extension FixedNormalization {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (x, gamma, beta, mean, variance) = (
      inputs[0], inputs[1].values, inputs[2].values, inputs[3].values, inputs[4].values
    )
    let channels = Channels(x.shape)
    let values = x.values.enumerated().map { index, value in
      let c = channels.of(index)
      return gamma[c] * (value - mean[c]) / (variance[c] + Double(epsilon)).squareRoot() + beta[c]
    }
    return [HostTensor(x.shape, values)]
  }
}

extension BatchNormalizationGradient {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (x, dy, gamma, mean, variance) = (
      inputs[0], inputs[1], inputs[2].values, inputs[3].values, inputs[4].values
    )
    let channels = Channels(x.shape)
    let inverse = variance.map { 1 / ($0 + Double(epsilon)).squareRoot() }
    let normalized = x.values.enumerated().map { index, value in
      (value - mean[channels.of(index)]) * inverse[channels.of(index)]
    }
    let products = zip(dy.values, normalized).map { $0 * $1 }
    let (meanGradient, meanProduct) = (channels.mean(dy.values), channels.mean(products))
    let dx = x.values.indices.map { index in
      let c = channels.of(index)
      return gamma[c] * inverse[c]
        * (dy.values[index] - meanGradient[c] - normalized[index] * meanProduct[c])
    }
    let valuesAChannel = Double(channels.valuesAChannel)
    return [
      HostTensor(x.shape, dx),
      HostTensor([channels.count], meanProduct.map { $0 * valuesAChannel }),
      HostTensor([channels.count], meanGradient.map { $0 * valuesAChannel }),
    ]
  }
}

/// Which channel of [N, C, …] a flat index belongs to.
struct Channels {
  let count: Int
  let plane: Int
  let valuesAChannel: Int

  init(_ shape: [Int]) {
    count = shape[1]
    plane = shape[2...].reduce(1, *)
    valuesAChannel = shape[0] * plane
  }

  func of(_ index: Int) -> Int { index / plane % count }

  func mean(_ values: [Double]) -> [Double] {
    var sums = Array(repeating: 0.0, count: count)
    for (index, value) in values.enumerated() { sums[of(index)] += value }
    return sums.map { $0 / Double(valuesAChannel) }
  }
}
