import LockstepEngine
import Testing

@Suite struct MatrixProductsTests {
  private func product(
    _ set: InstructionSet, _ isTransposed: Bool, _ left: [Float], _ right: [Float], rows: Int,
    terms: Int, columns: Int
  ) -> [Float] {
    var result = [Float](repeating: .nan, count: rows * columns)
    let scratch = Arena<Float>(
      count: MatrixProducts.scratch(rows: rows, terms: terms, columns: columns))
    let products = MatrixProducts(set)
    result.withUnsafeMutableBufferPointer { y in
      if isTransposed {
        products.transposed(
          y.baseAddress!, left, right, rows: rows, terms: terms, columns: columns,
          scratch: scratch.base)
      } else {
        products.plain(
          y.baseAddress!, left, right, rows: rows, terms: terms, columns: columns,
          scratch: scratch.base)
      }
    }
    return result
  }

  /// One chain of fused multiply-adds an element, on every instruction set.
  @Test(arguments: [
    (1, 1, 1), (3, 5, 7), (16, 64, 16), (40, 117, 40), (130, 300, 145), (200, 33, 9),
  ])
  func productsAreChainsOfMultiplyAdds(_ rows: Int, _ terms: Int, _ columns: Int) {
    var random = CounterGenerator(seed: UInt64(rows), .synthesis)
    func values(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.nextNormal()) } }
    let (left, right) = (values(rows * terms), values(terms * columns))
    for isTransposed in [true, false] {
      var expected = [Float](repeating: 0, count: rows * columns)
      for row in 0..<rows {
        for column in 0..<columns {
          var sum: Float = 0
          for term in 0..<terms {
            let place = isTransposed ? column * terms + term : term * columns + column
            sum.addProduct(left[row * terms + term], right[place])
          }
          expected[row * columns + column] = sum
        }
      }
      for set in InstructionSet.allCases where set <= .detected {
        let found = product(
          set, isTransposed, left, right, rows: rows, terms: terms, columns: columns)
        #expect(found == expected, "\(set), \(rows) x \(terms) x \(columns), \(isTransposed)")
      }
    }
  }
}
