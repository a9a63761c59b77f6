internal import CLockstepKernels
internal import COneDNN

extension LinearWeightGradient: ExampleContraction {
  package var linearInput: Int { 1 }
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] { results.map { _ in .total } }
  package func exampleNorms(of results: [Int], examples: Int) -> any Operation {
    LinearExampleNorms(
      examples: examples, weight: results.contains(0), bias: results.contains(1))
  }
}

/// The norm of each example's gradient of a linear map by weight and bias, [N], from x [N · k, in] and
/// dy [N · k, out].
///
/// Of one row an example ‖dy xᵀ‖² = ‖x‖² ‖dy‖², without the product. Of k rows it is Σ_t Σ_s (x_t · x_s)
/// (dy_t · dy_s), in Double, since terms of both signs may nearly cancel; or the product is made, where that is
/// faster.
///
/// Source: I. Goodfellow, "Efficient per-example gradient computations", 2015; X. Li et al., "Large language
/// models can be strong differentially private learners", ICLR 2022.
package struct LinearExampleNorms: Operation {
  package let examples: Int
  /// Whether the gradient by the weight counts, and that by the bias.
  package let weight: Bool
  package let bias: Bool
  package var name: String { "norms of linear" }
  package var precisionRole: PrecisionRole { .exact }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      inputs[0].shape.count == 2 && inputs[1].shape.count == 2
        && inputs[0].shape[0] == inputs[1].shape[0] && inputs[0].shape[0] % examples == 0,
      "expects x and dy with as many rows, a multiple of \(examples)")
    return [TensorType([examples])]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (x, dy) = (rows(of: inputs[0]), rows(of: inputs[1]))
    let k = x.count / examples
    let norms = (0..<examples).map { example in
      let rows = example * k..<(example + 1) * k
      var squares = 0.0
      for o in dy[0].indices {
        if weight {
          for i in x[0].indices {
            let value = rows.reduce(0) { $0 + dy[$1][o] * x[$1][i] }
            squares += value * value
          }
        }
        let sum = rows.reduce(0) { $0 + dy[$1][o] }
        if bias { squares += sum * sum }
      }
      return squares.squareRoot()
    }
    return [HostTensor([examples], norms)]
  }

  /// Whether the scalar products of rows are faster than the gradient itself: half of k² of them in Double, at about
  /// a fifth of the rate of products of matrices.
  static func takesProducts(rows k: Int, _ inputs: Int, _ outputs: Int) -> Bool {
    5 * k * (inputs + outputs) <= 2 * inputs * outputs
  }
}

extension LinearExampleNorms: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (x, dy) = (try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]))
    let (all, columns) = plan.rows(site.inputs[0])
    let (k, outputs) = (all / examples, plan.rows(site.inputs[1]).1)
    let norms = plan.define(site.outputs[0], try .plain([examples]))
    if k == 1 { return lowerRows(x, dy, columns, outputs, norms, plan) }
    let byProducts = Self.takesProducts(rows: k, columns, outputs)
    let room = weight && !byProducts ? columns * outputs : 0
    let scratch = plan.scratch((room + outputs) * MemoryLayout<Float>.stride)
    let squares = plan.isa.sumOfSquares
    let dot = plan.isa.dot
    let sumRows = plan.isa.kernels.pointee.sum_rows!
    let operation = self
    plan.emit([x, dy, norms, scratch], calling: "norms") { addresses in
      let (x, dy, norms, scratch) = (
        addresses[0].floats, addresses[1].floats, addresses[2].floats, addresses[3].floats
      )
      return { _ in
        for example in 0..<operation.examples {
          let (xs, dys) = (x + example * k * columns, dy + example * k * outputs)
          var sum = 0.0
          if operation.weight, byProducts {
            for t in 0..<k {
              let (xt, dyt) = (xs + t * columns, dys + t * outputs)
              sum += squares(xt, columns) * squares(dyt, outputs)
              for s in 0..<t {
                sum += 2 * dot(xt, xs + s * columns, columns) * dot(dyt, dys + s * outputs, outputs)
              }
            }
            sum = max(sum, 0)
          } else if operation.weight {
            let status = lockstep_transposed_product(
              scratch, dys, xs, Int64(outputs), Int64(columns), Int64(k), 0)
            precondition(status == 0, "dnnl_sgemm refused \(outputs) x \(columns) x \(k)")
            sum = squares(scratch, outputs * columns)
          }
          if operation.bias {
            sumRows(scratch + room, dys, k, outputs)
            sum += squares(scratch + room, outputs)
          }
          norms[example] = Float(sum.squareRoot())
        }
      }
    }
  }

  /// One row an example.
  private func lowerRows(
    _ x: Memory, _ dy: Memory, _ columns: Int, _ outputs: Int, _ norms: Memory,
    _ plan: PlanBuilder
  ) {
    let squares = plan.isa.sumOfSquares
    let operation = self
    plan.emit([x, dy, norms], calling: "norms") { addresses in
      let (x, dy, norms) = (addresses[0].floats, addresses[1].floats, addresses[2].floats)
      return { _ in
        for example in 0..<operation.examples {
          let inputs = operation.weight ? squares(x + example * columns, columns) : 0
          let sum = squares(dy + example * outputs, outputs) * (inputs + (operation.bias ? 1 : 0))
          norms[example] = Float(sum.squareRoot())
        }
      }
    }
  }
}

extension LinearExampleNorms: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.arePerExample(site.inputs)
  }
}

extension InstructionSet {
  /// The sum of squares in Double over 16 fixed lanes.
  var sumOfSquares: @convention(c) (UnsafePointer<Float>?, Int) -> Double {
    lockstep_arena_kernels_for(lockstep_isa(rawValue: rawValue)).pointee.sum_of_squares
  }

  /// The scalar product in Double over 16 fixed lanes.
  var dot: @convention(c) (UnsafePointer<Float>?, UnsafePointer<Float>?, Int) -> Double {
    lockstep_vector_kernels_for(lockstep_isa(rawValue: rawValue)).pointee.dot
  }
}
