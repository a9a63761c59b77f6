/// Turns pairs of values by angles that grow with the position: (a, b) becomes
/// (a cos θ − b sin θ, b cos θ + a sin θ), θ = t / base^(2i / D) for pair i of a head of D values.
///
/// The scalar product of two vectors that were turned depends on their distance alone. Input [N, T, C]: the first
/// `columns` values of a row are heads of `headWidth` values, the rest stays. Positions t are 0, 1, 2 and so on, or
/// a second input [N, T] of Int32 in 0..<`limit`; a position outside gives not-a-numbers.
///
/// Source: J. Su et al., "RoFormer: Enhanced transformer with rotary position embedding", 2021.
package struct Rotary: Operation {
  package let headWidth: Int
  package let columns: Int
  package let base: Float
  package let pairing: RotaryPairing
  /// Whether pairs are turned back: by −θ.
  package let isReversed: Bool
  /// How many positions there are, where they are an input; nil where they are counted.
  package let limit: Int?

  package var name: String { "rotary positions" }
  package var precisionRole: PrecisionRole { .exact }
  package func acceptsIntegers(_ input: Int) -> Bool { input == 1 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try expect(shape.count == 3, "expects an input [N, T, width], got \(shape)")
    try expect(
      headWidth > 0 && headWidth % 2 == 0,
      "a head's width must be even and positive, got \(headWidth)")
    try expect(
      columns > 0 && columns <= shape[2] && columns % headWidth == 0,
      "\(columns) values are no whole heads of \(headWidth) in a row of \(shape)")
    try expect(base > 0 && base.isFinite, "the base must be positive, got \(base)")
    let count = limit ?? shape[1]
    try expect(count > 0 && count <= 1 << 20, "1 to 2²⁰ positions, got \(count)")
    if limit != nil {
      try expect(
        inputs.count == 2 && inputs[1] == TensorType([shape[0], shape[1]], .int32),
        "expects positions [\(shape[0]), \(shape[1])] of Int32, got \(inputs.dropFirst().map(\.shape))"
      )
    }
    return [inputs[0]]
  }

  private var reversed: Rotary {
    Rotary(
      headWidth: headWidth, columns: columns, base: base, pairing: pairing,
      isReversed: !isReversed, limit: limit)
  }

  /// A rotation's transpose is the rotation back.
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    let positions = Array(call.inputs.dropFirst())
    return gradients.map { $0.map { $0.graph.apply(reversed, [$0] + positions)[0] } }
      + positions.map { _ in nil }
  }

  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0].map { $0.graph.apply(self, [$0] + call.inputs.dropFirst())[0] }]
  }

  /// cos θ and ± sin θ of every position and pair, row-major.
  func angles(positions: Int) -> (cosines: [Double], sines: [Double]) {
    let angles = PositionAngles(positions: positions, pairs: headWidth / 2, base: Double(base))
    return (angles.cosines, isReversed ? angles.sines.map { -$0 } : angles.sines)
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    var y = inputs[0]
    let (positions, row, pairs) = (y.shape[1], y.shape[2], headWidth / 2)
    let (cosines, sines) = angles(positions: limit ?? positions)
    for place in 0..<y.shape[0] * positions {
      let position = limit == nil ? place % positions : Int(inputs[1].values[place])
      let isKnown = (0..<(limit ?? positions)).contains(position)
      for head in 0..<columns / headWidth {
        for pair in 0..<pairs {
          let start = place * row + head * headWidth
          let first = start + (pairing == .neighbours ? 2 * pair : pair)
          let second = pairing == .neighbours ? first + 1 : first + pairs
          let (a, b) = (y.values[first], y.values[second])
          let angle = position * pairs + pair
          y.values[first] = isKnown ? a * cosines[angle] - b * sines[angle] : .nan
          y.values[second] = isKnown ? b * cosines[angle] + a * sines[angle] : .nan
        }
      }
    }
    return [y]
  }
}

/// Which two values of a head rotary positions turn together.
public enum RotaryPairing: String, Sendable, CaseIterable {
  /// 2i and 2i + 1, as in the paper and in torchtune.
  case neighbours
  /// i and i + D/2, as in the models of Hugging Face's Transformers.
  case halves
}

extension Tensor {
  /// Turns pairs of values of each head of [N, T, …] by angles t / base^(2i / headWidth).
  ///
  /// - Parameters:
  ///   - headWidth: how many values a head has, an even number.
  ///   - columns: how many of a row's values are heads, from the first on; all by default. Of queries, keys
  ///     and values behind one another, two thirds.
  public func rotated(
    headWidth: Int, columns: Int? = nil, base: Float = 10_000,
    pairing: RotaryPairing = .neighbours
  ) -> Tensor {
    let place = graph.place
    let operation = Rotary(
      headWidth: headWidth, columns: columns ?? shape.last ?? 0, base: base, pairing: pairing,
      isReversed: false, limit: place?.context)
    return graph.apply(operation, [self] + (place.map { [$0.position] } ?? []))[0]
  }
}

extension Rotary: ColumnOperation {
  /// A head's columns are turned among themselves.
  func origin(
    ofColumn column: Int, headWidth: Int, from inputs: [TensorType], to result: TensorType
  ) -> ColumnOrigin? {
    headWidth % self.headWidth == 0 ? .column(column) : nil
  }
}
