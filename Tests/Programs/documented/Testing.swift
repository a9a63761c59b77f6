// Examples of docs/testing.md.
import Lockstep
import LockstepTesting

func trainingHasTheSameBits() throws -> Bool {
  let difference = try SameBits.difference(ranks: 1...4) { ranks in
    let blobs = try SyntheticData.blobs(count: 64, features: 3, classes: 2, seed: 1)
    let source = try ModelSource(
      Sequential.multilayerPerceptron(sizes: [8, 2]), loss: .softmaxCrossEntropy(), on: blobs,
      seed: 1)
    let step = try TrainingStep(
      source: source, update: source.update(.sgd(learningRate: 0.1)), shards: 4, on: ranks)
    for number in 0..<5 {
      _ = try step.run(
        StepBatch(step: number, epoch: 0, examples: Array(0..<64)[...], shards: 4))
    }
    return Weights(of: source).fingerprint()
  }
  if let difference { print(difference) }
  return difference == nil
}

func ringHasThreeRanks(_ program: String) throws -> Bool {
  let result = try MPIRunner.run(program, ["size"], ranks: 3, deadline: .seconds(30))
  return result.succeeded && result.lines.filter { $0 == "size 3" }.count == 3
}
