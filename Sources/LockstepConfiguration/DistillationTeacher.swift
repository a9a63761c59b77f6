import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepCollective
import LockstepState
import LockstepTraining

extension DistillationConfiguration {
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
    for examples: any ExampleSource, _ data: DataDescription, labelLoss: any LossFunction,
    classes: Int,
    options: PlanOptions,
    on collective: any Collective
  ) throws -> (TeacherLogits, RunCondition) {
    let isFile = try collective.fromRoot { [FileKind(teacher) == .directory ? 0 : 1] } == [1]
    let model = try model ?? self.model(isFile, on: collective)
    let source: ModelSource
    do {
      source = try ModelSource(
        SingleInputModel(model, categories: data.categories), losses: OutputLosses(labelLoss),
        on: examples, seed: 0, options: options)
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
