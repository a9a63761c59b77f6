import LockstepFiles
import Testing

@Suite struct WordingTests {
  @Test(
    "numbers as people read them",
    arguments: [
      (0, "0"), (1, "1"), (0.1, "0.1"), (0.123456, "0.1235"), (-2.5, "-2.5"), (12345.678, "12346"),
      (123456, "123456"), (1234567, "1.235e6"), (1e25, "1e25"), (9.999999999999999e24, "1e25"),
      (0.00012345, "0.0001234"), (1.5e-6, "1.5e-6"), (.infinity, "infinity"), (.nan, "NaN"),
      (0.30000000000000004, "0.3"), (999999.9, "1e6"), (.leastNonzeroMagnitude, "4.941e-324"),
    ])
  func numbers(_ value: Double, _ text: String) { #expect(readable(value) == text) }

  /// What is read back is the number to the digits asked for.
  @Test func digitsAreKept() throws {
    var value = 1.2345678e-30
    while value < 1e30 {
      for digits in 1...12 {
        let back = try #require(Double(readable(value, digits: digits)))
        #expect((back / value - 1).magnitude <= 0.5000001 * ExactPower.ten(1 - digits))
      }
      value *= 17.3
    }
  }

  @Test func nounsHaveTheirNumber() {
    #expect(counted(1, "shard") == "1 shard")
    #expect(counted(2, "shard") == "2 shards" && counted(0, "shard") == "0 shards")
    #expect(counted(3, "class", plural: "classes") == "3 classes")
  }
}

private enum ExactPower {
  static func ten(_ exponent: Int) -> Double { Double("1e\(exponent)") ?? 0 }
}
