import LockstepCatalog
import LockstepState
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepTraining

/// The weights that a run starts from, as a configuration names them.
package struct InitialWeights: Sendable {
  /// A safetensors file, a checkpoint, or a run directory.
  package let file: String
  /// The checkpoint of the run directory; nil for its final weights.
  package let checkpoint: WeightsFile.Choice?
  /// How its names become the model's.
  package let names: NameMap
  /// What to do where file and model do not fit.
  package let loading: Weights.Loading
}

extension InitialWeights {
  /// Fills a model's weights.
  ///
  /// - Parameter data: what the model is trained on.
  /// - Returns: what the user should know, a line each.
  /// - Throws: `FileError`; no weight has changed then.
  func load(into source: ModelSource, _ data: DataDescription) throws -> [String] {
    let opened = try WeightsFile(file, checkpoint: checkpoint)
    let taught = try opened.metadata(DataDescription.metadataKey).map {
      try DataDescription(parsing: Array($0.utf8), source: opened.path)
    }
    let report = try Weights(of: source).load(opened, names: names, loading)
    return opened.notices + report.lines
      + (taught.map { Self.otherOrders(data, $0, report, source.declaredNames) } ?? [])
  }

  /// Where the weights were trained on other classes or columns, or on the same in another order: what
  /// that means for the layers that were loaded, a line each.
  private static func otherOrders(
    _ data: DataDescription, _ taught: DataDescription, _ report: WeightReport,
    _ parameters: [String]
  ) -> [String] {
    /// The layer of a parameter; nil where nothing of it was loaded.
    func loadedLayer(_ parameter: String?) -> String? {
      guard let parameter else { return nil }
      let layer = LayerName.of(parameter)
      return report.loaded.contains { LayerName.of($0) == layer } ? layer : nil
    }
    var lines: [String] = []
    if case .columns(let mine) = data.input, case .columns(let theirs) = taught.input,
      let layer = loadedLayer(parameters.first),
      let (index, now, before) = firstDifference(
        mine.columns.map(\.name), theirs.columns.map(\.name))
    {
      lines.append(
        "input \(index) is the column \(now) here and was \(before) when the weights were trained: the "
          + "first layer, '\(layer)', follows the old order; bring the columns into it, or leave the "
          + "layer out with 'initialWeights.names'")
    }
    if let difference = data.tokens.flatMap({ mine in taught.tokens.flatMap(mine.difference) }),
      !report.loaded.isEmpty
    {
      lines.append(
        "\(difference): what was loaded follows the old ones; take the same vocabulary, or leave the first "
          + "and the last layer out with 'initialWeights.names'")
    }
    // Numbers without names are the classes themselves.
    if let mine = data.target.classes, let theirs = taught.target.classes,
      mine.names != nil || theirs.names != nil, let layer = loadedLayer(parameters.last),
      let (index, now, before) = firstDifference(
        (0..<mine.count).map(mine.name), (0..<theirs.count).map(theirs.name))
    {
      lines.append(
        "class \(index) is \(now) here and was \(before) when the weights were trained: the last layer, "
          + "'\(layer)', follows the old order; give 'data.classes' in it, or leave the layer out with "
          + "'initialWeights.names'")
    }
    return lines
  }

  /// The first place where two lists differ, and what they have there.
  private static func firstDifference(
    _ mine: [String], _ theirs: [String]
  ) -> (index: Int, mine: String, theirs: String)? {
    func word(_ names: [String], _ index: Int) -> String {
      index < names.count ? "'\(names[index].shortened(to: 80))'" : "none"
    }
    for index in 0..<max(mine.count, theirs.count) {
      let (now, before) = (word(mine, index), word(theirs, index))
      if now != before { return (index, now, before) }
    }
    return nil
  }
}

// MARK: - Reading

extension InitialWeights {
  static let form = Form(
    "initialWeights",
    [
      .required("file", .file, "a safetensors file, a checkpoint, or a run directory"),
      .optional(
        "checkpoint", .either(.choice(["best", "last"]), .integer(atLeast: 0)),
        "`best`, `last` or a number of steps: which one of a run directory; its final weights if absent"
      ),
      .with("mode", Weights.Loading.strict, "`lenient` reads what fits and reports the rest"),
      .optional(
        "names",
        .objects {
          Form(
            "nameRule",
            [
              .required("from", .text, "names of the file, with *"),
              .optional("to", .text, "the model's names; left out if absent"),
            ])
        }, "rules for names, the first that fits counts: `{\"from\": \"module.*\", \"to\": \"*\"}`"),
    ], shorthand: "file")

  init(_ values: Hyperparameters) throws(ConfigurationError) {
    file = values["file"]
    checkpoint = (values["checkpoint"] as CheckpointName?)?.choice
    loading = values["mode"]
    do {
      names = try NameMap(values.objects("names").map { .init($0["from"], to: $0["to"]) })
    } catch {
      throw values.error("names", "cannot be used: \(error)")
    }
  }
}

extension Weights.Loading: HyperparameterValue {}

/// The name of a checkpoint, or its number of steps.
private struct CheckpointName: HyperparameterValue {
  let choice: WeightsFile.Choice

  init?(hyperparameter value: JSONValue?) {
    guard let text = value?.stringValue ?? value?.integerValue.map(String.init),
      let choice = WeightsFile.Choice(text)
    else { return nil }
    self.choice = choice
  }
}
