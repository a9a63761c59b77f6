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
