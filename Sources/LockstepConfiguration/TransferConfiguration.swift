import LockstepState
import LockstepDatasets
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
      let layer = layerName(of: parameter)
      return report.loaded.contains { layerName(of: $0) == layer } ? layer : nil
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

  /// The name of a parameter's layer.
  private static func layerName(of parameter: String) -> String {
    parameter.lastIndex(of: ".").map { String(parameter[..<$0]) } ?? ""
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

extension ConfigurationReader {
  /// Reads `initialWeights`.
  func initialWeights() throws(ConfigurationError) -> InitialWeights {
    let file = try filePath("file")
    let checkpoint = try checkpoint()
    let modes = Weights.Loading.allCases.map(\.rawValue)
    let mode = try string("mode", default: "strict", oneOf: modes)
    var rules: [NameMap.Rule] = []
    for reader in try objects("names", required: false) {
      rules.append(.init(try reader.string("from"), to: try reader.optionalString("to")))
    }
    do throws(NameMapError) {
      return InitialWeights(
        file: file, checkpoint: checkpoint, names: try NameMap(rules),
        loading: Weights.Loading(rawValue: mode) ?? .strict)
    } catch {
      throw self.error("names", "cannot be used: \(error)")
    }
  }

  /// Reads `checkpoint`: `best`, `last`, or a number of steps.
  private func checkpoint() throws(ConfigurationError) -> WeightsFile.Choice? {
    let key = "checkpoint"
    if case .integer? = peek(key) { return try optionalInteger(key, in: 0...).map { .step($0) } }
    guard let text = try optionalString(key) else { return nil }
    guard let choice = WeightsFile.Choice(text) else {
      throw error(key, "must be 'best', 'last' or a number of steps; found '\(text)'")
    }
    return choice
  }

  /// Reads `hessianFree`.
  func hessianFree() throws(ConfigurationError) -> HessianFreeOptions {
    var options = HessianFreeOptions()
    options.damping = try double("damping", default: options.damping, above: 0)
    options.dampingFactor = try double("dampingFactor", default: options.dampingFactor, above: 1)
    options.iterations = try integer("iterations", default: options.iterations, in: 1...)
    options.tolerance = try double("tolerance", default: options.tolerance, in: 0..., below: 1)
    options.decay = try double("decay", default: options.decay, in: 0...1)
    options.probes = try integer("probes", default: options.probes, in: 0...)
    options.curvatureExamples = try optionalInteger("curvatureExamples", in: 1...)
    options.weightDecay = try double("weightDecay", default: options.weightDecay, in: 0...)
    options.lineSearchFactor = try double(
      "lineSearchFactor", default: options.lineSearchFactor, above: 0, below: 1)
    options.lineSearchTrials = try integer(
      "lineSearchTrials", default: options.lineSearchTrials, in: 1...)
    options.sufficientDecrease = try double(
      "sufficientDecrease", default: options.sufficientDecrease, in: 0..., below: 1)
    return options
  }
}
