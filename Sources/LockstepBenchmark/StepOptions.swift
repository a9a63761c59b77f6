import LockstepFold
import LockstepEngine
import LockstepFold
import LockstepTraining

/// What a measurement of whole training steps takes: the model, how it is trained, how long to measure.
package struct StepOptions: Sendable {
  /// The model.
  package var model = BenchmarkModel.mlp
  /// The number of positions of an example; the model's own if nil.
  package var sequence: Int?
  /// The global batch size.
  package var batchSize = 128
  /// The number of logical shards; nil for the default of the batch size.
  package var shards: Int?
  /// Threads a rank.
  package var threads = 1
  /// How the model is computed.
  package var plan = PlanOptions()
  /// How gradients travel.
  package var wire = WirePrecision.float32
  /// The global norm to clip at; nil for none.
  package var clip: Double? = 1
  /// The radius that rows of kernels are kept within, of models of images; nil for none.
  package var maxNorm: Float? = 3
  /// Which ranks update which parameters.
  package var sharing = UpdateSharing.automatic
  /// The number of measurements.
  package var windows = 7
  /// The length of a measurement in seconds.
  package var seconds = 0.5

  /// The defaults: the perceptron with a batch of 128.
  package init() {}
}
