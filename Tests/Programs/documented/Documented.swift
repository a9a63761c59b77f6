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

struct Noise: InputTransform {
  let deviation: Float
  var description: String { "noise of deviation \(deviation)" }

  func problem(with inputShape: [Int]) -> String? {
    deviation >= 0 ? nil : "a deviation is not negative"
  }

  func apply(to input: ExampleInput, random: inout CounterGenerator) {
    for index in input.values.indices {
      input.values[index] += deviation * Float(random.nextNormal())
    }
  }
}

/// The mean square by which noise of deviation 0.1 changes digits.
func documentedNoise() throws -> Double {
  let dataset = try EmbeddedData.digits().training
  let augmentation = try Augmentation([Noise(deviation: 0.1)], for: dataset)
  let (values, scratch) = (Arena<Float>(count: 784), Arena<Float>(count: 784))
  var sum = 0.0
  for example in 0..<10 {
    try dataset.copyInputs(of: [example], into: values.buffer)
    let before = Array(values.buffer)
    let input = try ExampleInput(
      values: values.buffer, shape: dataset.inputShape, blank: dataset.blank,
      scratch: scratch.buffer)
    try augmentation.apply(to: input, example: example, epoch: 0, seed: 1)
    for (new, old) in zip(values.buffer, before) { sum += Double((new - old) * (new - old)) }
  }
  return sum / 7840
}

func documentedUpdate() throws -> Int {
  let layout = FlatLayout([("weight", [4, 8]), ("bias", [4])])
  let chain =
    Chain(ClipByGlobalNorm(1)) + .adamW(learningRate: .warmup(steps: 500, start: 0, then: 1e-3))
  let rule = try UpdateRule(layout: layout, chain: chain, constraints: [.maxNorm(2), nil])
  return rule.updateCount
}
