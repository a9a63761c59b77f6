import LockstepCollective
import LockstepState
import LockstepFold
import LockstepObservation
import LockstepDatasets
import LockstepFiles
import LockstepPlatform

/// Where a run leaves its files: `config.json`, `data.json`, `metrics.jsonl`, `norms.jsonl`, `warnings.jsonl`,
/// `evaluations.jsonl`, `checkpoints/`, `outcome.json`, and at the end `weights.safetensors`.
///
/// Rank 0 alone holds and writes it. It is locked while it is in use; the lock goes with the
/// process, however that ends. Before each change of a file the directory is looked at: where somebody
/// removed or replaced it, nothing more is written, because it may be another job's. Links inside of
/// it are not followed; the directory itself may be one.
package final class RunDirectory {
  /// The directory.
  package let path: String
  /// A line a step.
  package let metrics: LinesFile
  /// A line for some steps: the norms of all tensors' gradients and weights.
  package let norms: LinesFile
  /// A line for each warning of the run. A run that goes on may warn again: what it had counted is gone.
  package let warnings: LinesFile
  /// A line an evaluation.
  package let evaluations: LinesFile
  /// The checkpoints.
  package let checkpoints: CheckpointStore

  /// How the run ended.
  package let outcome: OutcomeFile
  /// The directory's files: for everything else that is written there.
  package let fileSystem: any FileSystem

  private let lock: DirectoryLock

  /// Makes or opens a run directory and locks it.
  ///
  /// - Parameters:
  ///   - path: the directory; those above it are made too.
  ///   - resume: whether to go on with the run that it may hold.
  ///   - configuration: the resolved configuration, for `config.json`.
  ///   - keep: how many of the newest checkpoints to keep.
  /// - Throws: ``RunDirectoryError`` where it holds a run and `resume` is false; `FileError` where
  ///   it cannot be written, or is in use.
  package init(
    _ path: String, resume: Bool, configuration: JSONValue, keep: Int = 3,
    fileSystem: any FileSystem = SystemFileSystem()
  ) throws {
    self.path = path
    try fileSystem.createDirectory(path)
    lock = try DirectoryLock(path)
    let fileSystem = LockedFileSystem(fileSystem, lock)
    self.fileSystem = fileSystem
    outcome = OutcomeFile(path, isOwner: true, fileSystem: fileSystem)
    let holdsRun = access("\(path)/config.json", F_OK) == 0
    if holdsRun, !resume { throw RunDirectoryError.holdsRun(path) }
    checkpoints = CheckpointStore(
      "\(path)/checkpoints", keep: keep, fileSystem: FaultyFileSystem.around(fileSystem))
    try checkpoints.prepare()
    try AtomicFile.removeLeftovers(in: path, of: .all, fileSystem: fileSystem)
    metrics = try LinesFile("\(path)/metrics.jsonl")
    norms = try LinesFile("\(path)/norms.jsonl")
    warnings = try LinesFile("\(path)/warnings.jsonl")
    evaluations = try LinesFile("\(path)/evaluations.jsonl")
    if !holdsRun { try write(configuration: configuration) }
  }

  /// Opens the directory on rank 0; nil on the others. Called by all ranks, which all throw where
  /// rank 0 cannot open it.
  package static func open(
    _ path: String, resume: Bool, configuration: JSONValue, keep: Int = 3,
    on collective: any Collective
  ) throws -> RunDirectory? {
    var directory: RunDirectory?
    try collective.onRoot {
      let opened = try RunDirectory(
        path, resume: resume, configuration: configuration, keep: keep)
      // What ends the run before its first step is to be found here, too.
      if FileKind(opened.outcome.path) == .missing { try opened.write(Outcome(.running, step: 0)) }
      directory = opened
    }
    collective.watchdog?.outcome = directory?.outcome ?? OutcomeFile(path, isOwner: false)
    return directory
  }

  /// The path from the root, for processes that may have another working directory.
  var absolutePath: String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Where the final weights go.
  package var weightsPath: String { "\(path)/weights.safetensors" }

  /// Writes the resolved configuration.
  func write(configuration: JSONValue) throws {
    try AtomicFile.write(
      "\(path)/config.json", text: configuration.prettyText + "\n", fileSystem: fileSystem)
  }

  /// Writes what training learned about its data.
  func write(_ description: DataDescription) throws {
    try AtomicFile.write(
      Self.dataPath(path), text: description.json.prettyText + "\n", fileSystem: fileSystem)
  }

  /// Where a run directory says what training learned about its data.
  package static func dataPath(_ directory: String) -> String { "\(directory)/data.json" }

  /// Writes the outcome file.
  package func write(_ outcome: Outcome) throws { try self.outcome.write(outcome) }

  /// Says that the run was asked to stop before it took a step.
  package func writeInterruptedAtStart() throws {
    let step = try checkpoints.steps().max() ?? 0
    try write(
      Outcome(.interrupted, step: step, message: "asked to stop before the first step was taken"))
  }

  /// Takes back what was logged after a step, because the run goes on from there; returns a sentence
  /// about each damaged line that was found.
  package func truncateLogs(afterStep step: Int) throws(FileError) -> [String] {
    try metrics.truncate(afterStep: step, hasEachStep: true) + norms.truncate(afterStep: step)
      + warnings.truncate(afterStep: step) + evaluations.truncate(afterStep: step)
  }

  /// Makes what was logged durable: before a checkpoint says that its steps are done.
  package func synchronizeLogs() throws(FileError) {
    try metrics.synchronize()
    try norms.synchronize()
    try warnings.synchronize()
    try evaluations.synchronize()
  }
}

/// Why a run directory cannot be used.
package enum RunDirectoryError: Error, Equatable, CustomStringConvertible {
  /// It holds a run already.
  case holdsRun(String)

  package var description: String {
    switch self {
    case .holdsRun(let path):
      return "\(path): the directory holds a run already; resume it with --resume, or take another "
        + "directory"
    }
  }
}
