// Examples of docs/transfer.md and docs/hessian-free.md.
import Lockstep

func loadUnderOtherNames(_ source: ModelSource) throws {
  let names = try NameMap([
    .init("module.*", to: "*"),  // a prefix taken away …
    .init("backbone.*", to: "features.*"),  // … or another put in its place
    .init("fc.*", to: nil),  // left out: a new head
  ])
  let report = try Weights(of: source).load("pretrained.safetensors", names: names, .lenient)
  for line in report.lines { print(line) }
}

func frozenTrunk(
  _ model: any Model, _ loss: any LossFunction, _ data: Dataset
) throws -> ModelSource {
  let frozen = Freezing(parameters: ["features.*"], batchNorms: ["features.*"])
  let source = try ModelSource(model, loss: loss, on: data, seed: 1, freezing: frozen)
  return source
}

func gradual() -> TrainingOptions {
  let frozen = Freezing(
    parameters: ["features.*"],
    unfreezing: [.fromEpoch(2, ["features.3.*"]), .fromStep(400, ["*"])])
  let options = TrainingOptions(freezing: frozen)
  return options
}

func distilled(
  _ small: any Model, from large: ModelSource, _ data: Dataset, on ranks: any Collective
) throws -> ModelSource {
  let loss: any LossFunction = try .distillation(temperature: 3, weight: 0.7)
  let student = try ModelSource(small, loss: loss, on: data, seed: 1)
  student.teacher = try TeacherLogits(of: ModelEvaluator(large, on: data), on: ranks)
  return student
}

func secondOrder(_ source: ModelSource, on ranks: any Collective) throws -> HessianFreeStep {
  let options = HessianFreeOptions(curvatureExamples: 1000)
  let step = try HessianFreeStep(
    source: source, update: try source.update(Chain()), options: options, shards: 8, on: ranks)
  return step
}

/// Runs the examples on small data: a student of another model, then a second-order step.
func documentedTransfer() throws -> Int {
  let ranks = SoloCollective()
  let blobs = try SyntheticData.blobs(count: 64, features: 3, classes: 2, seed: 1)
  let large = try ModelSource(
    Sequential.multilayerPerceptron(sizes: [8, 2]), loss: .softmaxCrossEntropy(), on: blobs, seed: 1
  )
  let student = try distilled(
    Sequential.multilayerPerceptron(sizes: [4, 2]), from: large, blobs, on: ranks)
  let batch = StepBatch(step: 0, epoch: 0, examples: Array(0..<64)[...], shards: 8)
  return try secondOrder(student, on: ranks).run(batch).step
}
