/// What each example's gradient is multiplied by, so that its norm is at most a limit C: min(1, C / ‖gᵢ‖).
///
/// Inputs: the norms [N] of parts of Σ wᵢ gᵢ, one at least, and the weights wᵢ [N] where examples differ in them.
/// Results: the coefficients [N], and the norms [N] of the gᵢ. A norm that is not finite gives a NaN, a weight of 0
/// a norm of 0. An example that does not count (``RunContext/presentExamples``) has a coefficient of 0, and a norm
/// of −1.
package struct ExampleCoefficients: Operation {
  package let limit: Double
  /// The weight of an example; nil where the last input has them.
  package let weight: Double?
  package var name: String { "clip of examples" }
  package var precisionRole: PrecisionRole { .exact }
  package var outputCount: Int { 2 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      inputs.count > (weight == nil ? 1 : 0)
        && inputs.allSatisfy { $0 == inputs[0] && $0.shape.count == 1 },
      "expects norms and weights [N], got \(inputs.map(\.shape))")
    return [inputs[0], inputs[0]]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }

  /// The coefficient of an example, and its norm.
  ///
  /// - Parameter squares: the square of the norm of wᵢ gᵢ.
  func clip(_ squares: Double, weight: Double) -> (coefficient: Double, norm: Double) {
    guard weight != 0 else { return (1, 0) }
    let norm = squares.squareRoot() / weight
    return (norm.isFinite ? (norm > limit ? limit / norm : 1) : .nan, norm)
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let parts = weight == nil ? inputs.dropLast() : inputs[...]
    let found = inputs[0].values.indices.map { example in
      clip(
        parts.reduce(0) { $0 + $1.values[example] * $1.values[example] },
        weight: weight ?? inputs[inputs.count - 1].values[example])
    }
    let shape = inputs[0].shape
    return [HostTensor(shape, found.map(\.coefficient)), HostTensor(shape, found.map(\.norm))]
  }
}

extension ExampleCoefficients: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let inputs = try site.inputs.map(plan.plain)
    let count = plan.type(site.outputs[0]).count
    let results = try site.outputs.map { plan.define($0, try .plain([count])) }
    let operation = self
    plan.emit(inputs + results, calling: "norms") { addresses in
      let inputs = addresses.dropLast(2).map(\.floats)
      let weights = operation.weight == nil ? inputs.last : nil
      let parts = weights == nil ? inputs : inputs.dropLast()
      let (coefficients, norms) = (
        addresses[inputs.count].floats, addresses[inputs.count + 1].floats
      )
      return { context in
        for example in 0..<count {
          guard example < context.presentExamples else {
            (coefficients[example], norms[example]) = (0, -1)
            continue
          }
          var squares = 0.0
          for part in parts { squares += Double(part[example]) * Double(part[example]) }
          let weight = operation.weight ?? weights.map { Double($0[example]) } ?? 1
          let found = operation.clip(squares, weight: weight)
          coefficients[example] = Float(found.coefficient)
          norms[example] = Float(found.norm)
        }
      }
    }
  }
}

extension ExampleCoefficients: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.arePerExample(site.inputs)
  }
}
