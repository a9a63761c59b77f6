internal import CLockstepKernels

/// The factors of weight gradients, laid out for all shards of a batch, and their products.
///
/// The gradient of a linear map by its weights, dW = Σᵢ dyᵢ xᵢᵀ over examples, follows from the map's
/// inputs x and the gradients dy by its outputs, which are few numbers where examples are few. So that
/// whole gradients need not be written by every rank, and read and added by others, a plan can leave
/// its shards' factors where other ranks read them. Each then multiplies the rows that it owns, for all
/// shards: a shard's product is added to its neighbour's as the fold's tree adds them, with the bits of
/// gradients that were added. (Xie et al., "Lighter-Communication Distributed Machine Learning via
/// Sufficient Factor Broadcasting", UAI 2016, send factors for the sake of the network.)
package final class SufficientFactors: DeferredProducts {
  /// A weight gradient that is made of factors.
  package struct Product {
    /// The shape of the weights: outputs and inputs of the map.
    package let rows: Int
    package let columns: Int
    /// Where x and dy lie, in values from the start.
    let inputs: Int
    let gradients: Int
    /// How many values of each example travel before what this product needs of it: x, unless all ranks
    /// have it, and dy.
    let preceding: Int
    /// The program's input that x is, value by value; nil where x is computed.
    package let input: String?
  }

  /// One factor of one product.
  package typealias Factor = ProductOperand

  /// Where a run leaves factors.
  package struct Place {
    /// Those of all shards.
    package let base: UnsafeMutablePointer<Float>
    /// The examples that this rank computes.
    package let own: Range<Int>
    /// Room for those of ``own`` as they travel, factor by factor, rows of examples; nil where nobody else
    /// needs them.
    package let outbox: UnsafeMutablePointer<Float>?
    /// Hears that a factor of all of ``own`` is there.
    package let left: (Factor) -> Void

    package init(
      base: UnsafeMutablePointer<Float>, own: Range<Int>, outbox: UnsafeMutablePointer<Float>?,
      left: @escaping (Factor) -> Void
    ) {
      self.base = base
      self.own = own
      self.outbox = outbox
      self.left = left
    }
  }

  /// Where the runs to come leave factors.
  package var place: Place?

  /// The number of examples, of all shards together.
  package let examples: Int
  /// The number of shards, equal ones, a power of two.
  package let shards: Int
  /// The product of each slot of the leaf; nil for a slot that is no product, or that is not worth it.
  package let products: [Product?]
  /// The slots of the products.
  package let slots: [Int]
  /// The number of values of all factors.
  package let count: Int
  /// The number of values of an example that travel.
  package let valuesPerExample: Int

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
  ///   - travel: whether they have to be sent.
  ///   - isa: the instruction set of our own kernels.
  package init?(
    _ program: Program, examples: Int, shards: Int, travel: Bool = false, isa: InstructionSet
  ) {
    guard let kernels = isa.denseKernels?.pointee,
      Self.takes(examples: examples, shards: shards)
    else { return nil }
    var size = RegionSize()
    func place(_ values: Int) -> Int {
      size.place(values * MemoryLayout<Float>.stride) / MemoryLayout<Float>.stride
    }
    var products: [Product?] = Array(repeating: nil, count: program.leaves.count)
    var travelling = 0
    for (slot, leaf) in program.leaves.enumerated() {
      guard let leaf, Self.isProduct(leaf, of: program) else { continue }
      let shape = program.leafLayout.slots[slot].shape
      let (rows, columns) = (shape[0], shape[1])
      guard Self.isWorthIt(rows, columns, examples: examples, travel: travel) else { continue }
      let input = Self.input(leaf, of: program)
      products[slot] = Product(
        rows: rows, columns: columns, inputs: place(lockstep_dense_columns(examples, columns)),
        gradients: place(lockstep_dense_rows(examples, rows)), preceding: travelling, input: input)
      travelling += rows + (input == nil ? columns : 0)
    }
    guard products.contains(where: { $0 != nil }) else { return nil }
    self.products = products
    slots = products.indices.filter { products[$0] != nil }
    self.examples = examples
    self.shards = shards
    self.kernels = kernels
    count = size.byteCount / MemoryLayout<Float>.stride
    valuesPerExample = travelling
    scratch = Arena(count: lockstep_dense_gradient_scratch())
  }

  /// Whether batches of so many examples in so many shards can be multiplied.
  package static func takes(examples: Int, shards: Int) -> Bool {
    examples <= mostExamples && shards <= mostShards && examples % shards == 0
  }

  /// Whether a gradient is worth being made of factors: blocks have to be whole rows, and factors fewer
  /// numbers than what they make. Factors that travel, of all examples to all nodes, have to be half as
  /// many: what of a model cannot be made of them then travels between fewer owners.
  package static func isWorthIt(
    _ rows: Int, _ columns: Int, examples: Int, travel: Bool
  ) -> Bool {
    columns <= FlatLayout.blockSize
      && examples * (rows + columns) * (travel ? 2 : 1) <= rows * columns
  }

  private static func isProduct(_ leaf: Program.LeafSource, of program: Program) -> Bool {
    guard leaf.scale == 1, let producer = program.graph.values[leaf.value].producer else {
      return false
    }
    let node = program.graph.nodes[producer]
    return node.operation is any OuterProductGradient && node.outputs[0] == leaf.value
      && program.leaves.count { $0?.value == leaf.value } == 1
  }

  /// The input that a product's x is, under whatever shape.
  private static func input(_ leaf: Program.LeafSource, of program: Program) -> String? {
    let graph = program.graph
    var value = graph.nodes[graph.values[leaf.value].producer!].inputs[0]
    while let producer = graph.values[value].producer {
      guard graph.nodes[producer].operation is any View else { return nil }
      value = graph.nodes[producer].inputs[0]
    }
    if case .input(let name)? = graph.leaves.first(where: { $0.0 == value })?.1 { return name }
    return nil
  }

  /// Writes some rows of a gradient, for one thread at a time.
  ///
  /// - Parameters:
  ///   - product: the gradient.
  ///   - rows: which rows.
  ///   - factors: the factors of all shards.
  ///   - rounded: the lowest level of the tree whose sums are bf16 numbers, as all above it but the last
  ///     one; nil where none are.
  ///   - gradient: the gradient's first value.
  package func multiply(
    _ product: Product, rows: Range<Int>, of factors: UnsafePointer<Float>,
    roundingFrom rounded: Int? = nil, into gradient: UnsafeMutablePointer<Float>
  ) {
    kernels.weight_rows(
      gradient + rows.lowerBound * product.columns,
      factors + product.gradients, factors + product.inputs, 0,
      rounded ?? Self.mostShards.trailingZeroBitCount, examples / shards, shards,
      product.columns, rows.lowerBound, rows.count, scratch.base)
  }
}

