import CLockstepKernels
import LockstepEngine
import Testing

/// What the fold does with a block: the same bits in all tables.
@Suite struct ArenaKernelTests {
  private static let tables = InstructionSet.allCases.filter { $0 <= .detected }.map {
    lockstep_arena_kernels_for(lockstep_isa(rawValue: $0.rawValue)).pointee
  }

  /// Of all magnitudes, denormal ones and such that become so among them, and what is no number.
  private static let values: [Float] =
    (0..<1003).map { index in
      let mantissa = 1 + Float((index * 7919) % 8_388_608) / 8_388_608
      return (index % 2 == 0 ? mantissa : -mantissa)
        * Float(sign: .plus, exponent: index % 250 - 126, significand: 1)
    } + [0, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude]

  /// Powers of two, for which it multiplies, the ends of their range, and other divisors.
  @Test(arguments: [
    1, 2, 128, 0.5, -64, 0x1p126, 0x1p127, 0x1p-126, 0x1p-127, 0x1p-149, 3, 21, 0.1, 1.5,
  ])
  func quotientsAreThoseOfDivisions(divisor: Float) {
    for table in Self.tables {
      for count in [0, 1, 15, 16, 17, Self.values.count] {
        var quotients = Self.values
        quotients.withUnsafeMutableBufferPointer {
          table.divide($0.baseAddress!, $0.baseAddress!, divisor, count)
        }
        let expected = Self.values.prefix(count).map { $0 / divisor } + Self.values.dropFirst(count)
        #expect(quotients.map(\.bitPattern) == expected.map(\.bitPattern))
      }
    }
  }

  @Test(arguments: [Float(0), .nan]) func whatCannotBeDividedIsNoNumber(divisor: Float) {
    for table in Self.tables {
      var quotients: [Float] = [1, 0]
      table.divide(&quotients, quotients, divisor, 2)
      #expect(!quotients[0].isFinite && quotients[1].isNaN)
    }
  }
}
