extension LinearMap {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let product = MatrixProduct(transposeLeft: false, transposeRight: true)
    let y = product.evaluate([inputs[0], inputs[1]], context)[0]
    guard inputs.count > 2 else { return [y] }
    let bias = HostTensor([1, y.shape[1]], inputs[2].values)
    return Binary(kind: .add).evaluate([y, bias], context)
  }
}

extension LinearInputGradient {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    MatrixProduct(transposeLeft: false, transposeRight: false).evaluate(inputs, context)
  }
}

extension LinearWeightGradient {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (x, dy) = (inputs[0], inputs[1])
    let product = MatrixProduct(transposeLeft: true, transposeRight: false)
    let weight = product.evaluate([dy, x], context)
    guard bias else { return weight }
    return weight + [HostTensor([dy.shape[1]], Sum(axes: [0]).evaluate([dy], context)[0].values)]
  }
}
