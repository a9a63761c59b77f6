import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepTestSupport
import LockstepTraining
import Testing

/// What PyTorch's `save_file(layer.state_dict(), …)` leaves loads as it is, and gives PyTorch's outputs. The files are
/// those of `scripts/reference/state_dicts.py`.
@Suite struct StateDictionaryTests {
  private static let layers: [(name: String, model: any Model)] = [
    ("rnn", RNN(4, 6, numLayers: 2)), ("gru", GRU(4, 5, bidirectional: true)),
    ("lstm", LSTM(4, 6, numLayers: 2, bidirectional: true)),
    ("attention", MultiheadAttention(8, heads: 2)),
    (
      "encoder",
      TransformerEncoder(2, norm: LayerNorm()) {
        TransformerEncoderLayer(8, heads: 2, feedForward: 12, activation: .gelu)
      }
    ), ("embedding", Embedding(9, 4)),
  ]

  private static let directory: String = {
    // #filePath is Tests/LockstepTrainingTests/Prediction/StateDictionaryTests.swift.
    let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return "/\(tests)/LockstepTestSupport/Data/state-dicts"
  }()

  private func predictor(_ index: Int, weights: String) throws -> Predictor {
    let (name, model) = Self.layers[index]
    let file = try ReferenceFile("LockstepTestSupport/Data/state-dicts/outputs.safetensors")
    let shape = Array(try file.tensor("\(name)/input").shape.dropFirst())
    return try Predictor(
      model,
      input: ExampleField("input", shape, name == "embedding" ? .int32(limit: 9) : .float32),
      weights: "\(Self.directory)/\(weights).safetensors")
  }

  @Test("a layer's weights load without conversion", arguments: layers.indices)
  func outputs(_ index: Int) throws {
    let name = Self.layers[index].name
    let file = try ReferenceFile("LockstepTestSupport/Data/state-dicts/outputs.safetensors")
    let (input, output) = (
      try file.tensor("\(name)/input"), try file.tensor("\(name)/output")
    )
    let predictor = try predictor(index, weights: name)
    let found =
      name == "embedding"
      ? try predictor.predict(input.values.map { Int32($0) })
      : try predictor.predict(input.values.map { Float($0) })
    let apart = deviation(HostTensor(output.shape, found.map { Double($0) }), from: output)
    #expect(apart < 1e-5)
  }

  @Test("all layers of the file are tested, and another layer's weights are refused")
  func others() throws {
    let file = try ReferenceFile("LockstepTestSupport/Data/state-dicts/outputs.safetensors")
    #expect(file.descriptions.compactMap { $0.text("name") } == Self.layers.map(\.name))
    for (index, layer) in Self.layers.enumerated() {
      for other in Self.layers where other.name != layer.name {
        #expect(throws: FileError.self) { _ = try predictor(index, weights: other.name) }
      }
    }
  }
}