extension SufficientFactors {
  /// The floating-point operations of all products.
  package var operations: Double {
    products.reduce(0) {
      $0 + ($1.map { 2 * Double(examples) * Double($0.rows * $0.columns) } ?? 0)
    }
  }

  /// The factors that travel, in the order of the slots: all that no rank can make itself.
  package var travelling: [Factor] {
    slots.flatMap {
      (products[$0]!.input == nil ? [Factor(slot: $0, kind: .inputs)] : [])
        + [Factor(slot: $0, kind: .gradients)]
    }
  }

  /// Where a factor of some examples lies among what travels of these, in values; nil for one that does
  /// not.
  package func range(of factor: Factor, examples: Int) -> Range<Int>? {
    let product = products[factor.slot]!
    let columns = product.input == nil ? product.columns : 0
    let (skipped, width) = factor.kind == .inputs ? (0, columns) : (columns, product.rows)
    let start = (product.preceding + skipped) * examples
    return width == 0 ? nil : start..<start + examples * width
  }

  /// Lays a factor of some examples, as it travels, where products read it.
  ///
  /// - Parameters:
  ///   - factor: which one.
  ///   - rows: those examples' values, one example behind the other.
  ///   - examples: their places in the batch.
  ///   - base: the factors of all shards.
  package func lay(
    _ factor: Factor, _ rows: UnsafePointer<Float>, _ examples: Range<Int>,
    into base: UnsafeMutablePointer<Float>
  ) {
    let product = products[factor.slot]!
    let (first, n) = (examples.lowerBound, examples.count)
    switch factor.kind {
    case .inputs:
      kernels.lay_columns(base + product.inputs, rows, first, n, self.examples, product.columns)
    case .gradients:
      kernels.lay_rows(base + product.gradients, rows, first, n, self.examples, product.rows)
    }
  }
  package func take(
    _ factor: Factor, _ rows: UnsafePointer<Float>, of examples: Range<Int>
  ) {
    guard let place else {
      preconditionFailure("a plan that leaves factors is run without a place for them")
    }
    lay(factor, rows, examples, into: place.base)
    if let outbox = place.outbox, let range = range(of: factor, examples: place.own.count) {
      let width = range.count / place.own.count
      let before = examples.lowerBound - place.own.lowerBound
      (outbox + range.lowerBound + before * width).update(
        from: rows, count: examples.count * width)
    }
    // Shards are computed in their order.
    if examples.upperBound == place.own.upperBound { place.left(factor) }
  }

  /// The places in the batch of shards' examples.
  package func examples(of shards: Range<Int>) -> Range<Int> {
    let size = examples / self.shards
    return shards.lowerBound * size..<shards.upperBound * size
  }
}
