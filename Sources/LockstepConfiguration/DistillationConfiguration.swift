import LockstepCatalog
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

  /// An error about the teacher.
  private func refusal(_ reason: String) -> ConfigurationError {
    ConfigurationError(
      source: source, path: "distillation.teacher", reason: "'distillation.teacher' \(reason)")
  }

  /// The teacher's logits for all examples, computed once, cut over the ranks. Called by all ranks;
  /// rank 0 alone reads files.
  ///
  /// - Parameters:
  ///   - data: what training learned about the examples.
  ///   - labelLoss: the loss of the labels, by which the teacher's outputs must fit them.
  ///   - classes: the number of the student's outputs.
  /// - Returns: the logits, and the teacher's weights as a condition of the run.
  /// - Throws: ``ConfigurationError`` where the teacher cannot be read, or does not fit the examples
  ///   or the student.
  func logits(
    for examples: Dataset, _ data: DataDescription, labelLoss: any LossFunction, classes: Int,
    options: PlanOptions,
    on collective: any Collective
  ) throws -> (TeacherLogits, RunCondition) {
    let isFile = try collective.fromRoot { [FileKind(teacher) == .directory ? 0 : 1] } == [1]
    let model = try model ?? self.model(isFile, on: collective)
    let source: ModelSource
    do {
      source = try ModelSource(model, loss: labelLoss, on: examples, seed: 0, options: options)
    } catch { throw refusal("does not fit the examples: \(error)") }
    let outputs = try source.outputShape()
    guard outputs == [classes] else {
      let text = outputs.count == 1 ? "\(outputs[0]) outputs" : "outputs of the shape \(outputs)"
      throw refusal(
        "has \(text), and the model has \(classes): they must be logits of one set of classes")
    }
    let weights = Weights(of: source)
    try collective.onRoot {
      let file: WeightsFile
      do {
        file = try WeightsFile(teacher)
        try weights.read(file)
      } catch { throw refusal("cannot be read: \(error)") }
      try check(file, data)
    }
    let registry = StateRegistry()
    try registry.add(source.stateEntries, of: source)
    try registry.broadcast(on: collective)
    let condition = RunCondition(
      "distillation.teacher", weights.fingerprint().description, otherwise: .refused
    ) { [teacher] _ in
      "the teacher '\(teacher)' has other weights than the run was started with: put those back, or "
        + "start another run directory"
    }
    return (
      try TeacherLogits(of: ModelEvaluator(source, on: examples), on: collective), condition
    )
  }

  /// Makes sure that the teacher learned from inputs as the student gets them, where its file says
  /// what it learned from.
  private func check(_ file: WeightsFile, _ data: DataDescription) throws {
    guard let text = file.metadata(DataDescription.metadataKey) else { return }
    let taught = try DataDescription(parsing: Array(text.utf8), source: file.path)
    if let conflict = data.conflict(withTrainingOn: taught) {
      throw refusal("was trained on other data: \(conflict)")
    }
    let isSame =
      switch (data.input, taught.input) {
      case (.columns(let mine), .columns(let theirs)): mine.columns == theirs.columns
      default: data.input == taught.input
      }
    guard isSame else {
      throw refusal(
        "was trained on inputs that were brought to numbers in another way (other columns, shapes, "
          + "means or deviations): train both on the same training part, or set 'mean' and 'deviation' "
          + "or 'standardize' of 'data' alike")
    }
  }

  /// The model of the teacher's run.
  private func model(_ isFile: Bool, on collective: any Collective) throws -> any Model {
    if isFile {
      throw refusal(
        "is '\(teacher)', which is no run directory: give 'distillation.model' beside a file of weights"
      )
    }
    let path = "\(teacher)/config.json"
    let text = try collective.fromRoot {
      do { return try FileInput.contents(of: path, limit: 64 << 20) } catch {
        throw refusal("cannot be read: \(error)")
      }
    }
    return try RunConfiguration(parsing: text, source: path).model
  }
}

// MARK: - Reading

extension DistillationConfiguration {
  static let form = Form(
    "distillation",
    [
      .required("teacher", .file, "a run directory, or a safetensors file"),
      .optional(
        "model", .object { ModelCatalog.form }, "the teacher's model, as under `model`",
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
      model = try ModelCatalog.make(object)
    } else {
      model = nil
    }
    temperature = values["temperature"]
    weight = values["weight"]
    source = values.source
  }
}
