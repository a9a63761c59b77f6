import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepTestSupport
import Testing

import LockstepONNX

/// A weight that is computed from other parameters is computed in the file, too.
@Suite struct ParametrizedExportTests {
  private static let model = Sequential([
    ConvTranspose2d(4, kernel: 1, parametrization: .spectralNorm),
    Conv2d(4, kernel: 3, groups: 2, parametrization: .weightNorm), Tanh(), Flatten(),
    Linear(5, parametrization: .weightStandardization), Tanh(),
    Linear(4, parametrization: .spectralNorm), Tanh(),
    Linear(3, bias: false, parametrization: .weightNorm),
  ])

  private func values(_ name: String, _ count: Int) -> [Float] {
    (0..<count).map { Float(($0 * 37 + name.utf8.count * 11 + $0 * $0 % 5) % 23) / 10 - 1.05 }
  }

  /// What is written computes what the model computes, and is trained by the same names.
  @Test func whatIsWrittenComputesTheSame() throws {
    let shape = [4, 5, 4]
    let input = HostTensor([3] + shape, (0..<240).map { Double(($0 * 7) % 13) / 6 - 1 })
    let original = try trace(Self.model, inputShape: shape, batchCount: 3, training: false)
    var stored: [String: [Float]] = [:]
    for parameter in original.graph.parameters {
      stored[parameter.name] = values(parameter.name, parameter.shape.reduce(1, *))
    }
    let trained = stored.keys.sorted()
    #expect(original.graph.statistics.count == 4)
    for statistic in original.graph.statistics {
      stored[statistic.name] = values(statistic.name, statistic.shape[0])
    }
    func output(_ trace: Trace) throws -> HostTensor {
      var leaves = ReferenceEvaluator.Leaves(inputs: ["input": input])
      for parameter in trace.graph.parameters {
        leaves.parameters[parameter.name] = HostTensor(
          parameter.shape, try #require(stored[parameter.name]).map(Double.init))
      }
      for statistic in trace.graph.statistics {
        leaves.statistics[statistic.name] = HostTensor(
          statistic.shape, try #require(stored[statistic.name]).map(Double.init))
      }
      return try ReferenceEvaluator(trace.graph).evaluate([trace.output], leaves)[0]
    }
    let known = stored
    let written = try ONNXModel(
      exporting: SingleInputModel(Self.model), inputs: [TracedInput("input", shape)],
      producer: "tests", metadata: []
    ) { known[$0] ?? [] }
    try withTemporaryDirectory { directory in
      let path = "\(directory)/model.onnx"
      try AtomicFile.write(path, bytes: try written.packed())
      let read = try ImportedModel(reading: path, output: nil, statistics: .perShard)
      #expect(read.parameters.map(\.name).sorted() == trained)
      // Vectors of power iteration are no weights.
      #expect(read.notices.filter { $0.contains("stays as it is") }.count == 4)
      for parameter in read.parameters { #expect(parameter.values == stored[parameter.name]) }
      let again = try trace(read, inputShape: shape, batchCount: 3, training: true)
      #expect(deviation(try output(again), from: try output(original)) < 1e-6)
    }
  }
}
