import LockstepEngine

/// A constraint inside blocks: addresses and numbers alone, like ``BoundStep``.
struct BoundConstraint {
  enum Kind {
    case none
    case values(lower: Float, upper: Float)
    case units(size: Int, NormRule)
    /// The executor holds the units.
    case ownUnits(size: Int, Unmanaged<OwnUnits>)
    /// The executor holds the factors.
    case heads(Unmanaged<HeadScales>)
  }

  let kind: Kind
  let sums: UnsafeMutablePointer<Double>
  let limit:
    @convention(c) (UnsafeMutablePointer<Float>, UnsafePointer<Float>, Float, Float, Int) -> Int
  let unitSquares:
    @convention(c) (UnsafeMutablePointer<Double>, UnsafePointer<Float>, Int, Int) -> Void
  let scale: @convention(c) (UnsafeMutablePointer<Float>, UnsafePointer<Float>, Float, Int) -> Void

  /// The values of a part of a block that can be constrained alone: whole units, about 1024 values, so
  /// that the four arrays of a step take half of a first-level cache of 32 KiB.
  var partLength: Int {
    switch kind {
    case .none, .values, .heads: 1024
    case .units(let size, _), .ownUnits(let size, _): max(1024 / size, 1) * size
    }
  }

  /// Constrains `count` values of the arena from `start` on, whole units.
  func apply(_ parameters: UnsafeMutablePointer<Float>, at start: Int, count: Int) {
    let weights = parameters + start
    switch kind {
    case .none: break
    case .values(let lower, let upper): _ = limit(weights, weights, lower, upper, count)
    case .units(let size, let rule):
      let units = count / size
      unitSquares(sums, weights, size, units)
      for unit in 0..<units {
        guard let factor = rule.factor(norm: sums[unit].squareRoot()) else { continue }
        let start = weights + unit * size
        let parts = ScaleFactor(factor)
        scale(start, start, parts.first, size)
        if parts.isSplit { scale(start, start, parts.second, size) }
      }
    case .ownUnits(let size, let units):
      units.takeUnretainedValue().project(weights, size: size, count: count)
    case .heads(let scales):
      scales.takeUnretainedValue().apply(parameters, at: start, count: count)
    }
  }
}
