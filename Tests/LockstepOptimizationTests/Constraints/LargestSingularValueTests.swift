import LockstepEngine
import LockstepOptimization
import Testing

@Suite struct LargestSingularValueTests {
  /// σ of u vᵀ + a small multiple of another pair is known; kernels count as matrices, vectors not.
  @Test func theyAreThoseOfTheMatrices() {
    let layout = FlatLayout([
      ("a", [5, 9]), ("bias", [5]), ("kernels", [4, 3, 2, 2]), ("zero", [3, 3]),
    ])
    var arena = [Float](repeating: 0, count: layout.count)
    for (slot, (first, second)) in [(0, (Float(3), Float(1))), (2, (0.5, 0.4))] {
      let tensor = layout.slots[slot]
      let columns = tensor.count / tensor.shape[0]
      // Two directions that are orthogonal in rows and in columns.
      for column in 0..<columns {
        let sign: Float = column % 2 == 0 ? 1 : -1
        let norm = Float(columns / 2 * 2).squareRoot()
        let isPaired = column < columns / 2 * 2
        arena[tensor.offset + column] = isPaired ? first / norm : 0
        arena[tensor.offset + columns + column] = isPaired ? second * sign / norm : 0
      }
    }
    arena[layout.slots[1].offset] = 100
    let measure = LargestSingularValues(layout)
    for _ in 0..<2 {
      let found = arena.withUnsafeBufferPointer { measure.values($0) }
      #expect(found.map(\.name) == ["a", "kernels", "zero"])
      #expect(abs(found[0].value - 3) < 1e-6)
      #expect(abs(found[1].value - 0.5) < 1e-4)
      #expect(found[2].value == 0)
    }
  }
}
