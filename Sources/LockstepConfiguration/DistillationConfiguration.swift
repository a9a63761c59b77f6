import LockstepCatalog
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

// MARK: - Reading

extension DistillationConfiguration {
  static let form = Form(
    "distillation",
    [
      .required("teacher", .file, "a run directory, or a safetensors file"),
      .optional(
        "model", .object { ConfiguredModels.form }, "the teacher's model, as under `model`",
        absence: "the run directory's"),
      .with(
        "temperature", .number(NumberRange(to: 1_000_000, above: 0)), 2,
        "divides the logits of both"),
      .with("weight", .fraction, 0.5, "of the teacher's part in the loss"),
    ], shorthand: "teacher")

  /// - Parameter loss: the name of the loss of the labels.
  init(_ values: Hyperparameters, beside loss: String) throws(ConfigurationError) {
    guard loss == SoftmaxCrossEntropy().name else {
      throw ConfigurationError(
        source: values.source, path: values.path,
        reason: "'\(values.path)' needs the loss '\(SoftmaxCrossEntropy().name)'; found '\(loss)'")
    }
    teacher = values["teacher"]
    if let object = values.object("model") {
      model = try ConfiguredModels.make(object)
    } else {
      model = nil
    }
    temperature = values["temperature"]
    weight = values["weight"]
    source = values.source
  }
}
