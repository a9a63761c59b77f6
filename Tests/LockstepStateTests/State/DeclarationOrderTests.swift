import LockstepCollective
import LockstepState
import LockstepFold
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// What a model declares goes with its parameters, whatever of it is frozen.
@Suite struct DeclarationOrderTests {
  private struct Network: Model {
    let first: Linear
    let norm = BatchNorm1d()
    let second = Linear(3)

    init(trainable: Bool = true) { first = Linear(5, trainable: trainable) }

    func callAsFunction(_ input: Tensor) -> Tensor { second(norm(first(input)).relu()) }
  }

  private static func source(
    _ frozen: [String] = [], trainable: Bool = true
  ) throws -> ModelSource {
    try ModelSource(
      Network(trainable: trainable), loss: SoftmaxCrossEntropy(),
      on: SyntheticData.blobs(count: 24, features: 4, classes: 3, seed: 2), seed: 7,
      freezing: Freezing(parameters: frozen))
  }

  @Test("equal weights have one fingerprint, whatever is frozen")
  func fingerprints() throws {
    let whole = Weights(of: try Self.source()).fingerprint()
    for frozen in [["first.*"], ["second.weight"], ["norm.*", "first.bias"], ["*"]] {
      #expect(Weights(of: try Self.source(frozen)).fingerprint() == whole, "\(frozen)")
    }
    #expect(Weights(of: try Self.source(trainable: false)).fingerprint() == whole)
  }

  @Test("a file of a model with frozen parameters reads into one without, in one order")
  func files() throws {
    try withTemporaryDirectory { directory in
      let (frozen, whole) = (try Self.source(["first.*"]), try Self.source())
      try Weights(of: frozen).write(
        "\(directory)/weights.safetensors",
        metadata: ["lockstep.fingerprint": Weights(of: frozen).fingerprint().description])
      whole.memory.initialize(seed: 99)
      try Weights(of: whole).read("\(directory)/weights.safetensors")
      #expect(Weights(of: whole).fingerprint() == Weights(of: frozen).fingerprint())
      try Weights(of: whole).write("\(directory)/again.safetensors")
      let names = try ["weights", "again"].map {
        try SafetensorsFile("\(directory)/\($0).safetensors").fingerprints().map(\.name)
      }
      #expect(names[0] == names[1])
      #expect(names[0].first == "first.weight")
    }
  }

  @Test("the constraints that layers carry come along with the layout")
  func constraints() throws {
    let data = try SyntheticData.blobs(count: 16, features: 3, classes: 2, seed: 2)
    func trained(_ rule: (ModelSource) throws -> UpdateRule) throws -> ModelSource {
      let source = try ModelSource(
        Sequential {
          Linear(6, constraint: .maxNorm(0.1))
          Linear(2)
        }, loss: SoftmaxCrossEntropy(), on: data, seed: 3)
      let step = try TrainingStep(
        source: source, update: try rule(source), shards: 2, on: SoloCollective())
      for number in 0..<3 {
        _ = try step.run(
          StepBatch(step: number, epoch: 0, examples: Array(0..<16)[...], shards: 2))
      }
      return source
    }
    let chain = Chain.sgd(learningRate: 0.5)
    let explicit = try trained { source in try source.update(chain) }
    let implicit = try trained { source in
      try UpdateRule(
        layout: source.memory.trainableLayout, chain: chain, average: WeightAverage(decay: 0.5))
    }
    let none = try trained { source in
      try UpdateRule(layout: source.memory.trainableLayout, chain: chain, constraints: [])
    }
    #expect(Weights(of: explicit).fingerprint() == Weights(of: implicit).fingerprint())
    #expect(Weights(of: explicit).fingerprint() != Weights(of: none).fingerprint())
    let weight = implicit.memory.trainable[implicit.memory.trainableLayout.slots[0].range]
    for unit in 0..<6 {
      let row = weight[weight.startIndex + 3 * unit..<weight.startIndex + 3 * unit + 3]
      #expect(row.reduce(0) { $0 + $1 * $1 }.squareRoot() < 0.1001)
    }
  }
}
