import LockstepEngine

/// The lengths of the units of a weight that another initialiser draws, its first axis being that of units.
struct UnitLengths: Initializer {
  /// Draws the weight.
  private let base: any Initializer
  /// The weight's shape.
  private let weightShape: [Int]

  init(of base: any Initializer, _ weightShape: [Int]) {
    self.base = base
    self.weightShape = weightShape
  }

  var problem: String? {
    guard base.problem == nil else { return base.problem }
    guard (base as? ConstantInitializer)?.value == 0 else { return nil }
    return "it draws zeros, and a unit of zeros has no direction; take one that draws other values"
  }

  func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {
    guard !values.isEmpty else { return }
    var weight = [Float](repeating: 0, count: weightShape.reduce(1, *))
    var span = weight.mutableSpan
    base.fill(&span, shape: weightShape, using: &random)
    let columns = weight.count / values.count
    for unit in values.indices {
      let squares = weight[unit * columns..<(unit + 1) * columns]
        .reduce(0) { $0 + Double($1) * Double($1) }
      values[unit] = Float(squares.squareRoot())
    }
  }
}
