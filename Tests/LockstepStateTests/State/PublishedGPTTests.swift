import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepState
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Weights of GPT-2 as they were published load into `GPT`; `scripts/reference/gpt2.py` wrote them.
@Suite struct PublishedGPTTests {
  private static let directory: String = {
    // #filePath is Tests/LockstepStateTests/State/PublishedGPTTests.swift.
    let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return "/\(tests)/LockstepTestSupport/Data"
  }()
  private static let path = "\(directory)/gpt2.safetensors"
  private static let model = GPT(
    vocabulary: 13, context: 8, width: 12, layers: 2, heads: 3, activation: .tanh)

  private func predictor(_ path: String, width: Int = 12) throws -> Predictor {
    let model =
      width == 12
      ? Self.model
      : GPT(vocabulary: 13, context: 8, width: width, layers: 2, heads: 3, activation: .tanh)
    return try Predictor(
      model, input: ExampleField("input", [8], .int32(limit: 13)), weights: path)
  }

  /// Throws unless the model computes the reference's logits.
  private func expectLogits(_ path: String) throws {
    let predictor = try predictor(path)
    let file = try ReferenceFile("LockstepTestSupport/Data/gpt2-outputs.safetensors")
    let (tokens, logits) = (try file.tensor("input"), try file.tensor("output"))
    let found = try stride(from: 0, to: tokens.values.count, by: 8).flatMap {
      try predictor.predict(tokens.values[$0..<$0 + 8].map { Int32($0) })
    }
    let deviation = deviation(HostTensor(logits.shape, found.map { Double($0) }), from: logits)
    #expect(deviation < 1e-5)
  }

  /// Copies the file, with other names, without tensors that get none, and with tensors besides.
  private func copy(
    to path: String, adding more: [String: [Float]] = [:], _ name: (String) -> String?
  ) throws {
    let file = try SafetensorsFile(Self.path)
    var memory: [(entry: TensorEntry, name: String, bytes: [UInt8])] = []
    for entry in file.tensors {
      guard let name = name(entry.name) else { continue }
      var bytes = [UInt8](repeating: 0, count: entry.range.count)
      try bytes.withUnsafeMutableBytes { try file.read(entry.name, into: $0) }
      memory.append((entry, name, bytes))
    }
    let arenas = memory.map { item in
      let arena = Arena<UInt8>(count: item.bytes.count)
      _ = arena.buffer.update(fromContentsOf: item.bytes)
      return arena
    }
    var sources = try zip(memory, arenas).map { item, arena in
      TensorSource(
        item.name, try #require(item.entry.element), shape: item.entry.shape,
        bytes: UnsafeRawBufferPointer(arena.buffer))
    }
    let others = more.sorted { $0.key < $1.key }.map { name, values in
      let arena = Arena<Float>(count: values.count)
      _ = arena.buffer.update(fromContentsOf: values)
      sources.append(
        TensorSource(
          name, .float32, shape: [values.count / 12, 12],
          bytes: UnsafeRawBufferPointer(arena.buffer)))
      return arena
    }
    try withExtendedLifetime((arenas, others)) { try SafetensorsWriter.write(path, sources) }
  }

  @Test func theModelComputesWhatGPT2Computes() throws { try expectLogits(Self.path) }

  @Test func namesMayLackTheirFirstPart() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/bare.safetensors"
      try copy(to: path) {
        $0 == "lm_head.weight" ? nil : String($0.dropFirst("transformer.".count))
      }
      #expect(try SafetensorsFile(path).tensor("h.1.mlp.c_fc.weight")?.shape == [12, 48])
      try expectLogits(path)
    }
  }

  @Test func masksAndTheSecondTableAreLeftOut() throws {
    let tokens = TokenStream([UInt16](repeating: 0, count: 9), name: "none")
    let source = try ModelSource(
      Self.model, loss: SoftmaxCrossEntropy(),
      on: TokenWindows(tokens, length: 8, vocabulary: 13), seed: 1)
    let report = try Weights(of: source).load(Self.path, names: NameMap())
    #expect(report.isComplete)
    #expect(
      report.ignored.sorted() == [
        "lm_head.weight", "transformer.h.0.attn.bias", "transformer.h.0.attn.masked_bias",
        "transformer.h.1.attn.bias", "transformer.h.1.attn.masked_bias",
      ])
    // What was read is written as every model's weights are, and reads back as such.
    try withTemporaryDirectory { directory in
      let path = "\(directory)/weights.safetensors"
      try Weights(of: source).write(path)
      #expect(
        try SafetensorsFile(path).tensor("transformer.h.0.attn.c_attn.weight")?.shape == [36, 12])
      try expectLogits(path)
    }
  }

  @Test func whatDoesNotFitIsNamed() throws {
    func reason(_ path: String, width: Int = 12) -> String {
      do { _ = try predictor(path, width: width) } catch { return "\(error)" }
      return ""
    }
    let wide = reason(Self.path, width: 6)
    #expect(wide.contains("transformer.wte.weight is [13, 12], not [13, 6]"), "\(wide)")
    try withTemporaryDirectory { directory in
      let path = "\(directory)/other.safetensors"
      // A head of its own is not the table of tokens.
      let head = (0..<13 * 12).map { Float($0) }
      try copy(to: path, adding: ["lm_head.weight": head, "transformer.extra.weight": head]) {
        $0 == "lm_head.weight" || $0 == "transformer.wpe.weight" ? nil : $0
      }
      let other = reason(path)
      #expect(other.contains("it lacks transformer.wpe.weight"), "\(other)")
      #expect(
        other.contains("it has lm_head.weight, transformer.extra.weight besides"), "\(other)")
    }
  }
}
