import LockstepFiles
import LockstepTraining

/// The weights that a run starts from, as a configuration names them.
public struct InitialWeights: Sendable {
  /// A safetensors file, a checkpoint, or a run directory.
  public let file: String
  /// The checkpoint of the run directory; nil for its final weights.
  public let checkpoint: WeightsFile.Choice?
  /// How its names become the model's.
  public let names: NameMap
  /// What to do where file and model do not fit.
  public let loading: Weights.Loading
}

extension InitialWeights {
  /// Fills a model's weights.
  ///
  /// - Returns: what the user should know, a line each.
  /// - Throws: `FileError`; no weight has changed then.
  func load(into weights: Weights) throws -> [String] {
    let opened = try WeightsFile(file, checkpoint: checkpoint)
    return opened.notices + (try weights.load(opened, names: names, loading)).lines
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
