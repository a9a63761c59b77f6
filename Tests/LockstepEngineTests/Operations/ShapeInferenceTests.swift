import LockstepEngine
import Testing

/// A misuse of an operation, and what it says.
private struct Misuse: Sendable, CustomTestStringConvertible {
  let message: String
  let build: @Sendable (Graph) -> Void
  var testDescription: String { message }

  init(_ message: String, _ build: @escaping @Sendable (Graph) -> Void) {
    self.message = message
    self.build = build
  }
}

extension Graph {
  fileprivate func x(_ shape: Int..., scalar: ScalarType = .float32) -> Tensor {
    // A name has one type: each call makes another input.
    input("x\(leaves.count)", shape, scalar)
  }
}

private let misuses: [Misuse] = [
  Misuse("linear: the input has 4 features, the weight expects 5") {
    _ = $0.x(2, 4).linear($0.x(3, 5))
  },
  Misuse("linear: the bias must be [3], got [4]") { _ = $0.x(2, 5).linear($0.x(3, 5), $0.x(4)) },
  Misuse("linear: expects x […, in] and w [out, in], got [2, 4] and [4]") {
    _ = $0.x(2, 4).linear($0.x(4))
  },
  Misuse("matmul: the inner dimensions of [2, 3] and [4, 5] differ: 3, 4") {
    _ = $0.x(2, 3).matmul($0.x(4, 5))
  },
  Misuse("matmul: shapes [2, 2, 3] and [3, 3, 5] are no batches of matrices of equal number") {
    _ = $0.x(2, 2, 3).matmul($0.x(3, 3, 5))
  },
  Misuse("add: shapes [2, 3] and [4] do not broadcast") { _ = $0.x(2, 3) + $0.x(4) },
  Misuse("activation tanh: expects Float32 values, got integers [2]") {
    _ = $0.x(2, scalar: .int32).tanh()
  },
  Misuse("conv2d: expects an input [N, C, H, W], got [2, 3]") {
    _ = $0.x(2, 3).convolved($0.x(4, 3, 3, 3), window: Window(kernel: [3, 3]))
  },
  Misuse("conv2d: expects a weight [out, in / groups, kH, kW], got [4, 3]") {
    _ = $0.x(2, 3, 5, 5).convolved($0.x(4, 3), window: Window(kernel: [3, 3]))
  },
  Misuse("conv2d: the input has 4 channels in 2 groups, the weight expects 4 a group") {
    _ = $0.x(2, 4, 5, 5).convolved($0.x(4, 4, 3, 3), window: Window(kernel: [3, 3]), groups: 2)
  },
  Misuse("conv2d: 2 groups do not divide 3 input and 4 output channels") {
    _ = $0.x(2, 3, 5, 5).convolved($0.x(4, 3, 3, 3), window: Window(kernel: [3, 3]), groups: 2)
  },
  Misuse("conv2d: the weight's kernel [3, 2] is not [3, 3]") {
    _ = $0.x(2, 3, 5, 5).convolved($0.x(4, 3, 3, 2), window: Window(kernel: [3, 3]))
  },
  Misuse(
    "conv2d: a kernel that reaches over 5 does not fit into 4 plus padding 0 and 0"
  ) {
    let window = Window(kernel: [3, 3], dilations: [2, 2])
    _ = $0.x(2, 3, 4, 5).convolved($0.x(4, 3, 3, 3), window: window)
  },
  Misuse(
    "conv2d: kernel, strides and dilations are two positive numbers each, up to 1073741824, got [0, 1]"
  ) {
    let window = Window(kernel: [3, 3], strides: [0, 1])
    _ = $0.x(2, 3, 4, 5).convolved($0.x(4, 3, 3, 3), window: window)
  },
  Misuse("max pooling: padding 2 is more than half the kernel 3") {
    _ = $0.x(2, 3, 4, 5).maxPooled(Window(kernel: [3, 3], padding: [2, 2]))
  },
  Misuse("average pooling: dilated pooling is not supported") {
    _ = $0.x(2, 3, 4, 5).averagePooled(Window(kernel: [2, 2], dilations: [2, 1]))
  },
  Misuse("global average pooling: expects an input [N, C, H, W], got [2, 3]") {
    _ = $0.x(2, 3).globallyAveragePooled()
  },
  Misuse("batch normalization: expects an input [N, C, …], got [3]") {
    _ = $0.x(3).batchNormalized($0.x(3), $0.x(3), epsilon: 1e-5)
  },
  Misuse(
    "batch normalization: the input has 3 channels, a per-channel tensor has shape [4]"
  ) { _ = $0.x(2, 3).batchNormalized($0.x(4), $0.x(3), epsilon: 1e-5) },
  Misuse(
    "batch normalization: one value a channel has no variance: input [1, 3]; use larger shards (fewer `shards`, a larger `batchSize`, or drop the last partial batch)"
  ) { _ = $0.x(1, 3).batchNormalized($0.x(3), $0.x(3), epsilon: 1e-5) },
  Misuse("dropout: the rate must be in 0..<1, got 1.0") { _ = $0.x(2, 3).dropout(rate: 1, key: 0) },
  Misuse("reshape: [2, 3] has 6 values, which do not fill [4, 2]") {
    _ = $0.x(2, 3).reshaped(to: [4, 2])
  },
  Misuse("flatten: axis 3 is not among the axes of [2, 3]") { _ = $0.x(2, 3).flattened(from: 3) },
  Misuse("transpose: [0, 0] is no permutation of the axes of [2, 3]") {
    _ = $0.x(2, 3).transposed([0, 0])
  },
  Misuse("broadcast: [2, 3] does not broadcast to [2, 4]") {
    _ = $0.x(2, 3).broadcast(to: [2, 4])
  },
  Misuse("slice: 2..<4 is not inside axis 1 of [2, 3]") { _ = $0.x(2, 3).sliced(axis: 1, 2..<4) },
  Misuse("slice: axis 2 is not among the axes of [2, 3]") {
    _ = $0.x(2, 3).sliced(axis: 2, 0..<1)
  },
  Misuse("concatenate: shapes [2, 3] and [3, 3] differ beside axis 1") {
    _ = Tensor.concatenated([$0.x(2, 3), $0.x(3, 3)], axis: 1)
  },
  Misuse("sum: axis 2 is not among the axes of [2, 3]") { _ = $0.x(2, 3).sum([2]) },
  Misuse("softmax: expects at least one axis") { _ = $0.x().softmax() },
  Misuse("softmax cross-entropy: expects 2 integer labels, got int32 [3]") {
    _ = $0.x(2, 3).softmaxCrossEntropy(labels: $0.x(3, scalar: .int32))
  },
  Misuse("softmax cross-entropy: label smoothing must be in 0...1") {
    _ = $0.x(2, 3).softmaxCrossEntropy(labels: $0.x(2, scalar: .int32), smoothing: 1.5)
  },
  Misuse("binary cross-entropy: predictions [2, 1] and targets float32 [2] differ") {
    _ = $0.x(2, 1).binaryCrossEntropy(targets: $0.x(2))
  },
  Misuse("squared error: expects 2 weights, one an example, got [3]") {
    _ = $0.x(2, 1).squaredError(targets: $0.x(2, 1), weights: $0.x(3))
  },
  Misuse("correct predictions: expects logits [N, C] and N integer labels") {
    _ = $0.x(2, 3).correctCount(labels: $0.x(2))
  },
  Misuse("parameter 'w' is used with shapes [2] and [3]") { graph in
    for size in [2, 3] {
      _ = graph.parameter(
        ParameterSpecification(name: "w", shape: [size], initializer: Nothing()))
    }
  },
]

private struct Nothing: Initializer {
  func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {}
}

@Suite struct ShapeInferenceTests {
  @Test("inputs that do not fit are refused, and the message says why", arguments: misuses)
  private func refuses(_ misuse: Misuse) throws {
    let graph = Graph(batchCount: 2, training: true)
    misuse.build(graph)
    let error = #expect(throws: GraphError.self) { try graph.check() }
    #expect(error?.description == misuse.message)
  }

  @Test("the first failure is kept, with the layer's name, and the model's code goes on")
  func firstFailure() {
    let graph = Graph(batchCount: 2, training: true)
    graph.scope = "encoder.0"
    let bad = graph.x(2, 3).sliced(axis: 1, 0..<4)
    graph.scope = "decoder"
    _ = (bad.relu() + 1).sum().softmax().linear(graph.x(1, 2))
    let error = #expect(throws: GraphError.self) { try graph.check() }
    #expect(error?.description == "layer 'encoder.0': slice: 0..<4 is not inside axis 1 of [2, 3]")
  }
}
