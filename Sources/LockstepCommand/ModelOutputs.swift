import Lockstep
import LockstepConfiguration

extension TrainedModel {
  /// What computes the model's outputs. Called by all ranks.
  ///
  /// - Parameter areAll: whether the outputs of all heads are computed, or those of the first alone.
  func exampleOutputs(
    areAll: Bool = false, on collective: any Collective
  ) throws -> ExampleOutputs {
    try ExampleOutputs(
      of: source, on: part.examples, batchSize: named.configuration.evaluationBatchSize,
      areAll: areAll, ranks: collective)
  }

  /// The model's outputs for all examples, on rank 0. Called by all ranks.
  func outputs(on collective: any Collective) throws -> [Float] {
    try exampleOutputs(on: collective).values(of: 0..<part.examples.count, on: collective)
  }
}
