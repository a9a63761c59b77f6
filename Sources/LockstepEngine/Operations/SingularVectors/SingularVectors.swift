internal import CLockstepKernels

/// One round of power iteration towards the largest singular value of a matrix: u = Wv / ‖Wv‖, then
/// v′ = Wᵀu / ‖Wᵀu‖.
///
/// Inputs W [R, C] and v [C]; results u [R] and v′ [C]. A norm below 1e-12 counts as 1e-12, so that a matrix of zeros
/// gives zeros. The results count as constants: neither a gradient nor a derivative goes through them.
package struct SingularVectors: Operation {
  package init() {}

  package var name: String { "singular vectors" }
  package var precisionRole: PrecisionRole { .exact }
  package var outputCount: Int { 2 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let (w, v) = (inputs[0].shape, inputs[1].shape)
    try expect(w.count == 2 && v == [w[1]], "expects [R, C] and [C], got \(w) and \(v)")
    return [TensorType([w[0]]), TensorType(v)]
  }

  package func multiplyAdds(_ inputs: [TensorType], _ outputs: [TensorType]) -> Int {
    2 * inputs[0].count
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? { [nil, nil] }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (w, v) = (rows(of: inputs[0]), inputs[1].values)
    func unit(_ vector: [Double]) -> HostTensor {
      let norm = Self.divisor(ofSquares: vector.reduce(0) { $0 + $1 * $1 })
      return HostTensor([vector.count], vector.map { $0 / norm })
    }
    let left = unit(w.map { row in zip(row, v).reduce(0) { $0 + $1.0 * $1.1 } })
    var right = v.map { _ in 0.0 }
    for (row, factor) in zip(w, left.values) {
      for column in right.indices { right[column] += factor * row[column] }
    }
    return [left, unit(right)]
  }

  /// What a vector is divided by, from the sum of its squares; NaN where that is.
  fileprivate static func divisor(ofSquares squares: Double) -> Double {
    let norm = squares.squareRoot()
    return norm < 1e-12 ? 1e-12 : norm
  }
}

extension SingularVectors: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let operands = try site.inputs.map(plan.plain)
    let (rows, columns) = plan.rows(site.inputs[0])
    let results = [
      plan.define(site.outputs[0], try .plain([rows])),
      plan.define(site.outputs[1], try .plain([columns])),
    ]
    let sums = plan.scratch((rows + columns) * MemoryLayout<Double>.stride)
    let kernels = lockstep_update_kernels_for(lockstep_isa(rawValue: plan.isa.rawValue)).pointee
    let (product, accumulate) = (kernels.matrix_vector, kernels.accumulate_scaled)
    plan.emit(operands + results + [sums], calling: "power iteration") { addresses in
      let (w, v) = (addresses[0].floats, addresses[1].floats)
      let (left, right) = (addresses[2].floats, addresses[3].floats)
      let u = addresses[4].doubles
      let wide = u + rows
      return { _ in
        for column in 0..<columns { wide[column] = Double(v[column]) }
        product(u, w, wide, rows, columns)
        Self.normalize(u, rows, into: left)
        wide.update(repeating: 0, count: columns)
        for row in 0..<rows { accumulate(wide, w + row * columns, u[row], columns) }
        Self.normalize(wide, columns, into: right)
      }
    }
  }

  /// Gives a vector the length 1, and rounds it.
  private static func normalize(
    _ vector: UnsafeMutablePointer<Double>, _ count: Int,
    into result: UnsafeMutablePointer<Float>
  ) {
    var squares = 0.0
    for index in 0..<count { squares += vector[index] * vector[index] }
    let norm = divisor(ofSquares: squares)
    for index in 0..<count {
      vector[index] /= norm
      result[index] = Float(vector[index])
    }
  }
}

extension Tensor {
  /// The singular vectors that a round of power iteration finds for a matrix [R, C] from a right one [C]; constants
  /// for gradients.
  package func singularVectors(from right: Tensor) -> (left: Tensor, right: Tensor) {
    let found = graph.apply(SingularVectors(), [self, right])
    return (found[0], found[1])
  }
}
