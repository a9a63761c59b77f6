import Lockstep
import LockstepConfiguration
import LockstepFiles

/// A trained model as a command line names it, and the examples to compute with it; equal on all
/// ranks.
struct TrainedModel {
  /// The configuration, and where it was found.
  let named: NamedConfiguration
  /// What training learned about its data.
  let description: DataDescription
  /// The examples.
  let part: DataPart
  /// What the examples are called.
  let partName: String
  /// The model on the examples, with the trained weights.
  let source: ModelSource
  /// The files that were read, or may have been; rank 0 knows all of them.
  private let files: [String]

  /// The options that name weights and examples.
  static let options: [OptionSpecification] =
    NamedConfiguration.options + [
      .option(
        "--weights", "FILE", "the weights, or a checkpoint; a run directory's own by default"),
      .option("--checkpoint", "best|last|N", "a checkpoint of the run directory, by its step"),
      .option(
        "--input", "FILE",
        "other examples: a CSV file; a file of arrays (IDX, .npy, .npz); an image, or a folder of images; a "
          + "text, or a file of tokens"
      ),
      .option("--labels", "FILE", "the labels of --input, where it is a file of arrays"),
      .option("--on", "PART", "test (default) or training, where there is no --input"),
    ]

  /// Reads everything. Called by all ranks.
  ///
  /// - Parameter isTargetOptional: whether the examples of `--input` may lack labels.
  init(
    _ path: String, _ arguments: Arguments, isTargetOptional: Bool,
    on collective: any Collective
  ) throws {
    let request = try Request(arguments)
    named = try NamedConfiguration(path, arguments, on: collective)
    let configuration = named.configuration
    guard let place = request.weights ?? named.runDirectory else {
      throw ArgumentError(description: "'--weights FILE' is missing: a configuration has none")
    }
    var weights: WeightsFile?
    try collective.onRoot {
      let file = try WeightsFile(
        place, checkpoint: request.checkpoint, prefersAverage: true)
      for notice in file.notices { Console.notice(notice) }
      weights = file
    }
    var recorded = try Self.description(weights, named.runDirectory, on: collective)
    if recorded != nil { try Self.check(named.changedData, configuration, request) }
    if request.input != nil, let dialect = configuration.data.dialect {
      let keys = named.changedData
      recorded?.input.setDialect { known in
        known = keys.reduce(known) { $0.changed($1, as: dialect) }
      }
    }
    let known = recorded
    let (description, part, notices) = try collective.together {
      [named] in
      let description = try known ?? configuration.data.load().record.description
      let found = try Self.part(
        request, named, description, isTargetOptional: isTargetOptional)
      return (description, found.part, found.notices)
    }
    if collective.isRoot {
      if recorded == nil, request.input != nil {
        Console.notice(
          "the weights do not say what they were trained on: means, deviations and classes are those of "
            + "\(path)'s training part")
      }
      for notice in notices { Console.notice(notice) }
    }
    self.description = description
    self.part = part
    partName = request.input == nil ? request.part.rawValue : "input"
    let further: [String?] = [
      weights?.path, named.runDirectory.map(RunDirectory.dataPath), request.input, request.labels,
    ]
    files = named.files + further.compactMap { $0 }
    source = try configuration.source(on: part.examples, description)
    let all = Weights(of: source)
    try collective.onRoot { if let weights { try all.read(weights) } }
    let registry = StateRegistry()
    try registry.add(source.stateEntries, of: source)
    try registry.broadcast(on: collective)
  }

  /// What the weights, or else the run directory, say about the data of the training; nil where
  /// neither says anything. Called by all ranks.
  static func description(
    _ weights: WeightsFile?, _ runDirectory: String?, on collective: any Collective
  ) throws -> DataDescription? {
    // Rank 0 speaks where it is damaged, and knows where it comes from.
    var source = runDirectory.map(RunDirectory.dataPath) ?? "what was trained on"
    let text = try collective.fromRoot {
      if let weights, let text = weights.metadata(DataDescription.metadataKey) {
        source = weights.path
        return Array(text.utf8)
      }
      guard let path = runDirectory.map(RunDirectory.dataPath), FileKind(path) == .regular else {
        return []
      }
      return try FileInput.contents(of: path, limit: 1 << 30)
    }
    return text.isEmpty
      ? nil : try DataDescription(parsing: text, source: source)
  }

