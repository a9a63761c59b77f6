import LockstepEngine

/// How one slot's constraint is carried out.
enum SlotConstraint {
  /// Value by value.
  case values(lower: Float, upper: Float)
  /// Units of this many consecutive values, each inside one block.
  case units(size: Int, NormProjection)
  /// Units that are runs of whole blocks; their norms are put together after the walk.
  case runs([Range<Int>], NormProjection)
  /// Anything else; done after the walk, with the whole tensor at hand.
  case strided(StridedUnits)
  /// The largest singular value; done after the walk, with the whole tensor at hand.
  case spectral(SpectralProjection)

  init(
    _ constraint: WeightConstraint, slot: FlatLayout.Slot, blocks: Range<Int>, kernels: Kernels
  ) throws {
    let owner = "constraint on \(slot.name)"
    try validate(constraint, owner: owner)
    switch constraint.kind {
    case .nonNegative:
      self = .values(lower: 0, upper: .infinity)
      return
    case .valueBox(let lower, let upper):
      self = .values(lower: lower, upper: upper)
      return
    case .spectralNorm(let limit, let iterations):
      self = .spectral(
        SpectralProjection(slot: slot, limit: limit, iterations: iterations, kernels: kernels))
      return
    case .maxNorm, .unitNorm, .minMaxNorm, .ball: break
    }
    let reduced = try constraint.reducedAxes(of: slot, owner: owner)
    let projection = NormProjection(constraint)
    // Axes of one value belong to either side.
    let matters = slot.shape.map { $0 != 1 }
    let lead =
      zip(reduced, matters).enumerated().first { $0.element.0 && $0.element.1 }?.offset
      ?? slot.shape.count
    let isSuffix = (lead..<slot.shape.count).allSatisfy { reduced[$0] || !matters[$0] }
    let size = slot.shape[lead...].reduce(1, *)
    let wholeUnits = slot.unitSize <= FlatLayout.blockSize
    if isSuffix, blocks.count <= 1 || (wholeUnits && size <= slot.unitSize) {
      self = .units(size: size, projection)
    } else if isSuffix, size == slot.count {
      self = .runs([blocks], projection)
    } else if isSuffix, size == slot.unitSize {
      self = .runs(unitRuns(of: slot, blocks: blocks), projection)
    } else {
      self = .strided(
        StridedUnits(slot: slot, reduced: reduced, projection: projection, kernels: kernels))
    }
  }

  /// Whether the whole tensor must be at hand.
  var needsTensor: Bool {
    switch self {
    case .strided, .spectral: true
    case .values, .units, .runs: false
    }
  }
  /// Whether the sums of all blocks must be known.
  var needsSums: Bool { if case .runs = self { true } else { false } }
}
