/// Each row of x [N, C] by its own statistics: y = (x − μ) r · γ + β with r = 1 / √(σ² + ε).
///
/// μ is the row's mean and σ² the mean of (x − μ)²; where rows are not centred μ is 0, so that σ² is the mean
/// of squares. Inputs x, γ [C], and β [C] where rows are centred; results y, μ [N], r [N]. No gradient flows
/// through the last two.
package struct RowNormalization: Operation {
  package let epsilon: Float
  /// Whether the mean is taken away, and β added: layer normalisation; else RMS normalisation.
  package let centers: Bool
  package var name: String { centers ? "layer normalization" : "RMS normalization" }
  package var precisionRole: PrecisionRole { .neutral }
  package var outputCount: Int { 3 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let x = inputs[0].shape
    try expect(x.count == 2, "expects [N, C], got \(x)")
    try expect(
      inputs.dropFirst().allSatisfy { $0.shape == [x[1]] },
      "expects a scale\(centers ? " and a shift" : "") of [\(x[1])], got "
        + inputs.dropFirst().map { "\($0.shape)" }.joined(separator: " and "))
    try expect(epsilon >= 0 && epsilon.isFinite, "epsilon must be at least 0, got \(epsilon)")
    return [inputs[0], TensorType([x[0]]), TensorType([x[0]])]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return call.inputs.map { _ in nil } }
    let parts = dy.graph.apply(
      RowNormalizationGradient(centers: centers),
      [dy, call.inputs[0], call.inputs[1], call.outputs[1], call.outputs[2]])
    return Array(parts.prefix(call.inputs.count))
  }

  /// ẏ = γ ṅ + γ̇ n + β̇ with n = (x − μ) r and ṅ = r (ẋ − ⟨ẋ⟩ − n ⟨ẋ n⟩), means being over rows.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    let (x, gamma) = (call.inputs[0], call.inputs[1])
    let column = [x.shape[0], 1]
    let inverse = call.outputs[2].reshaped(to: column)
    let normal = (x - call.outputs[1].reshaped(to: column)) * inverse
    // A division by the number is exact where a product with its inverse is not.
    let count = x.graph.constant(Float(x.shape[1]), [1, 1])
    func mean(_ values: Tensor) -> Tensor { values.sum([1], keepDimensions: true) / count }
    var sum: Tensor?
    if let dx = tangents[0] {
      let centred = centers ? dx - mean(dx) : dx
      sum = gamma * inverse * (centred - normal * mean(dx * normal))
    }
    if let scale = tangents[1] { sum = sumOfTangents(sum, scale * normal) }
    if centers, let shift = tangents[2] {
      sum = sumOfTangents(sum, shift.reshaped(to: [1, x.shape[1]]).broadcast(to: x.shape))
    }
    return [sum, nil, nil]
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (x, gamma) = (inputs[0], inputs[1].values)
    let beta = centers ? inputs[2].values : gamma.map { _ in 0 }
    let (rows, columns) = (rows(of: x), Double(x.shape[1]))
    let means = rows.map { centers ? $0.reduce(0, +) / columns : 0 }
    let inverses = zip(rows, means).map { row, mean in
      1
        / (row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / columns + Double(epsilon))
        .squareRoot()
    }
    let y = rows.indices.flatMap { row in
      rows[row].indices.map { (rows[row][$0] - means[row]) * inverses[row] * gamma[$0] + beta[$0] }
    }
    return [
      HostTensor(x.shape, y), HostTensor([rows.count], means), HostTensor([rows.count], inverses),
    ]
  }
}

/// dx, dγ, dβ of a row normalisation, from dy, x, γ, μ, r.
///
/// With d = dy γ and n = (x − μ) r: dx = r (d − ⟨d⟩ − n ⟨d n⟩), means being over rows and ⟨d⟩ left out where
/// rows are not centred; dγ = Σ dy n and dβ = Σ dy over rows.
package struct RowNormalizationGradient: Operation {
  package let centers: Bool
  package var name: String { "gradient of \(RowNormalization(epsilon: 0, centers: centers).name)" }
  package var precisionRole: PrecisionRole { .neutral }
  package var outputCount: Int { 3 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    [inputs[1], inputs[2], inputs[2]]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (x, gamma) = (inputs[1], inputs[2].values)
    let columns = x.shape[1]
    var dx: [Double] = []
    var (scale, shift) = ([Double](repeating: 0, count: columns), gamma.map { _ in 0.0 })
    for (row, (dy, x)) in zip(rows(of: inputs[0]), rows(of: x)).enumerated() {
      let (mean, inverse) = (inputs[3].values[row], inputs[4].values[row])
      let n = x.map { ($0 - mean) * inverse }
      let d = zip(dy, gamma).map { $0 * $1 }
      let constant = centers ? d.reduce(0, +) / Double(columns) : 0
      let slope = zip(d, n).reduce(0) { $0 + $1.0 * $1.1 } / Double(columns)
      for i in 0..<columns {
        dx.append(inverse * (d[i] - constant - n[i] * slope))
        scale[i] += dy[i] * n[i]
        shift[i] += dy[i]
      }
    }
    return [HostTensor(x.shape, dx), HostTensor([columns], scale), HostTensor([columns], shift)]
  }
}

extension Tensor {
  /// The last axes, those of `scale`, by their own mean and variance, then scaled and shifted.
  /// PyTorch's `layer_norm`.
  public func layerNormalized(_ scale: Tensor, _ shift: Tensor, epsilon: Float = 1e-5) -> Tensor {
    normalizedByRow([scale, shift], epsilon: epsilon, centers: true)
  }

  /// The last axes, those of `scale`, by the root of their mean square, then scaled. PyTorch's
  /// `rms_norm`.
  public func rmsNormalized(_ scale: Tensor, epsilon: Float = 0x1p-23) -> Tensor {
    normalizedByRow([scale], epsilon: epsilon, centers: false)
  }

  private func normalizedByRow(_ affine: [Tensor], epsilon: Float, centers: Bool) -> Tensor {
    let axes = affine[0].shape
    guard !axes.isEmpty, axes.count < shape.count, Array(shape.suffix(axes.count)) == axes else {
      graph.fail(
        "\(RowNormalization(epsilon: epsilon, centers: centers).name): the last axes of \(shape) are "
          + "not \(axes)")
      return self
    }
    let columns = TensorType(axes).count
    return graph.apply(
      RowNormalization(epsilon: epsilon, centers: centers),
      [reshaped(to: [-1, columns])] + affine.map { $0.reshaped(to: [columns]) }
    )[0].reshaped(to: shape)
  }
}
