import Lockstep
import LockstepConfiguration

extension TrainedModel {
  /// What computes the model's outputs. Called by all ranks.
  func exampleOutputs(on collective: any Collective) throws -> ExampleOutputs {
    try ExampleOutputs(
      of: source, on: part.examples, batchSize: named.configuration.evaluationBatchSize,
      ranks: collective)
  }

  /// The model's outputs for all examples, on rank 0. Called by all ranks.
  func outputs(on collective: any Collective) throws -> [Float] {
    try exampleOutputs(on: collective).values(of: 0..<part.examples.count, on: collective)
  }
}
