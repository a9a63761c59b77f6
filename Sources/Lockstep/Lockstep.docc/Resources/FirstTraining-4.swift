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

Lockstep.run { ranks in
  let digits = try EmbeddedData.digits()
  let training = try Training(
    Classifier(), on: digits.training, loss: .softmaxCrossEntropy(),
    update: .adamW(learningRate: 3e-3).clipped(globalNorm: 1),
    batchSize: 128, epochs: 5, seed: 1, ranks: ranks)
}
