import LockstepEngine

/// A singular vector of the largest singular value of a matrix that another initialiser draws: what 15 rounds of
/// power iteration find from a random vector, as in PyTorch's `spectral_norm`.
struct LeadingVector: Initializer {
  /// Which of the two.
  enum Side { case left, right }

  /// Draws the weight.
  let base: any Initializer
  /// The weight's shape.
  let weightShape: [Int]
  /// The axis that the matrix's rows are of; the others are its columns.
  let rowAxis: Int
  let side: Side

  var problem: String? {
    guard base.problem == nil else { return base.problem }
    guard (base as? ConstantInitializer)?.value == 0 else { return nil }
    return
      "the weight is drawn as zeros, and those have no largest singular value; take an initializer "
      + "that draws other values"
  }

  func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {
    guard !values.isEmpty else { return }
    var weight = [Float](repeating: 0, count: weightShape.reduce(1, *))
    var span = weight.mutableSpan
    base.fill(&span, shape: weightShape, using: &random)
    let drawn = HostTensor(weightShape, weight.map(Double.init))
    let order = [rowAxis] + weightShape.indices.filter { $0 != rowAxis }
    let turned = drawn.strided(order.map { weightShape[$0] }, by: order.map { drawn.strides[$0] })
    let rows = weightShape[rowAxis]
    let matrix = HostTensor([rows, weight.count / rows], turned.values)
    var (left, right) = (HostTensor([rows]), HostTensor([weight.count / rows]))
    for index in right.values.indices { right.values[index] = random.drawNormal() }
    for _ in 0..<15 {
      let found = SingularVectors().evaluate([matrix, right], ReferenceContext())
      (left, right) = (found[0], found[1])
    }
    let result = side == .left ? left : right
    for index in values.indices { values[index] = Float(result.values[index]) }
  }
}
