import Lockstep

/// Shrinks each feature by a threshold that is learned, and stays non-negative.
struct Shrinkage: Layer {
  let identity = LayerIdentity()

  func forward(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard scope.require(input.shape.count == 2, "expects [N, C], got \(input.shape)") else {
      return input
    }
    let threshold = scope.parameter(
      "threshold", [input.shape[1]], .constant(0.1), constraint: .nonNegative)
    return input.apply(SoftThreshold(), threshold)
  }
}

struct Classifier: Model {
  let hidden = Linear(64)
  let shrinkage = Shrinkage()
  let dropout = Dropout(0.1)
  let head = Linear(10)

  func callAsFunction(_ image: Tensor) -> Tensor {
    head(dropout(shrinkage(hidden(image.flattened()))))
  }
}

Lockstep.run { ranks in
  let digits = try EmbeddedData.digits()
  let training = try Training(
    Classifier(), on: digits.training, loss: .softmaxCrossEntropy(),
    update: .adamW(learningRate: 3e-3), batchSize: 128, epochs: 5, seed: 1, ranks: ranks)
  try training.evaluate(on: digits.test) { print("epoch \($0.epoch): accuracy \($0.accuracy)") }
  if let fingerprint = try training.fit().fingerprint { ranks.print("fingerprint \(fingerprint)") }
}
