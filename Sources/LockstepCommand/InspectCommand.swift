import Lockstep
import LockstepFiles

/// `lockstep inspect`: what is in a file of tensors, and its fingerprint.
enum InspectCommand: Command {
  static let name = "inspect"
  static let usage = "RUN-DIRECTORY | FILE.safetensors [OPTIONS]"
  static let summary = "show tensors, metadata and fingerprint of weights or of a checkpoint"
  static let discussion = """
    A checkpoint is verified whole: its checksum covers every byte. The fingerprint of a run's
    weights is the one that train prints.
    """
  static let options: [OptionSpecification] = [
    .flag("--json", "print one line of JSON"),
    .flag("--fingerprint", "print the fingerprint alone"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let path = try arguments.single("a run directory or a safetensors file")
    let file = try SafetensorsFile(
      FileKind(path) == .directory ? "\(path)/weights.safetensors" : path)
    // The writer's order is the declaration order that train hashes in; a file that others wrote has
    // an order of its own.
    let isCheckpoint = file.metadata["lockstep.checksum"] != nil
    if isCheckpoint { _ = try Checkpoint(file.path) }
    let tensors = try file.fingerprints()
    let fingerprint = Fingerprint.tree(tensors)
    if arguments.has("--fingerprint") {
      Console.line(fingerprint)
    } else if arguments.has("--json") {
      Console.line(json(file, tensors, fingerprint).compactText)
    } else {
      var rows: [(String, String)] = []
      for (tensor, hash) in zip(file.tensors, tensors) {
        rows.append(
          (
            tensor.name.shortened(to: 200),
            "\(tensor.element.rawValue) \(tensor.shape) \(hash.fingerprint)"
          ))
      }
      Console.text(table(rows))
      for key in file.metadata.keys.sorted() where key != "lockstep.configuration" {
        Console.line("\(key.shortened(to: 200)): \(file.metadata[key]!.shortened(to: 1000))")
      }
      if isCheckpoint { Console.line("checkpoint: sound") }
      Console.line("fingerprint \(fingerprint)")
    }
    return ExitCode.done
  }

  private static func json(
    _ file: SafetensorsFile, _ tensors: [(name: String, fingerprint: Fingerprint)],
    _ fingerprint: Fingerprint
  ) -> JSONValue {
    var object = JSONObject()
    object["file"] = .string(file.path)
    object["fingerprint"] = .string(fingerprint.description)
    var list = JSONObject()
    for (tensor, hash) in zip(file.tensors, tensors) {
      var entry = JSONObject()
      entry["type"] = .string(tensor.element.rawValue)
      entry["shape"] = .array(tensor.shape.map { .integer($0) })
      entry["fingerprint"] = .string(hash.fingerprint.description)
      list[tensor.name] = .object(entry)
    }
    object["tensors"] = .object(list)
    var metadata = JSONObject()
    for key in file.metadata.keys.sorted() { metadata[key] = .string(file.metadata[key]!) }
    object["metadata"] = .object(metadata)
    return .object(object)
  }
}
