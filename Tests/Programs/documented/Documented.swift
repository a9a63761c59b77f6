// Examples of the documentation that are not programs of their own.
import Lockstep

struct Gated: Layer {
  let identity = LayerIdentity()
  let features: Int

  func forward(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard scope.require(input.shape.last == features, "expects \(features) features") else {
      return input
    }
    let gate = scope.parameter("gate", [features], ConstantInitializer(0))
    return input * gate.sigmoid()
  }
}

func documentedLayer() throws -> String {
  try trace(Gated(features: 3), inputShape: [3], batchCount: 2, training: true)
    .output.shape.description
}

func documentedUpdate() throws -> Int {
  let layout = FlatLayout([("weight", [4, 8]), ("bias", [4])])
  let chain =
    Chain(ClipByGlobalNorm(1)) + .adamW(learningRate: .warmup(steps: 500, start: 0, then: 1e-3))
  let rule = try UpdateRule(layout: layout, chain: chain, constraints: [.maxNorm(2), nil])
  return rule.updateCount
}
