import LockstepFiles

/// The weights that somebody named, open for reading: those of a safetensors file, of a checkpoint,
/// or of a run directory.
///
/// A checkpoint holds more than weights; here it shows its weights alone, under the names that
/// `weights.safetensors` has. A run directory stands for its final weights, or for one of its
/// checkpoints; where a run was killed, for its newest sound checkpoint. Every byte of what is read is
/// verified, where the file says what it should be: a checkpoint has a checksum, and weights that a run
/// leaves have their fingerprint.
package struct WeightsFile: Sendable {
  /// Which checkpoint of a run directory is meant.
  package enum Choice: Sendable, Equatable, CustomStringConvertible {
    /// The one with the best evaluation.
    case best
    /// The newest one that is sound.
    case last
    /// The one that was written after so many steps.
    case step(Int)

    /// Reads `best`, `last` or a number of steps; nil for any other text.
    package init?(_ text: String) {
      switch text {
      case "best": self = .best
      case "last": self = .last
      default:
        guard let step = Int(text), step >= 0 else { return nil }
        self = .step(step)
      }
    }

    package var description: String {
      switch self {
      case .best: "best"
      case .last: "last"
      case .step(let step): "\(step)"
      }
    }
  }

  /// The file that is read.
  package let file: SafetensorsFile
  /// The number of steps behind the weights; nil where the file does not say.
  package let step: Int?
  /// What the user should know: that a checkpoint is used, that a damaged one was passed over.
  package let notices: [String]
  /// The tensors under the names that a model knows them by, in its shapes.
  let tensors: [(name: String, entry: TensorEntry)]
  /// The file's names of tensors that are stored transposed.
  let transposed: Set<String>
  /// The file's names of tensors that are no weights, or others once more.
  let passedOver: [String]

  /// The path of the file that is read.
  package var path: String { file.path }
  /// The text of a metadata entry of the file; nil where there is none.
  package func metadata(_ key: String) -> String? { file.metadata[key] }

  /// Opens what a path names.
  ///
  /// - Parameters:
  ///   - path: a safetensors file, a checkpoint, or a run directory.
  ///   - choice: the checkpoint of a run directory; nil for its final weights.
  ///   - prefersAverage: whether a run's average of its weights stands for its final weights, where it keeps one.
  /// - Throws: `FileError` where there is no such file or checkpoint, or where it is damaged.
  package init(
    _ path: String, checkpoint choice: Choice? = nil, prefersAverage: Bool = false
  ) throws {
    guard FileKind(path) == .directory else {
      if let choice {
        throw FileError(
          path: path, kind: .mismatch,
          reason: "is no run directory, and so has no checkpoint '\(choice)'")
      }
      self = try Self.file(path, [])
      return
    }
    let final = "\(path)/weights.safetensors"
    let store = CheckpointStore("\(path)/checkpoints")
    if FileKind(store.directory) == .missing, FileKind(final) == .missing,
      let newest = try CheckpointStore(path).steps().last
    {
      throw FileError(
        path: path, kind: .mismatch,
        reason: "is a folder of checkpoints, and no run directory: name the run directory, "
          + "\(Self.folder(of: path)), or a file, \(CheckpointStore(path).path(ofStep: newest))")
    }
    if let choice {
      let (found, notices) = try store.path(of: choice, inRun: path)
      self = try Self.file(found, notices)
      return
    }
    let weights = FileKind(final) == .missing ? nil : try SafetensorsFile(final)
    let steps = FileKind(store.directory) == .directory ? try store.steps() : []
    // A run that went on after its end has checkpoints that are newer than its weights.
    let isNewest =
      weights.map { file in Self.step(of: file).map { $0 >= steps.last ?? 0 } ?? true } ?? false
    if isNewest {
      let average =
        try prefersAverage ? Self.average(of: path, step: weights.flatMap(Self.step)) : nil
      self = try average ?? Self.file(final, [])
      return
    }
    guard !steps.isEmpty else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: "has neither weights.safetensors nor a checkpoint: the run has saved nothing yet")
    }
    let (found, notices) = try store.path(of: .last, inRun: path)
    let reason = weights == nil ? "has no final weights" : "went on after its final weights"
    let made = try Self.file(found, [])
    self = Self(
      made,
      notices: notices + [
        "\(path) \(reason): using its checkpoint of step \(made.step.map { "\($0)" } ?? "?")"
      ])
  }

  /// The average of a run's weights after the step of its final ones; nil where it keeps none.
  private static func average(of run: String, step: Int?) throws(FileError) -> Self? {
    let path = "\(run)/\(averageName)"
    guard let step, FileKind(path) != .missing else { return nil }
    let average = try file(
      path,
      [
        "\(run) keeps an average of its weights, which is used; '--weights "
          + "\(run)/weights.safetensors' takes the weights themselves"
      ])
    return average.step == step ? average : nil
  }

  private init(_ other: Self, notices: [String]) {
    (file, step, tensors) = (other.file, other.step, other.tensors)
    (transposed, passedOver) = (other.transposed, other.passedOver)
    self.notices = notices
  }

  private init(
    _ file: SafetensorsFile, step: Int?, _ tensors: [(name: String, entry: TensorEntry)],
    _ notices: [String]
  ) {
    (self.file, self.step, self.tensors, self.notices) = (file, step, tensors, notices)
    (transposed, passedOver) = ([], [])
  }

  /// The weights of a GPT that somebody else stored.
  private init(_ file: SafetensorsFile, _ published: PublishedGPT, _ notices: [String]) {
    (self.file, step, tensors, self.notices) = (
      file, Self.step(of: file), published.tensors, notices
    )
    (transposed, passedOver) = (published.transposed, published.passedOver)
  }

  /// A file of weights, or a checkpoint, of which every byte is verified.
  private static func file(_ path: String, _ notices: [String]) throws(FileError) -> Self {
    let file = try SafetensorsFile(path)
    guard Checkpoint.isCheckpoint(file) else {
      try checkFingerprint(file)
      if let published = try PublishedGPT(file) { return Self(file, published, notices) }
      return Self(file, step: step(of: file), file.tensors.map { ($0.name, $0) }, notices)
    }
    let checkpoint = try Checkpoint(path)
    let tensors = file.tensors.compactMap { entry -> (String, TensorEntry)? in
      guard let slash = entry.name.firstIndex(of: "/"),
        ModelMemory.entryNames.contains(String(entry.name[..<slash]))
      else { return nil }
      return (String(entry.name[entry.name.index(after: slash)...]), entry)
    }
    return Self(file, step: checkpoint.step, tensors, notices)
  }

  /// Holds a file's tensors against the fingerprint that a run left in its metadata, if there is one.
  private static func checkFingerprint(_ file: SafetensorsFile) throws(FileError) {
    // A run hashes its tensors in the order in which it hands them to the writer, in every version. The
    // writer puts larger elements first, so that of mixed sizes that order is not known.
    guard let recorded = file.metadata[fingerprintKey],
      Set(file.tensors.map { $0.element?.size }).count == 1
    else { return }
    let found = Fingerprint.tree(try file.fingerprints()).description
    guard found != recorded else { return }
    throw FileError(
      path: file.path, kind: .corrupt,
      reason: "is damaged, or was changed after training: its tensors have the fingerprint "
        + "\(found), and '\(fingerprintKey)' in its metadata is \(recorded.shortened(to: 80)). "
        + "Take a sound copy, or a checkpoint of the run ('--checkpoint last'); to use it as it is, "
        + "save its tensors without that metadata (in Python, save_file(load_file(OLD), NEW) of "
        + "safetensors)")
  }

  /// The number of steps that a file says are behind it.
  package static func step(of file: SafetensorsFile) -> Int? {
    file.metadata[stepKey].flatMap { Int($0) }
  }

  /// The folder that a path lies in.
  private static func folder(of path: String) -> String {
    var trimmed = Substring(path)
    while trimmed.count > 1, trimmed.last == "/" { trimmed = trimmed.dropLast() }
    guard let slash = trimmed.lastIndex(of: "/"), slash > trimmed.startIndex else {
      return "\(path)/.."
    }
    return String(trimmed[..<slash])
  }

  /// The file of a run directory that has the average of the weights.
  package static let averageName = "average.safetensors"
  /// The metadata entry of `weights.safetensors` that says how many steps are behind it.
  package static let stepKey = "lockstep.step"
  /// The one that has the fingerprint of its tensors.
  package static let fingerprintKey = "lockstep.fingerprint"
}