  /// Makes sure that the keys of `data` that the command line sets have an effect: those that say
  /// where and how examples are read have, where there is no `--input`.
  ///
  /// - Throws: ``ArgumentError`` that names the first key without one.
  private static func check(
    _ keys: [String], _ configuration: RunConfiguration, _ request: Request
  ) throws {
    let places = Set([
      "type", "file", "testFile", "inputs", "labels", "testInputs", "testLabels",
      "testFraction", "folds", "fold", "splitSeed", "groupBy", "orderBy", "element", "folder",
      "testFolder", "storage", "cache",
    ]).union(configuration.data.recipeKeys).union(DataConfiguration.dialectKeys)
    if let key = keys.first(where: { !places.contains($0) }) {
      throw ArgumentError(
        description: "'data.\(key)' comes from training, and '--set' cannot change it for trained "
          + "weights; leave it out, or train with it"
          + (key == "id" ? " ('predict --id COLUMN' names another column)" : ""))
    }
    if request.input != nil,
      let key = keys.first(where: {
        !DataConfiguration.dialectKeys.union(DataConfiguration.tableStorageKeys).contains($0)
      })
    {
      throw ArgumentError(
        description: "'data.\(key)' has no effect beside '--input', which names the examples; give "
          + "one of the two")
    }
  }

  /// Makes sure that an output is none of the files that are read.
  func checkOutput(_ path: String) throws {
    try FileIdentity.check(path, of: "--output", among: files)
  }

  private static func part(
    _ request: Request, _ named: NamedConfiguration, _ description: DataDescription,
    isTargetOptional: Bool
  ) throws -> (part: DataPart, notices: [String]) {
    let data = named.configuration.data
    if let input = request.input {
      let found = try description.read(
        input, labels: request.labels, isTargetOptional: isTargetOptional, id: request.id,
        storage: data.tableStorage)
      return (try data.check(found.part), found.notices)
    }
    guard let found = try data.part(request.part, as: description, id: request.id) else {
      throw InputFailure(
        description:
          "\(named.path): the data has no test part; set one apart, use --on training, or "
          + "give other examples with --input")
    }
    let recorded = request.part == .test ? description.test : description.training
    if named.runDirectory != nil, !named.overridesData, let recorded,
      let difference = found.part.summary.difference(
        from: recorded, part: "\(request.part.rawValue) part", places: found.part.places)
    {
      throw InputFailure(
        description: "\(named.path): the data is not what it was when the run was trained: "
          + "\(difference). Bring it back, or name the file with --input")
    }
    return found
  }

  /// What the command line asks for.
  private struct Request {
    let weights: String?
    let checkpoint: WeightsFile.Choice?
    let input: String?
    let labels: String?
    let id: String?
    let part: DataConfiguration.PartName

    init(_ arguments: Arguments) throws {
      weights = arguments.value("--weights")
      checkpoint = try arguments.value("--checkpoint").map { text in
        guard let choice = WeightsFile.Choice(text) else {
          throw ArgumentError(
            description: "'--checkpoint' must be best, last or a number of steps; found '\(text)'")
        }
        return choice
      }
      if weights != nil, checkpoint != nil {
        throw ArgumentError(
          description: "'--weights' and '--checkpoint' both name weights; give one of the two")
      }
      input = arguments.value("--input")
      labels = arguments.value("--labels")
      id = arguments.value("--id")
      if labels != nil, input == nil {
        throw ArgumentError(description: "'--labels' goes with '--input'")
      }
      let name = arguments.value("--on")
      if name != nil, input != nil {
        throw ArgumentError(
          description: "'--on' and '--input' both name the examples; give one of the two")
      }
      guard let part = DataConfiguration.PartName(rawValue: name ?? "test") else {
        throw ArgumentError(
          description: "'--on' must be test or training; found '\(name ?? "")'")
      }
      self.part = part
    }
  }
}
