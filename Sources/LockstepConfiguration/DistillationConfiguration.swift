import LockstepCollective
import LockstepState
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepTraining

/// The teacher that a run distils from, as a configuration names it.
package struct DistillationConfiguration: Sendable {
  /// A run directory, or a safetensors file.
  package let teacher: String
  /// The teacher's model; nil: the one of the run directory's `config.json`.
  let model: (any Model)?
  /// T.
  let temperature: Float
  /// α, the weight of the divergence from the teacher.
  let weight: Float
  /// The configuration's name, for errors.
  let source: String

  /// The loss, with its teacher beside the labels.
  func loss(_ labelLoss: any LossFunction) throws -> Distillation {
    try Distillation(labelLoss, temperature: temperature, weight: weight)
  }
}

extension ConfigurationReader {
  /// Reads `distillation`.
  ///
  /// - Parameter loss: the name of the loss of the labels.
  func distillation(beside loss: String) throws(ConfigurationError) -> DistillationConfiguration {
    guard loss == SoftmaxCrossEntropy().name else {
      throw ConfigurationError(
        source: source, path: path,
        reason: "'\(path)' needs the loss '\(SoftmaxCrossEntropy().name)'; found '\(loss)'")
    }
    let teacher = try filePath("teacher")
    var model: (any Model)?
    if let reader = try optionalObject("model") { model = try reader.make(reader.model()) }
    return DistillationConfiguration(
      teacher: teacher, model: model,
      temperature: Float(try double("temperature", default: 2, in: ...1_000_000, above: 0)),
      weight: Float(try double("weight", default: 0.5, in: 0...1)), source: source)
  }
}
