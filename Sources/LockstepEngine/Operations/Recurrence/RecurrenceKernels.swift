internal import CLockstepKernels

/// The kernels of a recurrence in a plan, and the order in which positions are read.
struct RecurrenceKernels {
  let table: lockstep_recurrent_kernels
  /// The products with fused multiply-adds; nil where the processor has none.
  private let dense: lockstep_dense_kernels?
  private let pack:
    @convention(c) (
      UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, Int, Int, Int, Int
    ) -> Void
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
    pack = plan.isa.kernels.pointee.pack_panels!
    (n, positions, hidden) = (sequence.shape[0], sequence.shape[1], sequence.shape[2])
  }

  /// Working memory of a number of values.
  func scratch(_ count: Int, _ plan: PlanBuilder) -> Memory {
    plan.scratch(count * MemoryLayout<Float>.stride)
  }

  /// Working memory of products.
  func productScratch(_ plan: PlanBuilder) -> Memory {
    scratch(
      max(lockstep_dense_scratch(n, hidden, width), lockstep_dense_scratch(n, width, hidden)), plan)
  }

  /// Whether states are multiplied by transposed weights: with a few examples, the kernel whose lanes are
  /// columns fills its vectors where the one whose lanes are examples does not. Both add the same terms in the
  /// same order, so that bits do not depend on the choice.
  private var transposes: Bool {
    dense != nil && n <= 8 && positions >= 8 && !comeTransposed
  }

  /// Room for the transposed weights.
  func weightScratch(_ plan: PlanBuilder) -> Memory {
    scratch(transposes ? width * hidden : 0, plan)
  }

  /// Makes the weights ready for ``multiply(_:_:_:_:)``: what that is to be given.
  func prepare(
    _ weight: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    guard transposes else { return weight }
    pack(scratch, weight, width, hidden, width, 0)
    return scratch
  }

  /// q = h · Wᵀ for all examples, with weights that were made ready.
  func multiply(
    _ q: UnsafeMutablePointer<Float>, _ h: UnsafePointer<Float>, _ weight: UnsafePointer<Float>,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    if transposes || comeTransposed {
      dense?.input_gradient(q, h, weight, n, width, hidden, scratch)
    } else if let dense {
      dense.forward(q, h, weight, nil, 0, n, hidden, width, scratch)
    } else {
      table.product(q, h, weight, n, hidden, width)
    }
  }

  /// dh = dq · W for all examples.
  func multiplyTransposed(
    _ dh: UnsafeMutablePointer<Float>, _ dq: UnsafePointer<Float>,
    _ weight: UnsafePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
  ) {
    if let dense {
      dense.input_gradient(dh, dq, weight, n, hidden, width, scratch)
    } else {
      table.product_gradient(dh, dq, weight, n, hidden, width)
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
