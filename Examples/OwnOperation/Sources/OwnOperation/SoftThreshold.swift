import Lockstep

/// y = sign(x) · max(|x| − λ, 0) for x [N, C] and a threshold λ ≥ 0 for each of C features: what is small
/// becomes zero, and the rest moves towards it.
struct SoftThreshold: Float32Operation {
  var name: String { "soft threshold" }
  var precisionRole: PrecisionRole { .exact }

  func infer(_ inputs: [TensorType]) throws -> [TensorType] {
    guard inputs.count == 2, inputs[0].shape.count == 2, inputs[1].shape == [inputs[0].shape[1]]
    else { throw GraphError("expects [N, C] and [C], got \(inputs.map(\.shape))") }
    return [inputs[0]]
  }

  func reverse(inputs: [Tensor], results: [Tensor], gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return [nil, nil] }
    let parts = dy.graph.apply(SoftThresholdGradient(), [dy, results[0]])
    return [parts[0], parts[1].sum([0])]
  }

  func evaluate(_ inputs: [HostTensor]) throws -> [HostTensor] {
    let (x, thresholds) = (inputs[0], inputs[1].values)
    let values = x.values.enumerated().map { index, x in
      let rest = x.magnitude - thresholds[index % thresholds.count]
      return rest > 0 ? (x < 0 ? -rest : rest) : 0
    }
    return [HostTensor(x.shape, values)]
  }

  func compute(_ inputs: [HostValues], into results: inout [HostValues]) throws {
    let (x, thresholds) = (inputs[0].values, inputs[1].values)
    for index in x.indices {
      let rest = x[index].magnitude - thresholds[index % thresholds.count]
      results[0].values[index] = rest > 0 ? (x[index] < 0 ? -rest : rest) : 0
    }
  }
}

/// From dy and y: what reaches x, and what each value adds to the gradient of λ.
struct SoftThresholdGradient: CustomOperation {
  var name: String { "gradient of soft threshold" }
  var precisionRole: PrecisionRole { .exact }
  var resultCount: Int { 2 }

  func infer(_ inputs: [TensorType]) throws -> [TensorType] { [inputs[0], inputs[0]] }

  func reverse(inputs: [Tensor], results: [Tensor], gradients: [Tensor?]) -> [Tensor?] {
    [nil, nil]  // a gradient is not differentiated once more
  }

  func evaluate(_ inputs: [HostTensor]) throws -> [HostTensor] {
    let pairs = zip(inputs[0].values, inputs[1].values)
    return [
      HostTensor(inputs[0].shape, pairs.map { dy, y in y == 0 ? 0 : dy }),
      HostTensor(inputs[0].shape, pairs.map { dy, y in y == 0 ? 0 : y < 0 ? dy : -dy }),
    ]
  }
}
