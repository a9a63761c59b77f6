import LockstepFiles

/// Why a sound checkpoint is refused.
package enum CheckpointError: Error, Equatable, CustomStringConvertible {
  /// It was written in another version of the format.
  case version(path: String, found: String)
  /// It belongs to a run with another configuration.
  case configuration(path: String, keys: [String])
  /// The data has changed since it was written.
  case data(path: String, difference: String)
  /// Something that the run's bits follow from is another.
  case condition(path: String, reason: String)
  /// It is of a later step than the last one of the run as it is configured.
  case beyondTheEnd(path: String, step: Int, last: Int)
  /// There are checkpoints, and none can be used.
  case allDamaged(directory: String, reasons: [String])

  package var description: String {
    switch self {
    case .version(let path, let found):
      return "\(path): the checkpoint's format has version \(found); this program reads version "
        + "\(CheckpointFormat.version). Resume with the version of the program that wrote it"
    case .configuration(let path, let keys):
      return "\(path): the checkpoint was written with another configuration; these keys differ: "
        + keys.map { $0.shortened(to: 80) }.joined(separator: ", ")
        + ". Resume with the run directory's config.json, or start another run directory"
    case .data(let path, let difference):
      return
        "\(path): the data is not what the run was trained on: \(difference). Bring the data back, "
        + "or start another run directory"
    case .condition(let path, let reason):
      return "\(path): \(reason)"
    case .beyondTheEnd(let path, let step, let last):
      return
        "\(path): the checkpoint has \(step) steps behind it, and 'steps' and 'epochs' end the "
        + "run after \(last): raise them to go on, or take another run directory"
    case .allDamaged(let directory, let reasons):
      return "\(directory): no checkpoint can be used: " + reasons.joined(separator: "; ")
    }
  }
}
