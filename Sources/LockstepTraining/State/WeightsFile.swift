import LockstepFiles

/// The weights that somebody named, open for reading: those of a safetensors file, of a checkpoint,
/// or of a run directory.
///
/// A checkpoint holds more than weights; here it shows its weights alone, under the names that
/// `weights.safetensors` has. A run directory stands for its final weights, or for one of its
/// checkpoints; where a run was killed, for its newest sound checkpoint.
public struct WeightsFile: Sendable {
  /// Which checkpoint of a run directory is meant.
  public enum Choice: Sendable, Equatable, CustomStringConvertible {
    /// The one with the best evaluation.
    case best
    /// The newest one that is sound.
    case last
    /// The one that was written after so many steps.
    case step(Int)

    /// Reads `best`, `last` or a number of steps; nil for any other text.
    public init?(_ text: String) {
      switch text {
      case "best": self = .best
      case "last": self = .last
      default:
        guard let step = Int(text), step >= 0 else { return nil }
        self = .step(step)
      }
    }

    public var description: String {
      switch self {
      case .best: "best"
      case .last: "last"
      case .step(let step): "\(step)"
      }
    }
  }

  /// The file that is read.
  public let file: SafetensorsFile
  /// The number of steps behind the weights; nil where the file does not say.
  public let step: Int?
  /// What the user should know: that a checkpoint is used, that a damaged one was passed over.
  public let notices: [String]
  /// The tensors under the names that a model knows them by.
  let tensors: [(name: String, entry: TensorEntry)]

  /// The path of the file that is read.
  public var path: String { file.path }
  /// The text of a metadata entry of the file; nil where there is none.
  public func metadata(_ key: String) -> String? { file.metadata[key] }

  /// Opens what a path names.
  ///
  /// - Parameters:
  ///   - path: a safetensors file, a checkpoint, or a run directory.
  ///   - choice: the checkpoint of a run directory; nil for its final weights.
  /// - Throws: `FileError` where there is no such file or checkpoint, or where it is damaged.
  public init(_ path: String, checkpoint choice: Choice? = nil) throws {
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
    if let choice {
      let (found, notices) = try store.path(of: choice)
      self = try Self.file(found, notices)
      return
    }
    let weights = FileKind(final) == .missing ? nil : try Self.file(final, [])
    let steps = FileKind(store.directory) == .directory ? try store.steps() : []
    // A run that went on after its end has checkpoints that are newer than its weights.
    let isNewest = weights.map { file in file.step.map { $0 >= steps.last ?? 0 } ?? true } ?? false
    if let weights, isNewest {
      self = weights
      return
    }
    guard !steps.isEmpty else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: "has neither weights.safetensors nor a checkpoint: the run has saved nothing yet")
    }
    let (found, notices) = try store.path(of: .last)
    let reason = weights == nil ? "has no final weights" : "went on after its final weights"
    let made = try Self.file(found, [])
    self = Self(
      made,
      notices: notices + [
        "\(path) \(reason): using its checkpoint of step \(made.step.map { "\($0)" } ?? "?")"
      ])
  }

  private init(_ other: Self, notices: [String]) {
    (file, step, tensors) = (other.file, other.step, other.tensors)
    self.notices = notices
  }

  private init(
    _ file: SafetensorsFile, step: Int?, _ tensors: [(name: String, entry: TensorEntry)],
    _ notices: [String]
  ) {
    (self.file, self.step, self.tensors, self.notices) = (file, step, tensors, notices)
  }

  /// A file of weights, or a checkpoint, of which every byte is verified.
  private static func file(_ path: String, _ notices: [String]) throws(FileError) -> Self {
    let file = try SafetensorsFile(path)
    guard Checkpoint.isCheckpoint(file) else {
      return Self(
        file, step: file.metadata[stepKey].flatMap { Int($0) },
        file.tensors.map { ($0.name, $0) }, notices)
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

  /// The metadata entry of `weights.safetensors` that says how many steps are behind it.
  static let stepKey = "lockstep.step"
}

extension CheckpointStore {
  /// The path of the checkpoint that somebody chose, and what was passed over on the way.
  ///
  /// - Throws: `FileError` where there is none, or the one that was named is damaged.
  func path(of choice: WeightsFile.Choice) throws -> (path: String, notices: [String]) {
    let steps = FileKind(directory) == .directory ? try self.steps() : []
    func missing(_ reason: String) -> FileError {
      let list = steps.suffix(8).map(String.init).joined(separator: ", ")
      return FileError(
        path: directory, kind: .mismatch,
        reason: reason + (steps.isEmpty ? "; there are none" : "; there are those of steps \(list)")
      )
    }
    switch choice {
    case .step(let step):
      guard steps.contains(step) else { throw missing("has no checkpoint of step \(step)") }
      return (path(ofStep: step), [])
    case .best:
      guard let step = try bestStep() else {
        throw missing("has no checkpoint with an evaluation, so that none is the best")
      }
      return (path(ofStep: step), [])
    case .last:
      var notices: [String] = []
      for step in steps.reversed() {
        do throws(FileError) {
          _ = try Checkpoint(path(ofStep: step))
          return (path(ofStep: step), notices)
        } catch {
          guard error.kind == .corrupt || error.kind == .truncated else { throw error }
          notices.append("passed over a damaged checkpoint: \(error)")
        }
      }
      guard notices.isEmpty else {
        throw CheckpointError.allDamaged(directory: directory, reasons: notices)
      }
      throw missing("has no checkpoint")
    }
  }
}
