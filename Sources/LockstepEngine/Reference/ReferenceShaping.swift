extension Reshape {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    [HostTensor(shape, inputs[0].values)]
  }
}

extension Transpose {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let x = inputs[0]
    let strides = x.strides
    return [x.strided(permutation.map { x.shape[$0] }, by: permutation.map { strides[$0] })]
  }
}

extension Broadcast {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    [inputs[0].broadcast(to: shape)]
  }
}

extension Slice {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let x = inputs[0]
    var shape = x.shape
    shape[axis] = count
    return [x.strided(shape, by: x.strides, from: start * x.strides[axis])]
  }
}

extension Concatenate {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    var shape = inputs[0].shape
    shape[axis] = inputs.reduce(0) { $0 + $1.shape[axis] }
    var result = HostTensor(shape)
    let strides = result.strides
    var start = 0
    for input in inputs {
      let places = positions(of: input.shape, strides: strides, from: start * strides[axis])
      for (place, value) in zip(places, input.values) { result.values[place] = value }
      start += input.shape[axis]
    }
    return [result]
  }
}

extension Sum {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let x = inputs[0]
    var result = HostTensor(x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] })
    let places = positions(of: x.shape, strides: result.broadcastStrides)
    for (place, value) in zip(places, x.values) { result.values[place] += value }
    return [result]
  }
}
