import LockstepDatasets
import LockstepFiles

/// A checkpoint: everything in the registry at the end of a step, in one safetensors file.
///
/// Tensors have the registry's names. The metadata holds the format's version, the step, the
/// resolved configuration, the run's conditions, what training learned about its data, a score if
/// there is one, and a checksum over all of that and all tensors. Nothing in it depends on the
/// number of ranks, so that any number of them can go on from
/// it.
package struct Checkpoint {
  /// The version of the format that this program writes and reads.
  package static let version = CheckpointFormat.version

  private enum Key {
    static let format = "lockstep.format"
    static let version = "lockstep.version"
    package static let step = "lockstep.step"
    static let configuration = "lockstep.configuration"
    static let score = "lockstep.score"
    static let conditions = "lockstep.conditions"
    static let weights = "lockstep.fingerprint"
    static let checksum = "lockstep.checksum"
    /// What training learned about its data: the key of the metadata of every file of weights.
    static let data = DataDescription.metadataKey
    static let covered = [format, version, step, configuration, score]
    /// Covered where they are there: earlier checkpoints lack them.
    static let optional = [conditions, data, weights]
  }

  /// The file's path.
  package var path: String { file.path }
  /// The number of steps completed.
  package let step: Int
  /// How good the model was, higher being better; nil where it was not evaluated, not a number where
  /// its loss was not finite.
  package let score: Double?

  private let file: SafetensorsFile

  // MARK: Writing

  /// Writes a checkpoint atomically: the file is there whole and durable, or not at all.
  package static func write(
    _ path: String, registry: StateRegistry, step: Int, configuration: JSONValue,
    conditions: [RunCondition] = [], data: DataDescription? = nil, score: Double? = nil,
    fileSystem: any FileSystem = SystemFileSystem()
  ) throws {
    try write(
      path, StateImage(of: registry), step: step, configuration: configuration,
      conditions: conditions, data: data, score: score, fileSystem: fileSystem)
  }

  /// Writes a checkpoint of an image, which may claim any version.
  ///
  /// - Parameter weights: the fingerprint of the weights alone, as a run that ends here would print it.
  package static func write(
    _ path: String, _ image: StateImage, version: Int = version, step: Int,
    configuration: JSONValue, conditions: [RunCondition] = [], data: DataDescription? = nil,
    weights: Fingerprint? = nil, score: Double?, fileSystem: any FileSystem
  ) throws {
    var metadata = [
      Key.format: "checkpoint", Key.version: "\(version)", Key.step: "\(step)",
      Key.configuration: configuration.compactText,
    ]
    if let data { metadata[Key.data] = data.json.compactText }
    if !conditions.isEmpty { metadata[Key.conditions] = RunCondition.text(conditions) }
    if let weights { metadata[Key.weights] = weights.description }
    if let score { metadata[Key.score] = "\(score)" }
    metadata[Key.checksum] = checksum(metadata, image.fingerprints).description
    try SafetensorsWriter.write(path, image.tensors, metadata: metadata, fileSystem: fileSystem)
  }

  /// The hash of the metadata and of all tensors, in the order of their names, because a file has
  /// an order of its own.
  private static func checksum(
    _ metadata: [String: String], _ tensors: [(name: String, fingerprint: Fingerprint)]
  ) -> Fingerprint {
    .tree(
      (Key.covered + Key.optional.filter { metadata[$0] != nil })
        .map { ($0, Fingerprint(of: metadata[$0] ?? "")) }
        + tensors.sorted { $0.name < $1.name })
  }

  // MARK: Reading

  /// Opens a checkpoint and verifies every byte of it.
  ///
  /// - Throws: `FileError`, of kind `.truncated` or `.corrupt` where the file is damaged.
  package init(_ path: String) throws(FileError) {
    func corrupt(_ reason: String) -> FileError {
      FileError(path: path, kind: .corrupt, reason: reason)
    }
    file = try SafetensorsFile(path)
    guard file.metadata[Key.format] == "checkpoint", let sum = file.metadata[Key.checksum] else {
      throw corrupt("is not a checkpoint, or corrupt: its metadata does not say what it is")
    }
    let found = Self.checksum(file.metadata, try file.fingerprints()).description
    guard found == sum else {
      throw corrupt("corrupt checkpoint: its checksum is \(found), and should be \(sum)")
    }
    guard let step = file.metadata[Key.step].flatMap({ Int($0) }), step >= 0 else {
      throw corrupt("is not a checkpoint of a step")
    }
    self.step = step
    score = file.metadata[Key.score].flatMap { Double($0) }
  }

  /// Whether a file says that it is a checkpoint.
  static func isCheckpoint(_ file: SafetensorsFile) -> Bool {
    file.metadata[Key.format] == "checkpoint"
  }

  /// The score in a file's header, without verifying the rest; nil where the file is damaged, which
  /// restoring reports.
  static func score(of path: String) -> Double? {
    (try? SafetensorsFile(path))?.metadata[Key.score].flatMap { Double($0) }
  }

  /// Whether a file is there whole, as far as its header tells, and no evaluation of it came out
  /// other than finite.
  static func isHealthy(_ path: String) -> Bool {
    guard let file = try? SafetensorsFile(path) else { return false }
    return file.metadata[Key.score].flatMap { Double($0) }?.isFinite ?? true
  }

  /// Fills the registry from the file, but for tensors that each rank holds a part of, which
  /// `WholeState.scatter(fromFile:)` fills.
  ///
  /// - Parameters:
  ///   - registry: what to fill; its tensors are those of the file.
  ///   - configuration: what the run is configured to do now.
  ///   - resumption: what may differ, and what must not.
  /// - Returns: what the user should know.
  /// - Throws: ``CheckpointError`` or `FileError` where the checkpoint is of another version,
  ///   configuration, condition, model or of other data. Nothing has changed then.
  @discardableResult
  package func restore(
    into registry: StateRegistry, configuration: JSONValue, _ resumption: Resumption = Resumption()
  ) throws -> [String] {
    guard file.metadata[Key.version] == "\(Self.version)" else {
      throw CheckpointError.version(path: path, found: file.metadata[Key.version] ?? "none")
    }
    let written = try JSONValue.parse(
      Array((file.metadata[Key.configuration] ?? "").utf8), source: path)
    let differing = ConfigurationDifference.keys(
      written, configuration, ignoring: resumption.mayDiffer, absent: resumption.mayBeAbsent)
    guard differing.isEmpty else {
      throw CheckpointError.configuration(path: path, keys: differing)
    }
    if let data = resumption.data, let recorded = file.metadata[Key.data] {
      let description = try DataDescription(parsing: Array(recorded.utf8), source: path)
      if let difference = data.difference(from: description) {
        throw CheckpointError.data(path: path, difference: difference)
      }
    }
    if let last = resumption.lastStep, step > last {
      throw CheckpointError.beyondTheEnd(path: path, step: step, last: last)
    }
    let notices = try RunCondition.compare(
      resumption.conditions,
      with: try JSONValue.parse(file.metadata[Key.conditions] ?? "{}", source: path), path: path)
    try TensorMatch(path, file.tensors.map { ($0.name, $0) }, registry.tensors)
      .check(anyFloat: false)
    for tensor in registry.tensors where tensor.part == nil { try tensor.read(from: file) }
    return notices
  }
}
