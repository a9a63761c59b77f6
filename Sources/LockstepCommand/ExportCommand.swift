import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepONNX

/// `lockstep export`: a trained model in a file for other programs.
enum ExportCommand: Command {
  static let name = "export"
  static let usage = "RUN-DIRECTORY | CONFIG.json --onnx FILE [OPTIONS]"
  static let summary = "write a trained model for other programs, as an ONNX file"
  static let discussion = """
    Takes a run directory (its final weights, their average where the run keeps one, or a checkpoint) or
    a configuration with --weights. The file takes any number of examples, prepared as training prepared
    them: what it learned about its data (means, deviations, names of columns and classes) is in the
    file's metadata, under lockstep.data. Columns that became learned vectors are inputs of their own. Results are the model's own, logits of a classifier. Weights
    have PyTorch's names. The data need not be there. docs/onnx.md has the operators.
    """
  static let options =
    NamedConfiguration.options + [
      .option("--onnx", "FILE", "the file to write"),
      .option(
        "--weights", "FILE", "the weights, or a checkpoint; a run directory's own by default"),
      .option("--checkpoint", "best|last|N", "a checkpoint of the run directory, by its step"),
    ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let path = try arguments.single("a run directory or a configuration's path")
    _ = try arguments.overrides()
    guard let output = arguments.value("--onnx") else {
      throw ArgumentError(description: "'--onnx FILE', the file to write, is missing")
    }
    let (weights, checkpoint) = (arguments.value("--weights"), try arguments.checkpoint())
    if weights != nil, checkpoint != nil {
      throw ArgumentError(
        description: "'--weights' and '--checkpoint' both name weights; give one of the two")
    }
    return try Job.run { collective in
      let named = try NamedConfiguration(path, arguments, on: collective)
      guard let place = weights ?? named.runDirectory else {
        throw ArgumentError(description: "'--weights FILE' is missing: a configuration has none")
      }
      try collective.onRoot {
        let file = try WeightsFile(place, checkpoint: checkpoint, prefersAverage: true)
        try FileIdentity.check(output, of: "--onnx", among: named.files + [file.path])
        try write(named, file, to: output)
      }
      return ExitCode.done
    }
  }

  private static func write(
    _ named: NamedConfiguration, _ file: WeightsFile, to output: String
  ) throws {
    for notice in file.notices { Console.notice(notice) }
    let known = try TrainedModel.description(file, named.runDirectory, on: SoloCollective())
    let description = try known ?? named.configuration.data.load().record.description
    let fields = description.inputFields
    let model = named.configuration.tracedModel(for: description)
    let source = try ModelSource(model, inputs: fields)
    try Weights(of: source).read(file)
    let values = source.memory.namedValues
    let exported = try ONNXModel(
      exporting: model, inputs: fields.map(\.traced), producer: "lockstep",
      metadata: metadata(description, file)
    ) { name in values[name] ?? [] }
    let bytes = try exported.packed()
    try AtomicFile.write(output, bytes: bytes)
    let ports = (exported.graph.inputs + exported.graph.outputs).map(described)
    Console.line(
      "\(output): \(counted(exported.graph.nodes.count, "node")), \(ByteCount(bytes.count)); "
        + ports.joined(separator: ", "))
  }

  /// What is said about a model beside its graph: by what examples are prepared, and what results mean.
  private static func metadata(
    _ description: DataDescription, _ file: WeightsFile
  ) -> [(key: String, value: String)] {
    var metadata = [(key: DataDescription.metadataKey, value: description.json.compactText)]
    func names(_ names: [String]) -> String {
      JSONValue.array(names.map { .string($0) }).compactText
    }
    if case .columns(let table) = description.input {
      metadata.append((key: "lockstep.columns", value: names(table.numberNames)))
      if !table.vectorLevels.isEmpty {
        var levels = JSONObject()
        for column in table.vectorLevels {
          levels[column.input] = .array(column.levels.map { .string($0) })
        }
        metadata.append(
          (key: "lockstep.categories", value: JSONValue.object(levels).compactText))
      }
    }
    let heads =
      description.heads.isEmpty
      ? [("", description.target)] : description.heads.map { (".\($0.name)", $0.target) }
    for (suffix, target) in heads {
      guard let classes = target.classes?.names else { continue }
      metadata.append((key: "lockstep.classes\(suffix)", value: names(classes)))
    }
    if let step = file.step { metadata.append((key: WeightsFile.stepKey, value: "\(step)")) }
    return metadata
  }

  private static func described(_ port: ONNXGraph.Port) -> String {
    let sizes = (port.shape ?? []).map { size in
      switch size {
      case .fixed(let number): "\(number)"
      case .free(let name): name
      }
    }
    return "\(port.name) [\(sizes.joined(separator: ", "))]"
  }
}
