extension Pooling {
  /// Max pooling's second result is the flat index of the maximum in the input plane; of equal
  /// values the first one wins.
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let x = inputs[0]
    let (height, width) = (x.shape[2], x.shape[3])
    let shape = Array(x.shape[..<2]) + window.size(for: x.shape)
    let (planes, inputPlane, outputPlane) = (
      x.shape[0] * x.shape[1], height * width, shape[2] * shape[3]
    )
    switch kind {
    case .maximum:
      let maxima = window.maxima(of: x)
      return [maxima.values, maxima.places]
    case .average:
      var y = HostTensor(shape)
      let divisors = divisors(height, width)
      for plane in 0..<planes {
        window.forEachTap(height, width) { position, _, place in
          y.values[plane * outputPlane + place] +=
            x.values[plane * inputPlane + position] / divisors[place]
        }
      }
      return [y]
    }
  }

  /// What the sum at each place of the window is divided by.
  fileprivate func divisors(_ height: Int, _ width: Int) -> [Double] {
    let size = window.size(for: [1, 1, height, width])
    guard kind == .average(countsPadding: false) else {
      return Array(
        repeating: Double(window.kernel[0] * window.kernel[1]), count: size[0] * size[1])
    }
    var counts = Array(repeating: 0.0, count: size[0] * size[1])
    window.forEachTap(height, width) { _, _, place in counts[place] += 1 }
    return counts
  }
}

extension PoolingGradient {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let dy = inputs[0]
    var dx = HostTensor(inputShape)
    let (height, width) = (inputShape[2], inputShape[3])
    let (inputPlane, outputPlane) = (height * width, dy.shape[2] * dy.shape[3])
    switch pooling.kind {
    case .maximum:
      for (place, value) in dy.values.enumerated() {
        dx.values[place / outputPlane * inputPlane + Int(inputs[1].values[place])] += value
      }
    case .average:
      let divisors = pooling.divisors(height, width)
      for plane in 0..<inputShape[0] * inputShape[1] {
        pooling.window.forEachTap(height, width) { position, _, place in
          dx.values[plane * inputPlane + position] +=
            dy.values[plane * outputPlane + place] / divisors[place]
        }
      }
    }
    return [dx]
  }
}

extension Tensor {
  /// Max pooling with both of its results; the second one's form is its executor's own.
  package func maxPooledWithIndices(_ window: Window) -> [Tensor] {
    graph.apply(Pooling(kind: .maximum, window: window), [self])
  }
}
