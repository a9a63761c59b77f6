extension Convolution {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (x, w) = (inputs[0], inputs[1])
    var y = HostTensor([x.shape[0], w.shape[0]] + window.size(for: x.shape))
    let plane = y.shape[2] * y.shape[3]
    if inputs.count > 2 {
      for index in y.values.indices {
        y.values[index] = inputs[2].values[index / plane % w.shape[0]]
      }
    }
    forEachTap(x.shape, w.shape) { x_, w_, y_ in y.values[y_] += x.values[x_] * w.values[w_] }
    return [y]
  }

  /// Calls `body` with the flat indices in x, w and y of every product x · w that adds to a y.
  fileprivate func forEachTap(
    _ x: [Int], _ w: [Int], _ body: (_ x: Int, _ w: Int, _ y: Int) -> Void
  ) {
    let size = window.size(for: x)
    let (outputs, inputsAGroup) = (w[0], w[1])
    for example in 0..<x[0] {
      for output in 0..<outputs {
        let group = output / (outputs / groups)
        for input in 0..<inputsAGroup {
          let xPlane = (example * x[1] + group * inputsAGroup + input) * x[2] * x[3]
          let wPlane = (output * inputsAGroup + input) * w[2] * w[3]
          let yPlane = (example * outputs + output) * size[0] * size[1]
          window.forEachTap(x[2], x[3]) { position, tap, place in
            body(xPlane + position, wPlane + tap, yPlane + place)
          }
        }
      }
    }
  }
}

extension Window {
  /// The output size for an input shape that the shape inference has accepted.
  func size(for shape: [Int]) -> [Int] {
    (0..<2).map { axis in
      let reach = dilations[axis] * (kernel[axis] - 1) + 1
      return (shape[2 + axis] + paddingLow[axis] + paddingHigh[axis] - reach) / strides[axis] + 1
    }
  }

  /// Calls `body` for every place of the kernel and each of its taps inside the plane, with the flat
  /// indices in the input plane, the kernel and the output plane.
  func forEachTap(
    _ height: Int, _ width: Int, _ body: (_ position: Int, _ tap: Int, _ place: Int) -> Void
  ) {
    let size = size(for: [1, 1, height, width])
    for placeRow in 0..<size[0] {
      for placeColumn in 0..<size[1] {
        for tapRow in 0..<kernel[0] {
          let row = placeRow * strides[0] + tapRow * dilations[0] - paddingLow[0]
          guard row >= 0 && row < height else { continue }
          for tapColumn in 0..<kernel[1] {
            let column = placeColumn * strides[1] + tapColumn * dilations[1] - paddingLow[1]
            guard column >= 0 && column < width else { continue }
            body(
              row * width + column, tapRow * kernel[1] + tapColumn,
              placeRow * size[1] + placeColumn)
          }
        }
      }
    }
  }
}

extension ConvolutionInputGradient {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (dy, w) = (inputs[0], inputs[1])
    var dx = HostTensor(inputShape)
    convolution.forEachTap(inputShape, w.shape) { x_, w_, y_ in
      dx.values[x_] += dy.values[y_] * w.values[w_]
    }
    return [dx]
  }
}

extension ConvolutionWeightGradient {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (x, dy) = (inputs[0], inputs[1])
    var dw = HostTensor(weightShape)
    convolution.forEachTap(x.shape, weightShape) { x_, w_, y_ in
      dw.values[w_] += x.values[x_] * dy.values[y_]
    }
    guard bias else { return [dw] }
    var db = HostTensor([weightShape[0]])
    let plane = dy.shape[2] * dy.shape[3]
    for (index, value) in dy.values.enumerated() {
      db.values[index / plane % weightShape[0]] += value
    }
    return [dw, db]
  }
}
