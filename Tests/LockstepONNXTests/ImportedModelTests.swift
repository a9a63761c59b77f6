import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepTestSupport
import Testing

import LockstepONNX

/// Models that PyTorch exported, in the ways in which people export them, against PyTorch.
@Suite struct ImportedModelTests {
  private static let folder = "LockstepONNXTests/Fixtures"

  /// A model, as one of the exports.
  struct Case: Sendable, CustomStringConvertible {
    let model: String
    let export: String
    var description: String { "\(model)-\(export)" }
    /// Whether the exporter has folded batch normalisations away, or may have.
    var isFolded: Bool {
      ["script", "script-fixed", "dynamo", "dynamo-fixed"].contains(export)
        && ["mlp", "resnet", "depthwise", "conv1d"].contains(model)
    }
    /// Whether the exporter left weights out that are 0, or cut tables to the rows that one length needs.
    var isReduced: Bool {
      model == "encoder"
        ? export.hasPrefix("dynamo") && export != "dynamo-plain"
        : model.hasPrefix("gpt") && export == "script-fixed"
    }
  }

  /// Whether the export itself has moved running statistics, as one in training mode does.
  private static func isMoved(_ case_: Case) -> Bool {
    case_.export == "script-training"
      && ["mlp", "resnet", "depthwise", "conv1d"].contains(case_.model)
  }

  static let cases: [Case] = [
    "mlp", "resnet", "depthwise", "conv1d", "lstm", "gru", "encoder", "gpt", "gpt-fused",
  ]
  .flatMap { model in
    ["script", "script-training", "script-fixed", "dynamo", "dynamo-plain", "dynamo-fixed"]
      .map { Case(model: model, export: $0) }
  }
  // The older exporter stores first states for its number of examples, which shapes do not repeat.
  .filter { !(["lstm", "gru"].contains($0.model) && $0.export == "script-fixed") }

  private let file: ReferenceFile
  init() throws { file = try ReferenceFile("\(Self.folder)/models.safetensors") }

  private static func path(_ name: String) -> String {
    let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    return "/\(tests)/\(folder)/\(name).onnx"
  }

  static func model(_ case_: Case, _ statistics: BatchStatistics = .perShard) throws
    -> ImportedModel
  {
    try ImportedModel(
      reading: path("\(case_)"), output: nil, statistics: statistics)
  }

  private func traced(_ case_: Case, training: Bool) throws -> (Trace, ReferenceEvaluator.Leaves) {
    let model = try Self.model(case_)
    let description = try #require(file.descriptions.first { $0.text("name") == case_.model })
    let input = try file.tensor("\(case_.model)/input")
    let trace = try trace(
      model, inputShape: Array(input.shape.dropFirst()), batchCount: input.shape[0],
      training: training, scalar: description.flag("tokens") ? .int32 : .float32)
    var leaves = ReferenceEvaluator.Leaves(inputs: ["input": input])
    for parameter in model.parameters {
      leaves.parameters[parameter.name] = HostTensor(
        parameter.shape, parameter.values.map(Double.init))
    }
    for statistic in model.runningStatistics {
      leaves.statistics[statistic.name] = HostTensor(
        [statistic.values.count], statistic.values.map(Double.init))
    }
    return (trace, leaves)
  }

  @Test("the output of an evaluation", arguments: cases.filter { !isMoved($0) })
  func output(_ case_: Case) throws {
    let (trace, leaves) = try traced(case_, training: false)
    let output = try ReferenceEvaluator(trace.graph).evaluate([trace.output], leaves)[0]
    #expect(deviation(output, from: try file.tensor("\(case_.model)/output")) < 2e-6)
  }

  @Test(
    "weights have PyTorch's names, shapes and values",
    arguments: cases.filter { !$0.isFolded && !$0.isReduced })
  func names(_ case_: Case) throws {
    let model = try Self.model(case_)
    let description = try #require(file.descriptions.first { $0.text("name") == case_.model })
    let names = model.parameters.map(\.name)
    #expect(names.sorted() == description.texts("parameters")?.sorted())
    #expect(
      model.runningStatistics.map(\.name).sorted() == description.texts("statistics")?.sorted())
    for parameter in model.parameters {
      let state = try file.tensor("\(case_.model)/state/\(parameter.name)")
      #expect(parameter.shape == state.shape, "\(parameter.name)")
      #expect(parameter.values.map(Double.init) == state.values, "\(parameter.name)")
    }
  }

  @Test("output and gradients in training", arguments: cases.filter { !$0.isFolded })
  func gradients(_ case_: Case) throws {
    var (trace, leaves) = try traced(case_, training: true)
    let cotangent = try file.tensor("\(case_.model)/cotangent")
    leaves.inputs["cotangent"] = cotangent
    let objective = (trace.output * trace.graph.input("cotangent", cotangent.shape)).sum()
    let names = trace.graph.parameters.map(\.name)
    let gradients = trace.graph.gradients(
      of: objective, by: trace.graph.parameters.map { trace.graph.parameter($0) })
    try trace.graph.check()
    let wanted = try gradients.map { try #require($0) }
    let results = try ReferenceEvaluator(trace.graph).evaluate([trace.output] + wanted, leaves)
    #expect(deviation(results[0], from: try file.tensor("\(case_.model)/training")) < 2e-6)
    for (name, found) in zip(names, results.dropFirst()) {
      let expected = try file.tensor("\(case_.model)/gradient/\(name)")
      // What a normalisation takes away has no gradient but roundings.
      let scale = expected.values.reduce(0) { max($0, abs($1)) }
      #expect(deviation(found, from: expected) * min(1, scale / 1e-5) < 1e-5, "\(name)")
    }
  }

  @Test("what is written again gives the same results", arguments: cases.filter { !isMoved($0) })
  func roundTrip(_ case_: Case) throws {
    let model = try Self.model(case_)
    let description = try #require(file.descriptions.first { $0.text("name") == case_.model })
    let input = try file.tensor("\(case_.model)/input")
    let scalar: ScalarType = description.flag("tokens") ? .int32 : .float32
    var values: [String: [Float]] = [:]
    for parameter in model.parameters { values[parameter.name] = parameter.values }
    for statistic in model.runningStatistics { values[statistic.name] = statistic.values }
    let written = try ONNXModel(
      exporting: SingleInputModel(model),
      inputs: [TracedInput("input", Array(input.shape.dropFirst()), scalar)], producer: "tests",
      metadata: [(key: "a", value: "b")]
    ) { name in values[name] ?? [] }
    try withTemporaryDirectory { directory in
      let path = "\(directory)/model.onnx"
      try AtomicFile.write(path, bytes: try written.packed())
      let again = try ImportedModel(reading: path, output: nil, statistics: .perShard)
      #expect(
        again.parameters.map(\.name).sorted()
          == model.parameters.map(\.name).sorted())
      let trace = try trace(
        again, inputShape: Array(input.shape.dropFirst()), batchCount: input.shape[0],
        training: false, scalar: scalar)
      var leaves = ReferenceEvaluator.Leaves(inputs: ["input": input])
      for parameter in again.parameters {
        leaves.parameters[parameter.name] = HostTensor(
          parameter.shape, parameter.values.map(Double.init))
      }
      for statistic in again.runningStatistics {
        leaves.statistics[statistic.name] = HostTensor(
          [statistic.values.count], statistic.values.map(Double.init))
      }
      let output = try ReferenceEvaluator(trace.graph).evaluate([trace.output], leaves)[0]
      #expect(deviation(output, from: try file.tensor("\(case_.model)/output")) < 5e-6)
    }
  }
}
