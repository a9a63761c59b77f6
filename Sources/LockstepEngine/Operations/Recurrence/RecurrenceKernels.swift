internal import CLockstepKernels

/// The kernels of a recurrence in a plan, and the order in which positions are read.
struct RecurrenceKernels {
  let table: lockstep_recurrent_kernels
  /// The products with fused multiply-adds; nil where the processor has none.
  private let dense: lockstep_dense_kernels?
  /// The products of a plan that computes in bfloat16; nil in others.
  private let halves: lockstep_half_kernels?
  let pass: RecurrentPass
  let n: Int
  let positions: Int
  let hidden: Int
  /// The number of values of a row of q.
  var width: Int { pass.cell.gates * hidden }

  /// Whether the weights that come are transposed ones.
  private let comeTransposed: Bool

  /// - Parameter transposed: whether the weights that come are transposed ones.
  init(
    _ pass: RecurrentPass, _ sequence: TensorType, _ plan: PlanBuilder, transposed: Bool = false
  ) {
    self.pass = pass
    comeTransposed = transposed
    table = lockstep_recurrent_kernels_for(lockstep_isa(rawValue: plan.isa.rawValue)).pointee
    dense = plan.isa.denseKernels?.pointee
    halves = Self.halves(plan)
    (n, positions, hidden) = (sequence.shape[0], sequence.shape[1], sequence.shape[2])
  }

  /// The products of a plan that computes in bfloat16, as linear maps do; nil in others.
  static func halves(_ plan: PlanBuilder) -> lockstep_half_kernels? {
    plan.factor == .bfloat16 ? lockstep_half_kernels_here()?.pointee : nil
  }

  /// Working memory of a number of values.
  func scratch(_ count: Int, _ plan: PlanBuilder) -> Memory {
    plan.scratch(count * MemoryLayout<Float>.stride)
  }

  /// Working memory of products.
  func productScratch(_ plan: PlanBuilder) -> Memory {
    scratch(
      halves != nil
        ? lockstep_half_scratch(n, hidden, width)
        : max(lockstep_dense_scratch(n, hidden, width), lockstep_dense_scratch(n, width, hidden)),
      plan)
  }

  /// Whether weights are laid in panels once a run: what that takes is little beside the products of several
  /// positions. Either way the same terms are added in the same order, so that bits do not depend on it.
  private var laysWeights: Bool { dense != nil && positions >= 8 && !comeTransposed }

  /// Room for the weights in panels.
  func weightScratch(_ plan: PlanBuilder) -> Memory {
    scratch(
      halves != nil
        ? lockstep_half_panels(hidden, width)
        : laysWeights ? lockstep_dense_panels(hidden, width) : 0, plan)
  }

  /// Makes the weights ready for ``multiply(_:_:_:_:)``: what that is to be given.
  func prepare(
    _ weight: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    if let halves {
      halves.lay_outputs(scratch, weight, hidden, width)
      return scratch
    }
    guard laysWeights, let dense else { return weight }
    dense.lay_outputs(scratch, weight, hidden, width)
    return scratch
  }

  /// Makes the weights ready for ``multiplyTransposed(_:_:_:_:)``.
  func prepareTransposed(
    _ weight: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    if let halves {
      halves.lay_inputs(scratch, weight, hidden, width)
      return scratch
    }
    guard laysWeights, let dense else { return weight }
    dense.lay_inputs(scratch, weight, hidden, width)
    return scratch
  }

  /// q = h · Wᵀ for all examples, with weights that were made ready.
  func multiply(
    _ q: UnsafeMutablePointer<Float>, _ h: UnsafePointer<Float>, _ weight: UnsafePointer<Float>,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    if let halves { return halves.multiply(q, h, weight, n, hidden, width, scratch) }
    guard let dense else { return table.product(q, h, weight, n, hidden, width) }
    if comeTransposed {
      dense.input_gradient(q, h, weight, n, width, hidden, scratch)
    } else if laysWeights {
      dense.multiply(q, h, weight, n, hidden, width)
    } else {
      dense.forward(q, h, weight, nil, 0, n, hidden, width, scratch)
    }
  }

  /// dh = dq · W for all examples, with weights that were made ready.
  func multiplyTransposed(
    _ dh: UnsafeMutablePointer<Float>, _ dq: UnsafePointer<Float>,
    _ weight: UnsafePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
  ) {
    if let halves { return halves.multiply(dh, dq, weight, n, width, hidden, scratch) }
    guard let dense else { return table.product_gradient(dh, dq, weight, n, hidden, width) }
    if laysWeights {
      dense.multiply(dh, dq, weight, n, width, hidden)
    } else {
      dense.input_gradient(dh, dq, weight, n, hidden, width, scratch)
    }
  }

  /// A state's values copied to where they change, or zeros.
  func copy(_ to: UnsafeMutablePointer<Float>, _ from: UnsafePointer<Float>?) {
    if let from {
      to.update(from: from, count: n * hidden)
    } else {
      to.update(repeating: 0, count: n * hidden)
    }
  }

  /// Runs `body` for all positions, from where reading begins or, backwards, from where it ends.
  func forEachPosition(
    _ lengths: UnsafePointer<Int32>?, backwards: Bool = false, keeps: Bool = true,
    _ body: (UnsafePointer<lockstep_recurrent_step>) -> Void
  ) {
    var step = lockstep_recurrent_step(
      n: n, hidden: hidden, position: 0, positions: positions, reverses: pass.reverses ? 1 : 0,
      keeps: keeps ? 1 : 0, lengths: lengths)
    for index in 0..<positions {
      step.position = pass.reverses != backwards ? positions - 1 - index : index
      body(&step)
    }
  }
}
