/// Values of very different magnitude, so that the order of additions shows in the bits.
public func roughValues(_ count: Int, seed: UInt64) -> [Float] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let mantissa = Float(Int32(truncatingIfNeeded: state >> 33)) / Float(1 << 30)
    return mantissa * Float(sign: .plus, exponent: Int(state >> 58) % 13 - 6, significand: 1)
  }
}
