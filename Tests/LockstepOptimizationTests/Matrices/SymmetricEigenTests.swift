import LockstepEngine
import LockstepOptimization
import Testing

@Suite struct SymmetricEigenTests {
  /// A symmetric matrix G Gᵀ of some rank, times a scale.
  private func matrix(_ n: Int, rank: Int, scale: Float, seed: UInt64) -> [Float] {
    var generator = FixedGenerator(seed: seed)
    let rows = generator.values(n * max(rank, 1))
    return (0..<n * n).map { index in
      let (i, j) = (index / n, index % n)
      return scale
        * (0..<rank).reduce(Float(0)) { $0 + rows[i * rank + $1] * rows[j * rank + $1] }
    }
  }

  /// V Vᵀ = I, Vᵀ Λ V = A, the largest first.
  @Test(
    arguments: [
      (1, 1, 1), (2, 2, 1), (3, 1, 1), (17, 17, 1), (40, 12, 1e18), (40, 40, 1e-18), (64, 0, 1),
      (130, 130, 1),
    ] as [(Int, Int, Float)])
  func whatIsTakenApartIsWhatItWas(_ n: Int, _ rank: Int, _ scale: Float) {
    let values = matrix(n, rank: rank, scale: scale, seed: UInt64(n))
    let eigen = SymmetricEigen()
    eigen.decompose(values, n)
    let (found, vectors) = (eigen.values, eigen.vectors)
    let size = values.reduce(0.0) { max($0, Double($1.magnitude)) } * Double(n)
    for i in 0..<n {
      if i > 0 { #expect(found[i] <= found[i - 1]) }
      for j in 0...i {
        let product = (0..<n).reduce(0.0) {
          $0 + Double(vectors[i * n + $1]) * Double(vectors[j * n + $1])
        }
        #expect((product - (i == j ? 1 : 0)).magnitude < 1e-6)
        let entry = (0..<n).reduce(0.0) {
          $0 + found[$1] * Double(vectors[$1 * n + i]) * Double(vectors[$1 * n + j])
        }
        #expect((entry - Double(values[i * n + j])).magnitude <= 1e-6 * size)
      }
    }
  }

  @Test func diagonalMatricesAreOnlySorted() {
    let eigen = SymmetricEigen()
    eigen.decompose([2, 0, 0, 0, 5, 0, 0, 0, -1], 3)
    #expect((0..<3).map { eigen.values[$0] } == [5, 2, -1])
    #expect((0..<9).map { eigen.vectors[$0].magnitude } == [0, 1, 0, 1, 0, 0, 0, 0, 1])
  }

  @Test func whatIsNotFiniteEnds() {
    let eigen = SymmetricEigen()
    for value in [Float.nan, .infinity] {
      eigen.decompose([1, 2, 3, 2, value, 1, 3, 1, 1], 3)
      #expect((0..<3).allSatisfy { eigen.values[$0].isNaN })
    }
  }

  /// Rows that others span, or that are zero, give way to the spare ones.
  @Test func rowsBecomeOrthonormalWhateverTheyWere() {
    let n = 12
    var generator = FixedGenerator(seed: 3)
    var rows = generator.values(n * n)
    for k in 0..<n {
      rows[3 * n + k] = 0
      rows[5 * n + k] = 2 * rows[n + k] - rows[2 * n + k]
      rows[7 * n + k] *= 1e-30
      rows[8 * n + k] = rows[7 * n + k]
    }
    let spares = generator.values(n * n)
    for spare in [spares, [Float](repeating: 0, count: n * n)] {
      var result = [Float](repeating: 0, count: n * n)
      rows.withUnsafeBufferPointer { rows in
        spare.withUnsafeBufferPointer { spare in
          OrthonormalRows().make(&result, n) {
            rows.baseAddress! + $0 * n
          } spare: {
            spare.baseAddress! + $0 * n
          }
        }
      }
      for i in 0..<n {
        for j in 0...i {
          let product = (0..<n).reduce(0.0) {
            $0 + Double(result[i * n + $1]) * Double(result[j * n + $1])
          }
          #expect((product - (i == j ? 1 : 0)).magnitude < 1e-6, "\(i), \(j)")
        }
      }
    }
  }
}
