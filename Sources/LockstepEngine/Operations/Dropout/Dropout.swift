/// y = x / (1 − rate) where the generator keeps an element, zero elsewhere.
///
/// The mask is a function of the run's seed, the step, the example's index in the global batch,
/// the layer's `key` and the element's logical index in its example: it does not depend on ranks,
/// threads, shards or memory layout. The leading axis is the example. The reverse rule applies the
/// same mask again, so that no mask is stored.
package struct Dropout: Operation {
  package let rate: Float
  /// Tells one dropout of a model from another.
  package let key: UInt32
  package var name: String { "dropout" }
  package var precisionRole: PrecisionRole { .elementwise }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(rate >= 0 && rate < 1, "the rate must be in 0..<1, got \(rate)")
    try expect(!inputs[0].shape.isEmpty, "expects an input [N, …]")
    return [inputs[0]]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0]?.apply(self)]
  }
}

extension Tensor {
  /// Zeros a fraction `rate` of the elements and scales the others by 1 / (1 − rate), while the
  /// model is traced for training; the identity otherwise.
  public func dropout(rate: Float, key: UInt32) -> Tensor {
    graph.training && rate != 0 ? apply(Dropout(rate: rate, key: key)) : self
  }
}

extension Dropout {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    // The mask is a function of the position alone.
    [tangents[0]?.apply(self)]
  }
}

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
