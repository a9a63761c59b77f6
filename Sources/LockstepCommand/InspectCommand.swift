import Lockstep
import LockstepFiles

/// `lockstep inspect`: what is in a file of tensors, and its fingerprint; what is in a table.
enum InspectCommand: Command {
  static let name = "inspect"
  static let usage = "RUN-DIRECTORY | FILE.safetensors | TABLE.csv [OPTIONS]"
  static let summary = "show the tensors of weights or of a checkpoint, or the columns of a table"
  static let discussion = """
    A run directory stands for its final weights, or for one of its checkpoints; where a run was
    killed, for its newest sound one. A checkpoint is verified whole: its checksum covers every byte.
    The fingerprint of a run's weights is the one that train prints; that of a checkpoint is the one
    that train would print if the run ended there.

    Of a table (.csv, .tsv, .txt, also compressed) it shows what each column holds and becomes, and a
    configuration to start with.
    """
  static let options: [OptionSpecification] =
    [
      .option("--checkpoint", "best|last|N", "which checkpoint of the run directory"),
      .flag("--json", "print one line of JSON"),
      .flag("--fingerprint", "print the fingerprint alone"),
    ] + InspectTable.options

  static func run(_ arguments: Arguments) throws -> Int32 {
    let path = try arguments.single("a run directory, a safetensors file or a table")
    let choice = try arguments.checkpoint()
    guard LauncherRank.isRoot else { return ExitCode.done }
    if InspectTable.isTable(path, arguments) {
      let table = try InspectTable(path, arguments)
      Console.text(
        arguments.has("--json")
          ? table.json.compactText + "\n" : arguments.has("--starter") ? table.starter : table.text)
      return ExitCode.done
    }
    let weights = try WeightsFile(path, checkpoint: choice)
    let file = weights.file
    // A checkpoint has been verified, and says the fingerprint of its weights. Elsewhere the writer's
    // order is the declaration order that train hashes in; a file that others wrote has an order of
    // its own.
    let isCheckpoint = file.metadata["lockstep.checksum"] != nil
    let tensors = try file.fingerprints()
    let fingerprint =
      (isCheckpoint ? file.metadata[WeightsFile.fingerprintKey] : nil)
      ?? Fingerprint.tree(tensors).description
    for notice in weights.notices { Console.notice(notice) }
    if arguments.has("--fingerprint") {
      Console.line(fingerprint)
    } else if arguments.has("--json") {
      Console.line(json(file, tensors, fingerprint).compactText)
    } else {
      var rows: [(String, String)] = []
      for (tensor, hash) in zip(file.tensors, tensors) {
        rows.append(
          (tensor.name.shortened(to: 200), "\(tensor.type) \(tensor.shape) \(hash.fingerprint)"))
      }
      Console.text(table(rows))
      for key in file.metadata.keys.sorted() where key != "lockstep.configuration" {
        Console.line("\(key.shortened(to: 200)): \(shown(key, file.metadata[key]!))")
      }
      if isCheckpoint { Console.line("checkpoint: sound") }
      Console.line("fingerprint \(fingerprint)")
    }
    return ExitCode.done
  }

  /// A metadata entry as people read it: what training learned about its data is summed up.
  private static func shown(_ key: String, _ text: String) -> String {
    guard key == DataDescription.metadataKey,
      let data = try? DataDescription(parsing: Array(text.utf8), source: key)
    else { return text.shortened(to: 1000) }
    let input =
      switch data.input {
      case .columns(let table): counted(table.columns.count, "column")
      case .array(let array): "arrays of shape \(array.shape)"
      case .series(let series): series.summary
      case .texts(let texts): texts.summary
      case .tokens(let tokens):
        "windows of \(tokens.window) tokens"
          + (tokens.tokenizer?["kind"]?.stringValue.map { ", \($0)" } ?? "")
      }
    let target =
      switch data.target.kind {
      case .classes(let names): counted(names.count, "class", plural: "classes")
      case .values(let width): counted(width, "target value")
      }
    return "\(input), \(target) (--json shows all)"
  }

  private static func json(
    _ file: SafetensorsFile, _ tensors: [(name: String, fingerprint: Fingerprint)],
    _ fingerprint: String
  ) -> JSONValue {
    var object = JSONObject()
    object["file"] = .string(file.path)
    object["fingerprint"] = .string(fingerprint)
    var list = JSONObject()
    for (tensor, hash) in zip(file.tensors, tensors) {
      var entry = JSONObject()
      entry["type"] = .string(tensor.type)
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
