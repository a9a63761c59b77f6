internal import CLockstepKernels

/// The factors of weight gradients, laid out for all shards of a batch, and their products.
///
/// The gradient of a linear map by its weights, dW = Σᵢ dyᵢ xᵢᵀ over examples, follows from the map's
/// inputs x and the gradients dy by its outputs, which are few numbers where examples are few. So that
/// whole gradients need not be written by every rank, and read and added by others, a plan can leave
/// its shards' factors where other ranks read them. Each then multiplies the rows that it owns, for all
/// shards: a shard's product is added to its neighbour's as the fold's tree adds them, with the bits of
/// gradients that were added. (Xie et al., "Distributed machine learning via sufficient factor
/// broadcasting", 2014, send factors for the sake of the network.)
package final class GradientFactors {
  /// A weight gradient that is made of factors.
  package struct Product {
    /// The shape of the weights: outputs and inputs of the map.
    package let rows: Int
    package let columns: Int
    /// Where x and dy lie, in values from the start.
    let inputs: Int
    let gradients: Int
  }

  /// The number of examples, of all shards together.
  package let examples: Int
  /// The number of shards, equal ones, a power of two.
  package let shards: Int
  /// The product of each slot of the leaf; nil for a slot that is no product, or that is not worth it.
  package let products: [Product?]
  /// The number of values of all factors.
  package let count: Int

  private let kernels: lockstep_dense_kernels
  private let scratch: Arena<Float>

  /// As many examples' factors stay in the caches while they are multiplied.
  private static let mostExamples = 1024
  /// As many shards a product adds up.
  private static let mostShards = 256

  /// The factors of a program's gradients; nil where none is worth it.
  ///
  /// - Parameters:
  ///   - program: differentiates shards of a plan that is ``Plan/isShardwise``.
  ///   - examples: those of all shards, as many for each.
  ///   - shards: their number.
  ///   - isa: the instruction set of our own kernels.
  package init?(_ program: Program, examples: Int, shards: Int, isa: InstructionSet) {
    guard let kernels = isa.denseKernels?.pointee, examples <= Self.mostExamples,
      shards <= Self.mostShards, examples % shards == 0
    else { return nil }
    var size = RegionSize()
    func place(_ values: Int) -> Int {
      size.place(values * MemoryLayout<Float>.stride) / MemoryLayout<Float>.stride
    }
    var products: [Product?] = Array(repeating: nil, count: program.leaves.count)
    for (slot, leaf) in program.leaves.enumerated() {
      guard let leaf, Self.isProduct(leaf, of: program) else { continue }
      let shape = program.leafLayout.slots[slot].shape
      let (rows, columns) = (shape[0], shape[1])
      // Blocks are whole rows; and factors have to be fewer numbers than what they make.
      guard columns <= FlatLayout.blockSize, examples * (rows + columns) <= rows * columns
      else { continue }
      products[slot] = Product(
        rows: rows, columns: columns, inputs: place(lockstep_dense_columns(examples, columns)),
        gradients: place(lockstep_dense_rows(examples, rows)))
    }
    guard products.contains(where: { $0 != nil }) else { return nil }
    self.products = products
    self.examples = examples
    self.shards = shards
    self.kernels = kernels
    count = size.byteCount / MemoryLayout<Float>.stride
    scratch = Arena(count: lockstep_dense_gradient_scratch())
  }

  private static func isProduct(_ leaf: Program.LeafSource, of program: Program) -> Bool {
    guard leaf.scale == 1, let producer = program.graph.values[leaf.value].producer else {
      return false
    }
    let node = program.graph.nodes[producer]
    return node.operation is LinearWeightGradient && node.outputs[0] == leaf.value
      && program.leaves.count { $0?.value == leaf.value } == 1
  }

  /// Writes some rows of a gradient, for one thread at a time.
  ///
  /// - Parameters:
  ///   - product: the gradient.
  ///   - rows: which rows.
  ///   - factors: the factors of all shards.
  ///   - gradient: the gradient's first value.
  package func multiply(
    _ product: Product, rows: Range<Int>, of factors: UnsafePointer<Float>,
    into gradient: UnsafeMutablePointer<Float>
  ) {
    kernels.weight_rows(
      gradient + rows.lowerBound * product.columns,
      factors + product.gradients, factors + product.inputs, 0, examples / shards, shards,
      product.columns, rows.lowerBound, rows.count, scratch.base)
  }
}

extension LinearWeightGradient {
  /// Leaves x and dy for whoever multiplies them, at the place of the examples in the batch.
  func emitFactors(
    of gradient: Memory, _ source: Memory, _ product: GradientFactors.Product, _ plan: PlanBuilder,
    _ factors: GradientFactors, _ dense: lockstep_dense_kernels
  ) {
    let n = source.descriptor.shape[0]
    let all = factors.examples
    let (layColumns, layRows) = (dense.lay_columns!, dense.lay_rows!)
    plan.emit([source, gradient]) {
      let (x, dy) = ($0[0].floats, $0[1].floats)
      return { context in
        guard let base = context.factors else {
          preconditionFailure("a plan that leaves factors is run without a place for them")
        }
        layColumns(base + product.inputs, x, context.firstExample, n, all, product.columns)
        layRows(base + product.gradients, dy, context.firstExample, n, all, product.rows)
      }
    }
  }
}
