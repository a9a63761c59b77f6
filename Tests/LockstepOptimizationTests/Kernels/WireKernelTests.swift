import CLockstepKernels
import LockstepEngine
import Testing

/// Rounding to bf16 and packing: the definition, and equal bits of all instruction sets.
@Suite struct WireKernelTests {
  private static let sets = InstructionSet.allCases.filter { $0 <= .detected }

  /// The nearest number whose lower half is zero; of two equally near ones, the even one.
  private static func rounded(_ value: Float) -> Float {
    guard value.isFinite else { return value }
    let below = Float(bitPattern: value.bitPattern & 0xffff_0000)
    let above = Float(bitPattern: (value.bitPattern & 0xffff_0000) &+ 0x1_0000)
    // Beyond the largest bf16 number the next one would be 2^128, which Double still has.
    let next = above.isFinite ? Double(above) : value < 0 ? -0x1p128 : 0x1p128
    let (down, up) = (abs(Double(value) - Double(below)), abs(next - Double(value)))
    if down != up { return down < up ? below : above }
    return below.bitPattern & 0x1_0000 == 0 ? below : above
  }

  /// Ties, neighbours of ties, ends of the range, and bits of all kinds.
  private static let values: [Float] = {
    var patterns: [UInt32] = [
      0, 0x8000_0000, 0x3f80_8000, 0x3f81_8000, 0x3f80_8001, 0x3f80_7fff, 0x7f7f_ffff, 0x7f7f_8000,
      0x7f7f_7fff, 0xff7f_ffff, 0x7f80_0000, 0xff80_0000, 0x0080_0000, 0x3fff_ffff,
    ]
    var state: UInt32 = 7
    for _ in 0..<2000 {
      state = state &* 1_664_525 &+ 1_013_904_223
      patterns.append(state)
    }
    return patterns.map { Float(bitPattern: $0) }.filter { !$0.isNaN && !$0.isSubnormal }
  }()

  @Test(arguments: [0, 1, 15, 16, 17, 1900])
  func roundsToTheNearestWithTiesToEven(count: Int) {
    let values = Array(Self.values.prefix(count))
    let expected = values.map { Self.rounded($0).bitPattern }
    for set in Self.sets {
      let kernels = lockstep_wire_kernels_for(lockstep_isa(rawValue: set.rawValue)).pointee
      var out = Array(repeating: Float(0), count: count)
      kernels.round(&out, values, count)
      #expect(out.map(\.bitPattern) == expected)
      var again = out
      kernels.round(&again, out, count)
      #expect(again.map(\.bitPattern) == expected, "rounding is idempotent")

      var halves = Array(repeating: UInt16(0), count: count)
      kernels.pack(&halves, out, count)
      var back = Array(repeating: Float(1), count: count)
      kernels.unpack(&back, halves, count)
      #expect(back.map(\.bitPattern) == expected, "packing loses nothing of what is rounded")

      let others = Array(values.reversed())
      var sums = Array(repeating: Float(0), count: count)
      kernels.add_round(&sums, values, others, count)
      for (sum, (a, b)) in zip(sums, zip(values, others)) where !(a + b).isSubnormal {
        #expect(sum.isNaN ? (a + b).isNaN : sum == Self.rounded(a + b))
      }
    }
  }

  @Test func aNaNStaysOne() {
    let patterns: [UInt32] = [0x7fff_ffff, 0x7f80_0001, 0xffff_ffff, 0xff80_8000]
    for set in Self.sets {
      let kernels = lockstep_wire_kernels_for(lockstep_isa(rawValue: set.rawValue)).pointee
      let values = patterns.map { Float(bitPattern: $0) }
      var out = Array(repeating: Float(0), count: values.count)
      kernels.round(&out, values, values.count)
      #expect(out.allSatisfy { $0.isNaN })
    }
  }
}
