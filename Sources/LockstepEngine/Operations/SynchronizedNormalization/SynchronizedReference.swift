extension SynchronizedNormalization: JointReferenceOperation {
  package func evaluate(shards inputs: [[HostTensor]]) -> [[HostTensor]] {
    let layouts = inputs.map { Channels($0[0].shape) }
    let count = Double(layouts.reduce(0) { $0 + $1.valuesAChannel })
    func sum(_ term: (Double, Int) -> Double) -> [Double] {
      var sums = Array(repeating: 0.0, count: layouts[0].count)
      for (layout, tensors) in zip(layouts, inputs) {
        for (index, value) in tensors[0].values.enumerated() {
          let c = layout.of(index)
          sums[c] += term(value, c)
        }
      }
      return sums
    }
    let mean = sum { value, _ in value }.map { $0 / count }
    let squares = sum { value, c in (value - mean[c]) * (value - mean[c]) }
    let statistics = [mean, squares.map { $0 / count }, squares.map { $0 / (count - 1) }]
      .map { HostTensor([layouts[0].count], $0) }
    let fixed = FixedNormalization(epsilon: epsilon)
    return inputs.map { inputs in
      fixed.evaluate(inputs + statistics[..<2], ReferenceContext()) + statistics
    }
  }
}

extension SynchronizedNormalizationGradient: JointReferenceOperation {
  package func evaluate(shards inputs: [[HostTensor]]) -> [[HostTensor]] {
    // γ, μ and σ² are the same for all shards.
    let (gamma, mean, variance) = (
      inputs[0][2].values, inputs[0][3].values, inputs[0][4].values
    )
    let layouts = inputs.map { Channels($0[0].shape) }
    let inverse = variance.map { 1 / ($0 + Double(epsilon)).squareRoot() }
    let normalized = zip(layouts, inputs).map { layout, inputs in
      inputs[0].values.enumerated().map { index, value in
        (value - mean[layout.of(index)]) * inverse[layout.of(index)]
      }
    }
    func sum(_ shard: Int, _ term: (Int) -> Double) -> [Double] {
      var sums = Array(repeating: 0.0, count: gamma.count)
      for index in normalized[shard].indices { sums[layouts[shard].of(index)] += term(index) }
      return sums
    }
    let shifts = inputs.indices.map { shard in sum(shard) { inputs[shard][1].values[$0] } }
    let scales = inputs.indices.map { shard in
      sum(shard) { inputs[shard][1].values[$0] * normalized[shard][$0] }
    }
    let count = Double(layouts.reduce(0) { $0 + $1.valuesAChannel })
    let meanGradient = gamma.indices.map { c in shifts.reduce(0) { $0 + $1[c] } / count }
    let meanProduct = gamma.indices.map { c in scales.reduce(0) { $0 + $1[c] } / count }
    return inputs.indices.map { shard in
      let dx = normalized[shard].indices.map { index in
        let c = layouts[shard].of(index)
        return gamma[c] * inverse[c]
          * (inputs[shard][1].values[index] - meanGradient[c]
            - normalized[shard][index] * meanProduct[c])
      }
      return [
        HostTensor(inputs[shard][0].shape, dx), HostTensor([gamma.count], scales[shard]),
        HostTensor([gamma.count], shifts[shard]),
      ]
    }
  }
}
