import Lockstep

struct Classifier: Model {
  let conv = Conv2d(16, kernel: 3, padding: .same)
  let norm = BatchNorm2d()
  let hidden = Linear(64, constraint: .maxNorm(2))
  let head = Linear(10)

  func callAsFunction(_ image: Tensor) -> Tensor {
    let features = norm(conv(image)).relu().maxPooled(Window(kernel: [2, 2], strides: [2, 2]))
    return head(hidden(features.flattened()).relu())
  }
}

MPISession.run { world in
  let ranks = try MPICollective(world)
  let digits = try EmbeddedData.digits()
  let source = try ModelSource(
    Classifier(), loss: SoftmaxCrossEntropy(), on: digits.training, seed: 1)
  let update = try source.update(
    Chain(ClipByGlobalNorm(1), ScaleByAdam(), DecoupledWeightDecay(0.01), ScaleByLearningRate(3e-3))
  )
  let trainer = try Trainer(
    step: TrainingStep(source: source, update: update, shards: 8, on: ranks),
    sampler: Sampler(count: digits.training.count, batchSize: 128, seed: 1),
    evaluations: [
      try ModelEvaluator(source, on: digits.test).evaluation("test", shardSize: 125, on: ranks)
    ],
    options: TrainerOptions(epochs: 5), configuration: [:], on: ranks,
    listener: { event in
      if case .evaluation(let report, _, let epoch) = event {
        print("epoch \(epoch): accuracy \(report["accuracy"]!)")
      }
    })
  let outcome = try trainer.run()
  if ranks.isRoot, let fingerprint = outcome.fingerprint { print("fingerprint \(fingerprint)") }
}
