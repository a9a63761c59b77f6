import LockstepEngine
import LockstepTraining

/// Runs `body` on a group of one for one rank and on threads for more.
func group<Result: Sendable>(
  of ranks: Int, _ body: @escaping @Sendable (any Collective) throws -> Result
) throws -> [Result] {
  ranks == 1 ? [try body(SoloCollective())] : try InProcessGroup.run(ranks: ranks, body)
}

/// Values of very different magnitude, so that the order of additions shows in the bits.
func roughValues(_ count: Int, seed: UInt64) -> [Float] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let mantissa = Float(Int32(truncatingIfNeeded: state >> 33)) / Float(1 << 30)
    return mantissa * Float(sign: .plus, exponent: Int(state >> 58) % 13 - 6, significand: 1)
  }
}

/// The bit patterns of values, which also tell zeros and NaNs apart.
func bits(_ values: some Sequence<Float>) -> [UInt32] { values.map(\.bitPattern) }

extension Arena {
  /// A copy, taken while the arena is certainly alive.
  var values: [Element] { withExtendedLifetime(self) { Array(buffer) } }
}

extension GradientExchange {
  /// A copy of the folded arena, taken while the exchange is certainly alive.
  var foldedValues: [Float] { withExtendedLifetime(self) { Array(folded) } }
}
