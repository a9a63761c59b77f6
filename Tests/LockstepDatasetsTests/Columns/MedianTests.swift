import LockstepDatasets
import LockstepFiles
import Testing

/// The median that is found by counting is the one that sorting finds.
@Suite struct MedianTests {
  private func median(_ values: [Double]) throws -> Double {
    try Median.of(count: values.count) { body in values.forEach(body) }
  }

  @Test func itIsThatOfSortedNumbers() throws {
    var generator = SystemRandomNumberGenerator()
    for count in [1, 2, 3, 4, 5, 50, 51, 1000] {
      for scale in [1e-300, 1, 1e12] {
        let values = (0..<count).map { _ in
          Double.random(in: -1...1, using: &generator) * scale
        }
        let sorted = values.sorted()
        #expect(try median(values) == (sorted[(count - 1) / 2] + sorted[count / 2]) / 2)
      }
    }
  }

  @Test func equalNumbersAndZeros() throws {
    #expect(try median([2, 2, 2, 2]) == 2)
    #expect(try median([1, 2, 2, 3]) == 2)
    #expect(try median([1, 1, 2, 2]) == 1.5)
    #expect(try median([-0.0, 0.0]).sign == .plus)
    #expect(try median([-5, -0.0, 7]) == 0)
    #expect(try median([-3, -1]) == -2)
    #expect(try median([.greatestFiniteMagnitude, -1, -.greatestFiniteMagnitude]) == -1)
  }
}
