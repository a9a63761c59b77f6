internal import CLockstepKernels
import LockstepEngine

/// Where the values of one partial can be read.
package struct FoldOperand {
  /// The first value at hand.
  package let base: UnsafePointer<Float>
  /// The arena index of the first value at hand: 0 for a whole arena, a slice's lower bound where
  /// only that slice was received.
  package let origin: Int

  /// Makes an operand with its first value's address and that value's index in the arena.
  package init(base: UnsafePointer<Float>, origin: Int = 0) {
    self.base = base
    self.origin = origin
  }
}

/// Elementwise sums of whole arenas.
package struct LocalSum {
  private let kernels: UnsafePointer<lockstep_arena_kernels>

  package init() { kernels = InstructionSet.current.arenaKernels }

  /// to += values.
  package func add(
    _ values: UnsafeMutableBufferPointer<Float>, to sum: UnsafeMutableBufferPointer<Float>
  ) {
    guard let from = values.baseAddress, let to = sum.baseAddress else { return }
    kernels.pointee.add(to, to, from, sum.count)
  }
}

/// Runs a plan's additions on blocks. Owns the scratch blocks, so one executor serves one thread.
///
/// All instruction sets' kernels give the same bits.
package final class FoldExecutor {
  private let program: CombineProgram
  private let scratch: Arena<Float>
  private let addition: TreeAddition
  /// The program's additions where nothing counts references: between two blocks a processor that does
  /// waits for its stores to memory.
  private let additions: UnsafeMutableBufferPointer<CombineProgram.Addition>
  private let scratchBase: UnsafeMutablePointer<Float>

  /// An executor for the additions over all ranks' partials of a plan.
  package convenience init(_ plan: FoldPlan) { self.init(plan.program, of: plan) }

  /// An executor for other additions of a plan's tree than those over all ranks' partials.
  package convenience init(_ program: CombineProgram, of plan: FoldPlan) {
    self.init(program, plan.rounding)
  }

  /// An executor for the additions of any tree.
  package init(_ program: CombineProgram, _ rounding: FoldRounding?) {
    self.program = program
    scratch = Arena(count: program.scratchCount * FlatLayout.blockSize)
    addition = TreeAddition(rounding)
    scratchBase = scratch.base
    additions = .allocate(capacity: program.additions.count)
    _ = additions.initialize(fromContentsOf: program.additions)
  }

  deinit { additions.deallocate() }

  /// Adds the partials of one block in tree order.
  ///
  /// - Parameters:
  ///   - block: the values to add, at most ``FlatLayout/blockSize``.
  ///   - partials: all ranks' partials in shard order, `plan.partialCount` of them, each holding
  ///     the block's values.
  ///   - folded: the first value of the folded arena; only the block's values are written. It may
  ///     be the base of the one partial of a plan for one rank, and then nothing is copied.
  /// - Throws: ``ArgumentError`` for another number of partials than the plan's, or a block that is none.
  package func combine(
    _ block: Block, of partials: [FoldOperand], into folded: UnsafeMutablePointer<Float>
  ) throws(ArgumentError) {
    guard partials.count == program.leafCount else {
      throw ArgumentError(
        "FoldExecutor", "partials.count", is: partials.count, expected: "\(program.leafCount)")
    }
    guard block.offset >= 0, (0...FlatLayout.blockSize).contains(block.count) else {
      throw ArgumentError(
        "FoldExecutor", "block", is: block,
        expected: "a block of a layout, of at most \(FlatLayout.blockSize) values")
    }
    partials.withUnsafeBufferPointer { combine(block, of: $0, into: folded) }
  }

  /// The same of operands that lie still.
  @inline(__always)
  package func combine(
    _ block: Block, of partials: UnsafeBufferPointer<FoldOperand>,
    into folded: UnsafeMutablePointer<Float>
  ) {
    let result = folded + block.offset
    func source(_ partial: Int) -> UnsafePointer<Float> {
      partials[partial].base + (block.offset - partials[partial].origin)
    }
    func register(_ index: Int) -> UnsafeMutablePointer<Float> {
      index == 0 ? result : scratchBase + (index - 1) * FlatLayout.blockSize
    }
    func address(_ operand: CombineProgram.Operand) -> UnsafePointer<Float> {
      switch operand {
      case .partial(let partial): return source(partial)
      case .register(let index): return UnsafePointer(register(index))
      }
    }
    if additions.isEmpty {
      let whole = source(0)
      if whole != UnsafePointer(result) { result.update(from: whole, count: block.count) }
    }
    for step in additions {
      addition.add(
        register(step.register), address(step.left), address(step.right), at: block.offset,
        count: block.count, level: step.level)
    }
  }
}
