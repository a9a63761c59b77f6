extension MatrixProduct {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (a, b) = (inputs[0], inputs[1])
    let axes = a.shape.count
    let (aRows, aColumns) = (a.shape[axes - 2], a.shape[axes - 1])
    let (bRows, bColumns) = (b.shape[axes - 2], b.shape[axes - 1])
    let (rows, inner) = transposeLeft ? (aColumns, aRows) : (aRows, aColumns)
    let columns = transposeRight ? bRows : bColumns
    let batches = a.shape.dropLast(2).reduce(1, *)
    var result = HostTensor(a.shape.dropLast(2) + [rows, columns])
    for batch in 0..<batches {
      for row in 0..<rows {
        for column in 0..<columns {
          var sum = 0.0
          for k in 0..<inner {
            let left = transposeLeft ? k * aColumns + row : row * aColumns + k
            let right = transposeRight ? column * bColumns + k : k * bColumns + column
            sum +=
              a.values[batch * aRows * aColumns + left]
              * b.values[batch * bRows * bColumns + right]
          }
          result.values[(batch * rows + row) * columns + column] = sum
        }
      }
    }
    return [result]
  }
}

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
