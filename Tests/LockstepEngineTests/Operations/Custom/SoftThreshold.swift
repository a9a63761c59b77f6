import LockstepEngine

/// sign(x) · max(|x| − λ, 0) with a λ a column, as a program would write it: with a Float32 computation.
struct SoftThreshold: Float32Operation {
  var name: String { "soft threshold" }
  var precisionRole: PrecisionRole { .exact }

  func infer(_ inputs: [TensorType]) throws -> [TensorType] {
    guard inputs.count == 2, inputs[1].shape == [inputs[0].shape.last ?? 0] else {
      throw GraphError("expects [N, C] and [C], got \(inputs.map(\.shape))")
    }
    return [inputs[0]]
  }

  func reverse(inputs: [Tensor], results: [Tensor], gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return [nil, nil] }
    let parts = dy.graph.apply(SoftThresholdGradient(), [dy, results[0]])
    return [parts[0], parts[1].sum([0])]
  }

  func tangent(inputs: [Tensor], results: [Tensor], tangents: [Tensor?]) -> [Tensor?]? {
    let y = results[0]
    func along(_ part: Int, _ movement: Tensor) -> Tensor {
      y.graph.apply(SoftThresholdGradient(), [movement.broadcast(to: y.shape), y])[part]
    }
    let (x, threshold) = (tangents[0].map { along(0, $0) }, tangents[1].map { along(1, $0) })
    return [x.flatMap { x in threshold.map { x + $0 } } ?? x ?? threshold]
  }

  func evaluate(_ inputs: [HostTensor]) throws -> [HostTensor] {
    let (x, thresholds) = (inputs[0], inputs[1].values)
    return [
      HostTensor(
        x.shape,
        x.values.enumerated().map { index, x in
          let rest = x.magnitude - thresholds[index % thresholds.count]
          return rest > 0 ? (x < 0 ? -rest : rest) : 0
        })
    ]
  }

  func compute(_ inputs: [HostValues], into results: inout [HostValues]) throws {
    let (x, thresholds) = (inputs[0].values, inputs[1].values)
    for index in x.indices {
      let rest = x[index].magnitude - thresholds[index % thresholds.count]
      results[0].values[index] = rest > 0 ? (x[index] < 0 ? -rest : rest) : 0
    }
  }
}

/// From dy and y: dy where y is not zero, and −sign(y) dy. By its reference alone.
struct SoftThresholdGradient: CustomOperation {
  var name: String { "gradient of soft threshold" }
  var precisionRole: PrecisionRole { .exact }
  var resultCount: Int { 2 }

  func infer(_ inputs: [TensorType]) throws -> [TensorType] { [inputs[0], inputs[0]] }

  func reverse(inputs: [Tensor], results: [Tensor], gradients: [Tensor?]) -> [Tensor?] {
    [nil, nil]
  }

  func evaluate(_ inputs: [HostTensor]) throws -> [HostTensor] {
    let pairs = zip(inputs[0].values, inputs[1].values)
    return [
      HostTensor(inputs[0].shape, pairs.map { dy, y in y == 0 ? 0 : dy }),
      HostTensor(inputs[0].shape, pairs.map { dy, y in y == 0 ? 0 : y < 0 ? dy : -dy }),
    ]
  }
}

/// An operation with one mistake.
struct Mistaken: Float32Operation {
  enum Mistake: String, CaseIterable, Sendable {
    case infers, infersTooMany, infersNothing, reversesTooFew, reversesShape, tangentCount
    case evaluatesShape, evaluatesCount, evaluatesTooMany, evaluates
    case computesCount, computesTooFew, computes
  }

  let mistake: Mistake
  var name: String { "mistaken" }
  var precisionRole: PrecisionRole { .exact }

  func infer(_ inputs: [TensorType]) throws -> [TensorType] {
    switch mistake {
    case .infers: throw GraphError("expects better")
    case .infersTooMany: return [inputs[0], inputs[0]]
    case .infersNothing: return [TensorType([0])]
    default: return [inputs[0]]
    }
  }

  func reverse(inputs: [Tensor], results: [Tensor], gradients: [Tensor?]) -> [Tensor?] {
    switch mistake {
    case .reversesTooFew: []
    case .reversesShape: [gradients[0]?.sum([0])]
    default: gradients
    }
  }

  func tangent(inputs: [Tensor], results: [Tensor], tangents: [Tensor?]) -> [Tensor?]? {
    mistake == .tangentCount ? [nil, tangents[0]] : tangents
  }

  func evaluate(_ inputs: [HostTensor]) throws -> [HostTensor] {
    switch mistake {
    case .evaluatesShape: [HostTensor([inputs[0].values.count], inputs[0].values)]
    case .evaluatesCount: [HostTensor(inputs[0].shape, [1])]
    case .evaluatesTooMany: inputs + inputs
    case .evaluates: throw GraphError("no number is good enough")
    default: inputs
    }
  }

  func compute(_ inputs: [HostValues], into results: inout [HostValues]) throws {
    switch mistake {
    case .computesCount: results[0].values.removeLast()
    case .computesTooFew: results = []
    case .computes: throw GraphError("no number is good enough")
    default: results[0].values = inputs[0].values
    }
  }
}
