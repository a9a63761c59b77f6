// Examples of the documentation that are not programs of their own.
import Lockstep

struct Gated: Layer {
  let identity = LayerIdentity()
  let features: Int

  func forward(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard scope.require(input.shape.last == features, "expects \(features) features") else {
      return input
    }
    let gate = scope.parameter("gate", [features], .constant(0))
    return input * gate.sigmoid()
  }
}

func documentedLayer() throws -> String {
  try trace(Gated(features: 3), inputShape: [3], batchCount: 2, training: true)
    .output.shape.description
}

struct Noise: InputTransform {
  let deviation: Float
  var description: String { "noise of deviation \(deviation)" }

  func problem(with inputShape: [Int]) -> String? {
    deviation >= 0 ? nil : "a deviation is not negative"
  }

  func apply(
    to values: inout MutableSpan<Float>, of input: ExampleInput, random: inout CounterGenerator
  ) {
    for index in values.indices { values[index] += deviation * Float(random.nextNormal()) }
  }
}

/// The mean square by which noise of deviation 0.1 changes digits.
func documentedNoise() throws -> Double {
  let dataset = try EmbeddedData.digits().training
  let augmentation = try Augmentation([Noise(deviation: 0.1)], for: dataset)
  var sum = 0.0
  for example in 0..<10 {
    let before = try dataset.inputValues(of: [example])
    let after = try augmentation.applied(to: before, example: example, epoch: 0, seed: 1)
    for (new, old) in zip(after, before) { sum += Double((new - old) * (new - old)) }
  }
  return sum / 7840
}

func documentedUpdate() throws -> Int {
  let layout = FlatLayout([("weight", [4, 8]), ("bias", [4])])
  let chain =
    Chain(.clipByGlobalNorm(1)) + .adamW(learningRate: .warmup(steps: 500, start: 0, then: 1e-3))
  let rule = try UpdateRule(layout: layout, chain: chain, constraints: [.maxNorm(2), nil])
  return rule.updateCount
}
