import LockstepDatasets
import LockstepEngine
import LockstepFiles

/// A directory of checkpoints, one file a step: the last ones, the best one, and the last one that is
/// known to be healthy are kept.
///
/// One process uses it: rank 0, which holds the run directory's lock.
package struct CheckpointStore: Sendable {
  /// The directory.
  package let directory: String
  /// How many of the newest checkpoints are kept, beside the best one; saving throws for less than one.
  package let keep: Int

  private let fileSystem: any FileSystem

  /// Makes a store for a directory, which need not exist yet.
  package init(_ directory: String, keep: Int = 3, fileSystem: any FileSystem = SystemFileSystem())
  {
    self.directory = directory
    self.keep = keep
    self.fileSystem = fileSystem
  }

  /// The path of a step's checkpoint.
  package func path(ofStep step: Int) -> String {
    let digits = String(step)
    let padding = String(repeating: "0", count: max(0, 9 - digits.count))
    return "\(directory)/\(Self.prefix)\(padding)\(digits)\(Self.suffix)"
  }

  private static let prefix = "step-"
  private static let suffix = ".safetensors"

  /// The steps that have a checkpoint, sound or not, in ascending order.
  package func steps() throws(FileError) -> [Int] { try content().steps }

  /// What is in the directory that is no checkpoint: other names, folders, links, fifos. It is left
  /// alone.
  package func strays() throws(FileError) -> [String] { try content().strays }

  private func content() throws(FileError) -> (steps: [Int], strays: [String]) {
    var (steps, strays): ([Int], [String]) = ([], [])
    for name in try fileSystem.list(directory) {
      guard name.hasPrefix(Self.prefix), name.hasSuffix(Self.suffix),
        let step = Int(name.dropFirst(Self.prefix.count).dropLast(Self.suffix.count)),
        path(ofStep: step) == "\(directory)/\(name)", Self.canBeFile(path(ofStep: step))
      else {
        let isBeingWritten =
          AtomicFile.isTemporary(name) && Self.canBeFile("\(directory)/\(name)")
        if !isBeingWritten { strays.append(name) }
        continue
      }
      steps.append(step)
    }
    return (steps.sorted(), strays)
  }

  /// Whether a path is that of a regular file, or of nothing that this process sees.
  private static func canBeFile(_ path: String) -> Bool {
    let kind = FileKind(path, followsLinks: false)
    return kind == .regular || kind == .missing
  }

  /// Creates the directory, and removes what writers left that died while they wrote.
  package func prepare() throws {
    guard FileKind(directory, followsLinks: false) != .link else {
      throw FileError(
        path: directory, kind: .mismatch,
        reason:
          "is a symbolic link, and is not followed; to keep checkpoints on another disk, let the "
          + "run directory itself be a link")
    }
    try fileSystem.createDirectory(directory)
    try AtomicFile.removeLeftovers(in: directory, of: .all, fileSystem: fileSystem)
  }

  /// Writes the checkpoint of a step, then removes those that are neither among the last ``keep``,
  /// nor the best, nor the last one that is known to be healthy. Where writing fails, all older ones
  /// are untouched.
  ///
  /// - Parameters:
  ///   - score: how good the model is, higher being better; not a number where its evaluation came
  ///     out other than finite.
  ///   - proven: the last step whose state gave a finite gradient in the step that followed it; nil
  ///     where nobody knows. A state is healthy only once that is seen: the update that made it may
  ///     have been the one that went wrong.
  /// - Returns: the path.
  package func save(
    _ registry: StateRegistry, step: Int, configuration: JSONValue, data: DataDescription? = nil,
    score: Double? = nil, proven: Int? = nil
  ) throws -> String {
    try save(
      StateImage(of: registry), step: step, configuration: configuration, data: data, score: score,
      proven: proven)
  }

  /// As ``save(_:step:configuration:data:score:proven:)``, of state that ranks may hold parts of.
  package func save(
    _ image: StateImage, step: Int, configuration: JSONValue, conditions: [RunCondition] = [],
    data: DataDescription? = nil, weights: Fingerprint? = nil, score: Double?, proven: Int?
  ) throws -> String {
    try ArgumentError.require(keep, atLeast: 1, "keep", of: "CheckpointStore")
    try ArgumentError.require(step, atLeast: 0, "step", of: "CheckpointStore.save")
    let path = path(ofStep: step)
    try makeRoom(path)
    try Checkpoint.write(
      path, image, step: step, configuration: configuration, conditions: conditions, data: data,
      weights: weights, score: score, fileSystem: fileSystem)
    try prune(proven)
    return path
  }

  /// Gives a stray folder that has a checkpoint's name another one.
  private func makeRoom(_ path: String) throws(FileError) {
    guard FileKind(path, followsLinks: false) == .directory else { return }
    var number = 0
    while FileKind("\(path).stray\(number)", followsLinks: false) != .missing { number += 1 }
    try fileSystem.rename(path, to: "\(path).stray\(number)")
  }

  private func prune(_ proven: Int?) throws {
    let old = try steps().dropLast(keep)
    if old.isEmpty { return }
    let kept = [try bestStep(), try proven.flatMap { try healthyStep(upTo: $0) }]
    for step in old where !kept.contains(step) { try fileSystem.remove(path(ofStep: step)) }
  }

  /// The last checkpoint up to a step that is sound and not known to be sick.
  func healthyStep(upTo proven: Int) throws(FileError) -> Int? {
    for step in try steps().reversed() where step <= proven {
      if Checkpoint.isHealthy(path(ofStep: step)) { return step }
    }
    return nil
  }

  /// The checkpoint with the highest finite score, the latest one of equals; nil where none has any.
  /// Damaged ones are passed over, and of each the header alone is read.
  package func bestStep() throws(FileError) -> Int? { try best(upTo: .max)?.step }

  /// The checkpoint with the highest finite score among those up to a step, and the score.
  package func best(upTo last: Int) throws(FileError) -> (step: Int, score: Double)? {
    var best: (step: Int, score: Double)?
    for step in try steps() where step <= last {
      guard let score = Checkpoint.score(of: path(ofStep: step)), score.isFinite else { continue }
      if score >= best?.score ?? -.infinity { best = (step, score) }
    }
    return best
  }

  package typealias Restored = RestoredCheckpoint

  /// Fills the registry from the newest sound checkpoint; nil where there is none at all.
  ///
  /// A damaged or truncated checkpoint is passed over and named. One that is sound but of another
  /// configuration, condition, version, model or of other data is refused.
  package func restore(
    into registry: StateRegistry, configuration: JSONValue, _ resumption: Resumption = Resumption()
  ) throws -> Restored? {
    let content = try content()
    var strays = content.strays.prefix(10).map {
      "\(directory)/\($0.shortened(to: 80)): is no checkpoint"
    }
    if content.strays.count > 10 {
      strays.append("\(directory): \(content.strays.count - 10) more files that are no checkpoints")
    }
    var skipped: [String] = []
    for step in content.steps.reversed() {
      let checkpoint: Checkpoint
      do throws(FileError) {
        checkpoint = try Checkpoint(path(ofStep: step))
      } catch {
        if case .system = error.kind { throw error }
        skipped.append("\(error)")
        continue
      }
      let notices = try checkpoint.restore(
        into: registry, configuration: configuration, resumption)
      return Restored(
        path: checkpoint.path, step: checkpoint.step, skipped: skipped + strays, notices: notices)
    }
    if skipped.isEmpty { return nil }
    throw CheckpointError.allDamaged(directory: directory, reasons: skipped)
  }
}
