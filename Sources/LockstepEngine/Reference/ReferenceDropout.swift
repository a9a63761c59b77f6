extension Dropout {
  /// The mask's definition, which every other implementation follows: Philox4x32-10 with the
  /// counter (element / 4, example in the global batch, step low, step high) and the key (seed low
  /// xor `key` · 0x9E3779B9, seed high), `element` being the row-major index in its example. Word
  /// `element mod 4` keeps the element if it is at least ⌊rate · 2³²⌋. The scale 1 / (1 − rate) is a
  /// Float32.
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let x = inputs[0]
    let elements = x.shape.dropFirst().reduce(1, *)
    let threshold = UInt32(Double(rate) * 4_294_967_296)
    let scale = Double(1 / (1 - rate))
    let generatorKey = SIMD2(
      UInt32(truncatingIfNeeded: context.seed) ^ (key &* 0x9E37_79B9),
      UInt32(truncatingIfNeeded: context.seed >> 32))
    var y = HostTensor(x.shape)
    for example in 0..<x.shape[0] {
      for element in 0..<elements {
        let words = Philox.block(
          counter: SIMD4(
            UInt32(element / 4), UInt32(context.firstExample + example),
            UInt32(truncatingIfNeeded: context.step),
            UInt32(truncatingIfNeeded: context.step >> 32)),
          key: generatorKey)
        let index = example * elements + element
        if words[element % 4] >= threshold { y.values[index] = x.values[index] * scale }
      }
    }
    return [y]
  }
}
