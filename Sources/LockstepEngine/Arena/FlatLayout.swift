/// Where each tensor lies in a flat arena of Float32 values.
///
/// Tensors follow each other in declaration order, each in row-major (C) order and each starting
/// at a multiple of 16 values (64 bytes). The padding in between is always zero. The same layout
/// serves the parameters, their gradients and every moment an optimizer keeps, so that "the same
/// place in another arena" needs no look-up.
public struct FlatLayout: Sendable, Equatable {
  /// One tensor's place.
  public struct Slot: Sendable, Equatable {
    /// The dotted name, `encoder.0.weight`.
    public let name: String
    /// The dimensions in PyTorch's order.
    public let shape: [Int]
    /// The index of the first value in the arena, a multiple of ``FlatLayout/alignment``.
    package let offset: Int
    /// The number of values, the product of ``shape``.
    package let count: Int
    /// The set that the tensor's layer wants it projected onto after every update; nil for none.
    package let constraint: WeightConstraint?
    /// The part that the tensor plays in its model; nil where nobody knows.
    package let role: ParameterRole?
    /// The rows that make queries or keys of an attention's heads.
    package let heads: [HeadRows]

    /// The number of values of one unit: everything behind the leading dimension (a dense unit's
    /// incoming weights, one convolution filter). A vector or a scalar is one single unit.
    package var unitSize: Int { shape.count < 2 ? count : count / max(shape[0], 1) }
    /// The number of units, `count / unitSize`.
    package var unitCount: Int { unitSize == 0 ? 0 : count / unitSize }
    /// Equal slots have the same name, place and constraint; what is known of the tensor's part does not
    /// count.
    public static func == (left: Slot, right: Slot) -> Bool {
      left.name == right.name && left.shape == right.shape && left.offset == right.offset
        && left.constraint == right.constraint
    }

    /// The number of rows of the tensor as a matrix, its leading dimension; 0 for vectors and scalars.
    package var matrixRows: Int { shape.count < 2 ? 0 : shape[0] }
    /// The number of columns of the tensor as a matrix: all other dimensions, flattened.
    package var matrixColumns: Int { matrixRows == 0 ? 0 : count / matrixRows }
    /// The number of values with the padding behind them.
    package var paddedCount: Int {
      (count + FlatLayout.alignment - 1) / FlatLayout.alignment * FlatLayout.alignment
    }
    /// The slot's values in its arena.
    public var range: Range<Int> { offset..<offset + count }
  }

  /// Slots start at multiples of this many values (64 bytes).
  package static let alignment = 16

  /// The slots, in declaration order.
  public let slots: [Slot]
  /// The length of an arena with this layout, padding included; a multiple of ``alignment``.
  package let count: Int

  /// What is wrong with a tensor's shape; nil where all can be laid out. Whoever takes a layout in
  /// throws it.
  package let problem: String?

  /// Lays out tensors in the order given.
  ///
  /// A tensor whose shape has a negative size, or more values than an arena, gets no room, and what
  /// takes the layout throws.
  ///
  /// - Parameter constraints: what the tensors' layers carry, one entry a tensor, or none at all.
  public init(
    _ tensors: [(name: String, shape: [Int])], constraints: [WeightConstraint?] = []
  ) {
    self.init(tensors, constraints: constraints, roles: [])
  }

  /// As the public initialiser, with the parts that the tensors play in their model, and the rows that make heads,
  /// one entry a tensor, or none at all.
  package init(
    _ tensors: [(name: String, shape: [Int])], constraints: [WeightConstraint?],
    roles: [ParameterRole?], heads: [[HeadRows]] = []
  ) {
    var slots: [Slot] = []
    var offset = 0
    var problem: String?
    for (index, (name, shape)) in tensors.enumerated() {
      var count = shape.contains(0) ? 0 : TensorType(shape).count
      if shape.contains(where: { $0 < 0 }) || count > TensorType.largestCount - offset {
        problem = problem ?? "tensor '\(name)' of shape \(shape) does not fit an arena"
        count = 0
      }
      let slot = Slot(
        name: name, shape: shape, offset: offset, count: count,
        constraint: index < constraints.count ? constraints[index] : nil,
        role: index < roles.count ? roles[index] : nil,
        heads: index < heads.count ? heads[index] : [])
      slots.append(slot)
      offset += slot.paddedCount
    }
    self.slots = slots
    self.count = offset
    self.problem = problem
  }

  /// The index of the slot with a name, or nil.
  package func index(of name: String) -> Int? { slots.firstIndex { $0.name == name } }
}

/// A run of consecutive values of one slot: the atom of every fold, norm and update.
///
/// A block holds whole units, or a part of one unit, never values of two slots. Block boundaries
/// depend on the layout alone, so that a sum "per block, then over blocks in order" has the same
/// bits whoever computes which block.
package struct Block: Sendable, Equatable {
  /// The index of the slot.
  package let slot: Int
  /// The index of the first value in the arena.
  package let offset: Int
  /// The number of values, at most ``FlatLayout/blockSize``.
  package let count: Int

  /// Makes a block with its slot's index, its first value's index in the arena, and its length.
  package init(slot: Int, offset: Int, count: Int) {
    self.slot = slot
    self.offset = offset
    self.count = count
  }

  /// The block's values in its arena.
  package var range: Range<Int> { offset..<offset + count }
}

extension FlatLayout {
  /// The largest number of values in a block: 16 KiB of Float32, so that gradient, parameter and
  /// two moments of a block fit the second-level cache with room to spare.
  package static let blockSize = 4096

  /// The blocks of the layout, in arena order.
  package func blocks() -> [Block] {
    var blocks: [Block] = []
    for (index, slot) in slots.enumerated() where slot.count > 0 {
      let unit = slot.unitSize
      func cut(_ range: Range<Int>, every size: Int) {
        for start in stride(from: range.lowerBound, to: range.upperBound, by: size) {
          blocks.append(
            Block(
              slot: index, offset: slot.offset + start, count: min(size, range.upperBound - start)))
        }
      }
      if unit <= Self.blockSize {
        cut(0..<slot.count, every: Self.blockSize / unit * unit)
      } else {
        for start in stride(from: 0, to: slot.count, by: unit) {
          cut(start..<start + unit, every: Self.blockSize)
        }
      }
    }
    return blocks
  }
}
