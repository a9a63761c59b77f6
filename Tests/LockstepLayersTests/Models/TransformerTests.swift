import LockstepEngine
import LockstepLayers
import Testing

/// What transformers draw at first, and what they say where they cannot be made.
@Suite struct TransformerTests {
  private func message(
    _ model: any Model, _ shape: [Int], scalar: ScalarType = .float32
  ) -> String? {
    do {
      _ = try trace(model, inputShape: shape, batchCount: 2, training: true, scalar: scalar)
      return nil
    } catch { return error.description }
  }

  @Test("what does not fit is said with the layer's name")
  func errors() {
    let cases: [(model: any Model, input: [Int], message: String)] = [
      (
        Sequential(named: [("attention", MultiheadAttention(8, heads: 3))]), [4, 8],
        "layer 'attention': 3 heads do not divide the width 8"
      ),
      (
        Sequential([MultiheadAttention(8, heads: 2)]), [4, 6],
        "layer '0': expects an input [N, T, 8], got [2, 4, 6]"
      ),
      (
        Sequential([MultiheadAttention(8, heads: 2)]), [8],
        "layer '0': expects an input [N, T, 8], got [2, 8]"
      ),
      (
        Sequential([MultiheadAttention(8, heads: 2, dropout: 1)]), [4, 8],
        "layer '0': the rate of dropout must be in 0..<1, got 1.0"
      ),
      (
        Sequential([MultiheadAttention(6, heads: 2, rotary: RotaryPositions())]), [4, 6],
        "layer '0': rotary positions: a head's width must be even and positive, got 3"
      ),
      (
        TransformerEncoder(1) { TransformerEncoderLayer(6, heads: 4) }, [4, 6],
        "layer 'layers.0.self_attn': 4 heads do not divide the width 6"
      ),
      (
        Sequential([LearnedPositions(3)]), [4, 6],
        "layer '0': there are 3 positions, the input [2, 4, 6] has 4"
      ),
      (
        Sequential([Conv1d(4, kernel: 3)]), [5],
        "layer '0': expects an input [N, C, L], got [2, 5]"
      ),
      (
        Sequential([Conv1d(4, kernel: 3, padding: [1, 2])]), [2, 5],
        "layer '0': the padding of a sequence is one number, got [1, 2]"
      ),
      (
        Sequential([ConvTranspose2d(4, kernel: 3, stride: 2, outputPadding: 2)]), [2, 5, 5],
        "layer '0': transposed conv2d: the output padding must be from 0 to below the stride [2, 2], "
          + "got [2, 2]"
      ),
      (
        Sequential([ConvTranspose2d(4, kernel: 1, padding: 4)]), [2, 5, 5],
        "layer '0': transposed conv2d: a padding of 8 leaves nothing of 5 positions of the result"
      ),
    ]
    for (model, input, expected) in cases { #expect(message(model, input) == expected) }
    func gpt(heads: Int = 2, width: Int = 8, layers: Int = 1) -> GPT {
      GPT(vocabulary: 5, context: 4, width: width, layers: layers, heads: heads)
    }
    #expect(message(gpt(), [4], scalar: .int32) == nil)
    #expect(
      message(gpt(heads: 3), [4], scalar: .int32)
        == "layer 'transformer.h.0.attn': 3 heads do not divide the width 8")
    #expect(
      message(gpt(), [5], scalar: .int32)
        == "layer 'transformer.wpe': there are 4 positions, the input [2, 5, 8] has 5")
    #expect(
      message(gpt(), [4])?.hasPrefix("layer 'transformer.wte': expects tokens [N, T] of Int32")
        == true)
    #expect(
      message(gpt(width: 0), [4], scalar: .int32) == "a GPT's width is from 1 to 1048576, got 0")
    #expect(
      message(gpt(layers: -1), [4], scalar: .int32) == "a GPT's layers are from 1 to 1000, got -1")
  }

  @Test("weights are drawn as PyTorch and nanoGPT draw them")
  func initializers() throws {
    let attention = try trace(
      MultiheadAttention(8, heads: 2), inputShape: [3, 8], batchCount: 1, training: true
    ).graph.parameters
    #expect(
      attention.map(\.name)
        == ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"])
    #expect(attention[0].initializer as? VarianceScaling == .glorot())
    #expect(attention[2].initializer as? VarianceScaling == .pyTorchDefault)
    for bias in [1, 3] {
      #expect(attention[bias].initializer as? ConstantInitializer == ConstantInitializer(0))
    }
    let parameters = try trace(
      GPT(vocabulary: 7, context: 5, width: 8, layers: 2, heads: 2), inputShape: [5], batchCount: 1,
      training: true, scalar: .int32
    ).graph.parameters
    for parameter in parameters {
      if parameter.name.contains("ln_") {
        let value: Float = parameter.name.hasSuffix("weight") ? 1 : 0
        #expect(parameter.initializer as? ConstantInitializer == ConstantInitializer(value))
      } else if parameter.name.hasSuffix("bias") {
        #expect(parameter.initializer as? ConstantInitializer == ConstantInitializer(0))
      } else {
        let isResidual = parameter.name.hasSuffix("c_proj.weight")
        #expect(
          parameter.initializer as? NormalInitializer
            == NormalInitializer(standardDeviation: isResidual ? 0.01 : 0.02), "\(parameter.name)")
      }
    }
  }

  @Test("GPT-2 has 124,439,808 parameters")
  func size() throws {
    let trace = try trace(
      GPT(vocabulary: 50257, context: 1024, width: 768, layers: 12, heads: 12), inputShape: [8],
      batchCount: 1, training: false, scalar: .int32)
    let count = trace.graph.parameters.reduce(0) { $0 + $1.shape.reduce(1, *) }
    #expect(count == 124_439_808)
    #expect(trace.output.shape == [1, 8, 50257])
  }

  @Test("every dropout of a model draws another mask, and none in evaluation")
  func dropouts() throws {
    let layer = TransformerEncoderLayer(8, heads: 2, feedForward: 8)
    let attention = MultiheadAttention(8, heads: 2, dropout: 0.1)
    let model = Sequential([layer, attention, attention])
    func keys(training: Bool) throws -> [UInt32] {
      try trace(model, inputShape: [3, 8], batchCount: 2, training: training).graph.nodes
        .compactMap {
          ($0.operation as? LockstepEngine.Dropout ?? ($0.operation as? Attention)?.dropout)?.key
        }
    }
    #expect(try keys(training: true).count == 6)
    #expect(try Set(keys(training: true)).count == 6)
    #expect(try keys(training: false).isEmpty)
  }

  @Test("turned by their positions, queries and keys agree by their distance")
  func rotary() throws {
    for pairing in RotaryPairing.allCases {
      let graph = Graph(batchCount: 1, training: false)
      let (x, y) = (graph.input("x", [1, 9, 6]), graph.input("y", [1, 9, 6]))
      func turned(_ tensor: Tensor) -> Tensor { tensor.rotated(headWidth: 6, pairing: pairing) }
      let scores = turned(x).matmul(turned(y), transposeRight: true)
      let (row, other) = ([0.3, -1, 2, 0.5, 1, -2], [1.0, 0.2, -0.7, 1.5, 0.1, 2])
      func repeated(_ row: [Double]) -> HostTensor {
        HostTensor([1, 9, 6], (0..<9).flatMap { _ in row })
      }
      let values = try ReferenceEvaluator(graph).evaluate(
        [scores], .init(inputs: ["x": repeated(row), "y": repeated(other)]))[0].values
      for query in 1..<9 {
        for key in 1..<9 {
          let difference: Double = values[query * 9 + key] - values[(query - 1) * 9 + key - 1]
          #expect(abs(difference) < 1e-12)
        }
      }
      #expect(abs(values[1] - values[0]) > 0.1)
    }
  }
}
