import LockstepEngine

/// How one slot's constraint is carried out.
enum SlotConstraint {
  /// Value by value.
  case values(lower: Float, upper: Float)
  /// Units of this many consecutive values, each inside one block, scaled to a norm.
  case units(size: Int, NormRule)
  /// Units of this many consecutive values, each inside one block, in a way of their own.
  case ownUnits(size: Int, OwnUnits)
  /// Units that are runs of whole blocks; their norms are put together after the walk.
  case runs([Range<Int>], NormRule)
  /// Norms of units that do not lie side by side; done after the walk, with the whole tensor at hand.
  case strided(StridedUnits)
  /// Other units that do not lie side by side, or span blocks; done as strided ones.
  case gathered(GatheredUnits)
  /// Rows of heads, scaled by what a step tells of them.
  case heads(HeadScales)
  /// A projection of the whole tensor; done after the walk.
  case tensor(any BoundProjection, Range<Int>)

  init(
    _ constraint: WeightConstraint, slot: FlatLayout.Slot, blocks: Range<Int>, kernels: Kernels
  ) throws {
    let owner = "constraint on \(slot.name)"
    try validate(constraint, owner: owner)
    switch constraint.projection {
    case let box as any ValueProjection:
      self = .values(lower: box.lower, upper: box.upper)
    case let clip as QueryKeyClip:
      self = .heads(HeadScales(clip, slot: slot, kernels: kernels))
    case let whole as any TensorProjection:
      let tensor = ConstrainedTensor(name: slot.name, shape: slot.shape, kernels: kernels)
      self = .tensor(try whole.bind(to: tensor), slot.range)
    case let norms as any NormProjection:
      let units = ConstrainedUnits(
        slot, reduced: try constraint.reducedAxes(of: slot, owner: owner), blocks: blocks)
      let rule = NormRule(interval: norms.interval, mode: constraint.mode)
      switch units.place {
      case .insideBlocks(let size): self = .units(size: size, rule)
      case .runs(let runs): self = .runs(runs, rule)
      case .anywhere:
        self = .strided(
          StridedUnits(slot: slot, reduced: units.reduced, rule: rule, kernels: kernels))
      }
    case let own as any UnitProjection:
      let units = ConstrainedUnits(
        slot, reduced: try constraint.reducedAxes(of: slot, owner: owner), blocks: blocks)
      if case .insideBlocks(let size) = units.place {
        self = .ownUnits(size: size, OwnUnits(own))
      } else {
        self = .gathered(GatheredUnits(slot: slot, reduced: units.reduced, projection: own))
      }
    default: throw unknownKind(of: constraint.projection, owner: owner)
    }
  }

  /// Whether the whole tensor must be at hand.
  var needsTensor: Bool {
    switch self {
    case .strided, .gathered, .tensor: true
    case .values, .units, .ownUnits, .runs, .heads: false
    }
  }
  /// Whether the sums of all blocks must be known.
  var needsSums: Bool { if case .runs = self { true } else { false } }
}

/// Where the units of a tensor lie.
struct ConstrainedUnits {
  enum Place {
    /// Side by side, this many values each, and each unit inside one block.
    case insideBlocks(size: Int)
    /// Side by side, and each unit is a run of whole blocks.
    case runs([Range<Int>])
    /// In any other way.
    case anywhere
  }

  let place: Place
  let reduced: [Bool]

  init(_ slot: FlatLayout.Slot, reduced: [Bool], blocks: Range<Int>) {
    self.reduced = reduced
    // Axes of one value belong to either side.
    let matters = slot.shape.map { $0 != 1 }
    let lead =
      zip(reduced, matters).enumerated().first { $0.element.0 && $0.element.1 }?.offset
      ?? slot.shape.count
    let isSuffix = (lead..<slot.shape.count).allSatisfy { reduced[$0] || !matters[$0] }
    let size = slot.shape[lead...].reduce(1, *)
    let wholeUnits = slot.unitSize <= FlatLayout.blockSize
    if isSuffix, blocks.count <= 1 || (wholeUnits && size <= slot.unitSize) {
      place = .insideBlocks(size: size)
    } else if isSuffix, size == slot.count {
      place = .runs([blocks])
    } else if isSuffix, size == slot.unitSize {
      place = .runs(unitRuns(of: slot, blocks: blocks))
    } else {
      place = .anywhere
    }
  }
}

/// Throws where a constraint cannot be meant.
func validate(_ constraint: WeightConstraint, owner: String) throws {
  try HyperparameterRange.integer(atLeast: 1).check(owner, "every", Double(constraint.interval))
  try constraint.projection.validate(owner: owner)
  switch constraint.projection {
  case is any ValueProjection, is any NormProjection, is any UnitProjection,
    is any TensorProjection, is QueryKeyClip:
    break
  default: throw unknownKind(of: constraint.projection, owner: owner)
  }
}

private func unknownKind(of projection: any Projection, owner: String) -> HyperparameterError {
  HyperparameterError(
    owner: owner, key: "projection", value: "\(projection)",
    problem: "must conform to ValueProjection, NormProjection, UnitProjection or TensorProjection")
}
