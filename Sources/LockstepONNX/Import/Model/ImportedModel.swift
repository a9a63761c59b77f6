import LockstepCatalog
import LockstepEngine
import LockstepFiles
import LockstepLayers

/// A model of an ONNX file, with the weights of the file to start from.
///
/// What PyTorch exports is trained as PyTorch trains it: batch normalisations and dropouts do in training what
/// they do there, and weights have PyTorch's names as far as the file tells them.
package struct ImportedModel: Model, CustomReflectable {
  /// The graph and its weights.
  let imported: ImportedGraph
  /// The weights of the file.
  package var parameters: [ImportedParameter] { imported.parameters }
  /// The running means and variances of the file.
  package var runningStatistics: [ImportedStatistic] { imported.statistics }
  /// The input that takes the examples' values.
  let input: ONNXGraph.Port
  /// The input that takes the sequences' lengths, where there is one.
  let lengths: ONNXGraph.Port?
  /// The result that is the model's.
  let output: ONNXGraph.Port
  let operatorSet: Int
  let statistics: BatchStatistics
  /// The file.
  let path: String
  /// The files of its folder that hold weights.
  let externalFiles: [String]
  /// The hash of all that was read.
  package let fingerprint: Fingerprint

  /// What a user should know, a sentence each.
  package var notices: [String] { imported.notices.map { "\(path): \($0)" } }

  /// Makes a model of a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - output: which of its results is the model's; the first if nil.
  ///   - statistics: whose mean and variance batch normalisations use in training.
  /// - Throws: `FileError`, and `GraphError` where the file holds no model that can be trained.
  package init(reading path: String, output: String?, statistics: BatchStatistics) throws {
    try self.init(
      ONNXModel(reading: path), path: path, output: output, statistics: statistics)
  }

  /// Makes a model of what a file holds.
  package init(
    _ model: ONNXModel, path: String, output: String?, statistics: BatchStatistics
  ) throws(GraphError) {
    self.path = path
    self.statistics = statistics
    externalFiles = model.externalFiles
    fingerprint = model.fingerprint ?? Fingerprint(of: path)
    operatorSet = model.operatorSet
    guard (Self.oldest...Self.newest).contains(operatorSet) else {
      throw GraphError(
        "\(path): is written with version \(operatorSet) of ONNX's operators; versions \(Self.oldest) to "
          + "\(Self.newest) are read (opset_version of torch.onnx.export)")
    }
    let outputs = model.graph.outputs
    guard let found = output.map({ name in outputs.first { $0.name == name } }) ?? outputs.first
    else {
      throw GraphError(
        "\(path): has no result '\(output ?? "")'; it has "
          + outputs.map { "'\($0.name)'" }.joined(separator: ", "))
    }
    self.output = found
    do throws(GraphError) {
      imported = try ImportedGraph(model.graph, output: found.name)
    } catch {
      throw GraphError("\(path): \(error.description)")
    }
    let inputs = imported.inputs
    guard let first = inputs.first(where: { $0.name != SequenceLengths.inputName }) else {
      throw GraphError("\(path): its result follows from no input")
    }
    input = first
    lengths = inputs.first { $0.name == SequenceLengths.inputName }
    if let other = inputs.first(where: { $0 != first && $0 != lengths }) {
      throw GraphError(
        "\(path): takes the inputs '\(first.name)' and '\(other.name)', and models of one input are trained "
          + "(beside it '\(SequenceLengths.inputName)', the lengths of sequences)")
    }
  }

  /// The versions of ONNX's operators that are read.
  static let (oldest, newest) = (9, 24)

  /// It is one layer to those that look for layers: its weights have names of their own.
  package var customMirror: Mirror { Mirror(self, children: []) }

  package func callAsFunction(_ input: Tensor) -> Tensor {
    let graph = input.graph
    guard !graph.hasFailed else { return input }
    let outer = graph.scope
    graph.scope = ""
    defer { graph.scope = outer }
    do throws(GraphError) {
      try check(input)
      return try trace(input)
    } catch {
      graph.failInstead("\(path): \(error.description)\(advice(graph.batchCount))")
      return input
    }
  }

  /// The number of examples that the file was exported for; nil where it was for any number.
  private var fixedCount: Int? {
    if case .fixed(let count)? = input.shape?.first { count } else { nil }
  }

  /// What may help where a file does not fit a number of examples.
  private func advice(_ count: Int) -> String {
    guard let fixedCount, fixedCount != count else { return "" }
    return
      "; the file was exported for \(fixedCount) examples, and \(count) are computed here: export it "
      + "for any number, with dynamic_shapes or dynamic_axes for the first axis"
  }

  private func trace(_ input: Tensor) throws(GraphError) -> Tensor {
    let input = fitted(input)
    let trace = GraphTrace(
      imported, input.graph, operatorSet: operatorSet, fixedCount: fixedCount,
      isSynchronized: statistics == .synchronized)
    var inputs = [(name: self.input.name, tensor: input)]
    if let lengths {
      guard let known = trace.readLengths() else {
        throw GraphError("takes the lengths of sequences, and the data has none")
      }
      inputs.append((name: lengths.name, tensor: known))
    }
    return try trace.run(inputs, output: output.name) { call throws(GraphError) in
      try call.results()
    }
  }

  /// Examples with as many axes as the file's input has: files of arrays give series as images of one channel.
  private func fitted(_ tensor: Tensor) -> Tensor {
    let shape = tensor.shape
    guard let sizes = input.shape, sizes.count == shape.count - 1, shape.count > 2, shape[1] == 1
    else { return tensor }
    return tensor.reshaped(to: [shape[0]] + shape[2...])
  }

  /// Throws where examples are not what the file's input takes.
  private func check(_ tensor: Tensor) throws(GraphError) {
    let isInteger = tensor.type.scalar == .int32
    if let scalar = input.scalar, isInteger != (scalar != .float32) {
      throw GraphError(
        "its input '\(input.name)' takes \(scalar == .float32 ? "numbers" : "integers"), and examples are "
          + (isInteger ? "integers" : "numbers"))
    }
    guard let sizes = input.shape?.dropFirst() else { return }
    let given = fitted(tensor).shape.dropFirst()
    let fits =
      sizes.count == given.count
      && zip(sizes, given).allSatisfy { size, given in
        if case .fixed(let number) = size { number == given } else { true }
      }
    guard fits else {
      let wanted = sizes.map { size in
        switch size {
        case .fixed(let number): "\(number)"
        case .free(let name): name.isEmpty ? "any" : name
        }
      }
      throw GraphError(
        "its input '\(input.name)' takes examples of shape [\(wanted.joined(separator: ", "))], and those "
          + "of the data have \(Array(given))")
    }
  }
}

extension ImportedModel {
  package static let entry = Entry<any Model>(
    "onnx", "a model of an ONNX file that PyTorch exported, with its weights ([onnx.md](onnx.md))",
    [
      .required("file", .file, "the file"),
      .optional(
        "output", .text, "which of its results is the model's", absence: "the first"),
      .with(
        "statistics", BatchStatistics.perShard,
        "whose mean and variance batch normalisation uses in training: each shard's or the batch's"),
    ]
  ) { values in
    try ImportedModel(
      reading: values["file"], output: values["output"], statistics: values["statistics"])
  }
}
