internal import CLockstepKernels
import LockstepEngine

/// The constraints of all slots at work: block by block where a unit allows it, the rest behind
/// the walk.
final class ConstraintExecutor {
  /// Whether units exist that are runs of blocks, whose sums must be known of all blocks.
  let hasRuns: Bool
  /// Whether constraints exist that need the whole tensor.
  let needsTensors: Bool
  /// What a checkpoint must hold.
  let state: [StateEntry]

  /// The heads of attentions that are clipped.
  let heads: HeadClips

  private let constraints: [SlotConstraint?]
  /// Every how many updates each slot's constraint holds.
  private let intervals: [Int]
  /// Whether each slot is constrained in this update.
  private var isDue: [Bool]
  private let blocks: [Block]
  private let kernels: Kernels
  private let unitSums: Arena<Double>

  /// Plans constraints, one entry a slot or none at all.
  init(
    _ given: [WeightConstraint?], layout: FlatLayout, blocks: [Block], slotBlocks: [Range<Int>],
    kernels: Kernels
  ) throws {
    self.blocks = blocks
    self.kernels = kernels
    if !given.isEmpty { try QueryKeyClip.check(given, layout) }
    constraints = try layout.slots.indices.map { slot in
      guard let constraint = given.isEmpty ? nil : given[slot] else { return nil }
      return try SlotConstraint(
        constraint, slot: layout.slots[slot], blocks: slotBlocks[slot], kernels: kernels)
    }
    heads = HeadClips(
      constraints.map { if case .heads(let scales) = $0 { scales } else { nil } })
    hasRuns = constraints.contains { $0?.needsSums == true }
    needsTensors = constraints.contains { $0?.needsTensor == true }
    state = constraints.flatMap { constraint -> [StateEntry] in
      if case .tensor(let projection, _) = constraint { projection.state } else { [] }
    }
    intervals = layout.slots.indices.map { given.isEmpty ? 1 : given[$0]?.interval ?? 1 }
    isDue = Array(repeating: true, count: layout.slots.count)
    unitSums = Arena(count: FlatLayout.blockSize)
  }

  /// Starts an update, counted from 1, of parameters that all ranks have.
  ///
  /// - Parameter moving: whether a slot moves; the others are not constrained.
  func begin(update: Int, _ parameters: UnsafePointer<Float>, moving: (_ slot: Int) -> Bool) {
    for slot in isDue.indices { isDue[slot] = update % intervals[slot] == 0 && moving(slot) }
    heads.begin { isDue[$0] }
    if update > 1 { return }
    for case .tensor(let projection as any StartingProjection, let range)? in constraints {
      projection.start(
        UnsafeBufferPointer(start: parameters + range.lowerBound, count: range.count))
    }
  }

  /// When a slot's values are final.
  enum Stage {
    /// As soon as a block has been walked.
    case block
    /// Behind ``projectRuns(_:_:sumOfSquares:)``.
    case sums
    /// Behind ``projectTensors(_:)``.
    case tensor
  }

  /// When a slot's values are final.
  func stage(of slot: Int) -> Stage {
    guard let constraint = constraints[slot] else { return .block }
    return constraint.needsTensor ? .tensor : constraint.needsSums ? .sums : .block
  }

  /// Whether the sums of a slot's blocks must be known.
  func needsSums(slot: Int) -> Bool { isDue[slot] && constraints[slot]?.needsSums == true }

  /// What a slot's constraint does to whole units inside a block, with nothing left to look up.
  func bound(slot: Int) -> BoundConstraint {
    var kind = BoundConstraint.Kind.none
    if isDue[slot] {
      switch constraints[slot] {
      case nil, .strided, .gathered, .tensor, .runs: break
      case .values(let lower, let upper): kind = .values(lower: lower, upper: upper)
      case .units(let size, let rule): kind = .units(size: size, rule)
      case .ownUnits(let size, let units):
        kind = .ownUnits(size: size, Unmanaged.passUnretained(units))
      case .heads(let scales): kind = .heads(Unmanaged.passUnretained(scales))
      }
    }
    return BoundConstraint(
      kind: kind, sums: unitSums.base, limit: kernels.update.limit,
      unitSquares: kernels.update.unit_squares, scale: kernels.update.scale)
  }

  /// The sum of squares of a block that is part of a run, else 0.
  func runSum(_ block: Block, _ weights: UnsafeMutablePointer<Float>) -> Double {
    guard isDue[block.slot], case .runs = constraints[block.slot] else { return 0 }
    return kernels.sumOfSquares(weights, block.count)
  }

  /// Projects units that are runs of blocks, from the blocks' sums in block order; only the blocks
  /// of the groups are touched.
  func projectRuns(
    _ parameters: UnsafeMutablePointer<Float>, _ groups: [Range<Int>],
    sumOfSquares: (_ block: Int) -> Double
  ) {
    if !hasRuns { return }
    for slot in constraints.indices where isDue[slot] {
      guard case .runs(let runs, let rule) = constraints[slot] else { continue }
      for run in runs {
        var sum = 0.0
        for block in run { sum += sumOfSquares(block) }
        guard let factor = rule.factor(norm: sum.squareRoot()) else { continue }
        let scale = ScaleFactor(factor)
        for group in groups {
          for index in run.clamped(to: group) {
            let start = parameters + blocks[index].offset
            kernels.scale(start, start, by: scale, blocks[index].count)
          }
        }
      }
    }
  }

  /// Projects the tensors that must be at hand as a whole.
  func projectTensors(_ parameters: UnsafeMutablePointer<Float>) {
    if !needsTensors { return }
    for slot in constraints.indices where isDue[slot] {
      switch constraints[slot] {
      case .strided(let units): units.project(parameters)
      case .gathered(let units): units.project(parameters)
      case .tensor(let projection, let range):
        var values = UnsafeMutableBufferPointer(
          start: parameters + range.lowerBound, count: range.count
        ).mutableSpan
        projection.project(&values)
      default: break
      }
    }
  }
}
