import LockstepEngine
import LockstepTestSupport
import Testing

/// Operations on bfloat16 numbers against the reference evaluation in Double: each one between two
/// products, so that it reads and writes rounded values, forward and backward.
@Suite(.enabled(if: ComputeLibrary.hasBFloat16, "\(Precision.missing)"))
struct PrecisionTests {
  /// An operation under test.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    var shape = [4, 16, 8, 8]
    /// Part of the name of an implementation that must be used; nil where our own code or plain copies
    /// do the work.
    var implementation: String?
    /// The share of values that may miss the bound where rounding moves arguments over a kink; the
    /// weights are bfloat16 numbers then, so that few do.
    var share = 0.0
    let apply: @Sendable (Tensor, (String, [Int]) -> Tensor) -> Tensor
    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(name: "convolution", implementation: "bf16") { x, parameter in
      x.convolved(
        parameter("w", [32, 16, 3, 3]), parameter("b", [32]), window: .same(kernel: [3, 3]))
    },
    Case(name: "convolution of odd channels", shape: [3, 10, 9, 7]) { x, parameter in
      x.convolved(
        parameter("w", [17, 10, 3, 3]), parameter("b", [17]), window: .same(kernel: [3, 3]))
    },
    Case(name: "strided convolution", implementation: "bf16") { x, parameter in
      x.convolved(
        parameter("w", [16, 16, 3, 3]), nil,
        window: Window(kernel: [3, 3], strides: [2, 2], padding: [1, 1]))
    },
    Case(name: "grouped convolution") { x, parameter in
      x.convolved(
        parameter("w", [32, 8, 3, 3]), parameter("b", [32]), window: .same(kernel: [3, 3]),
        groups: 2)
    },
    Case(name: "depthwise convolution") { x, parameter in
      x.convolved(
        parameter("w", [16, 1, 3, 3]), nil, window: .same(kernel: [3, 3]), groups: 16)
    },
    Case(name: "convolution and ReLU", implementation: "bf16", share: 0.02) {
      x, parameter in
      x.convolved(parameter("w", [16, 16, 1, 1]), nil, window: Window(kernel: [1, 1])).relu()
    },
    Case(name: "linear", shape: [32, 48], implementation: "brgemm:avx512_core_bf16") {
      x, parameter in x.linear(parameter("w", [96, 48]), parameter("b", [96]))
    },
    Case(name: "linear of odd sizes", shape: [7, 37]) { x, parameter in
      x.linear(parameter("w", [19, 37]), parameter("b", [19]))
    },
    // Not far from zero: the derivative is computed from the rounded result.
    Case(name: "linear and sigmoid", shape: [16, 33]) { x, parameter in
      x.affine(scale: 0.25, shift: 0).linear(parameter("w", [20, 33]), parameter("b", [20]))
        .sigmoid()
    },
    Case(name: "matmul", shape: [16, 24]) { x, parameter in
      x.reshaped(to: [2, 8, 24])
        .matmul(parameter("w", [2, 24, 10]))
        .matmul(parameter("v", [2, 12, 10]), transposeRight: true).reshaped(to: [16, 12])
    },
    Case(name: "batch normalization", implementation: "bnorm_jit:avx512_core") {
      x, parameter in
      x.batchNormalized(parameter("scale", [16]), parameter("shift", [16]), epsilon: 1e-5).result
    },
    Case(name: "batch normalization and ReLU", implementation: "bnorm_jit:avx512_core") {
      x, parameter in
      x.batchNormalized(parameter("scale", [16]), parameter("shift", [16]), epsilon: 1e-5)
        .result.relu()
    },
    Case(name: "batch normalization of vectors", shape: [32, 24]) { x, parameter in
      x.batchNormalized(parameter("scale", [24]), parameter("shift", [24]), epsilon: 1e-5).result
    },
    Case(name: "fixed normalization") { x, parameter in
      x.normalized(
        parameter("scale", [16]), parameter("shift", [16]), mean: x.graph.constant(0.1, [16]),
        variance: x.graph.constant(0.5, [16]), epsilon: 1e-5)
    },
    Case(name: "max pooling", implementation: "jit:avx512_core_bf16") { x, _ in
      x.maxPooled(Window(kernel: [2, 2], strides: [2, 2]))
    },
    Case(name: "average pooling", implementation: "jit:avx512_core_bf16") { x, _ in
      x.averagePooled(Window(kernel: [3, 3], strides: [2, 2], padding: [1, 1]))
    },
    Case(name: "global average pooling") { x, _ in x.globallyAveragePooled().flattened() },
    Case(name: "ReLU", shape: [8, 40]) { x, _ in x.relu() },
    Case(name: "leaky ReLU") { x, _ in x.relu(slope: 0.125) },
    Case(name: "sigmoid") { x, _ in x.affine(scale: 2, shift: 0.5).sigmoid() },
    Case(name: "tanh") { x, _ in x.tanh() },
    Case(name: "GELU") { x, _ in x.gelu() },
    Case(name: "SiLU") { x, _ in x.silu() },
    Case(name: "softplus") { x, _ in x.softplus() },
    Case(name: "ELU") { x, _ in x.elu() },
    Case(name: "exponential") { x, _ in x.exp() },
    Case(name: "square and absolute") { x, _ in x.square() + x.absolute() },
    // One sign that changes reaches 144 of 4,096 gradients.
    Case(name: "residual sum", share: 0.04) { x, parameter in
      let y = x.convolved(
        parameter("w", [16, 16, 3, 3]), nil, window: .same(kernel: [3, 3]))
      return (x + y).relu()
    },
    Case(name: "quotient") { x, _ in x / (x.square() + 1) },
    Case(name: "scale a channel") { x, parameter in
      x * parameter("s", [1, 16, 1, 1]) - parameter("t", [1, 16, 1, 1])
    },
    Case(name: "dropout", shape: [6, 70]) { x, _ in x.dropout(rate: 0.25, key: 5) },
    Case(name: "dropout of images") { x, _ in x.dropout(rate: 0.5, key: 6) },
    Case(name: "attention", shape: [24, 24]) { x, _ in
      x.reshaped(to: [4, 6, 24]).selfAttention(heads: 2, isCausal: true).reshaped(to: [24, 8])
    },
    Case(name: "flattening", shape: [4, 10, 3, 5]) { x, parameter in
      x.flattened().linear(parameter("w", [12, 150]))
    },
    Case(name: "transposition", shape: [6, 20]) { x, _ in x.transposed().reshaped(to: [6, 20]) },
    Case(name: "slices and zeros") { x, _ in
      let part = x.sliced(axis: 1, 3..<12)
      let zeros = x.graph.constant(0, [4, 4, 8, 8])
      return Tensor.concatenated([part, zeros, x.sliced(axis: 1, 0..<3)], axis: 1)
    },
    Case(name: "largest of a pair and of rows", shape: [8, 24]) { x, parameter in
      let y = Tensor.maximum(x, parameter("m", [24]))
      return y + y.minimum([1], keepDimensions: true)
    },
    Case(name: "masked images") { x, _ in
      x.masked(
        by: x.graph.constant((0..<64).map { $0 % 3 == 0 ? 1 : 0 }, [8, 8]), fillingWith: 0.5)
    },
    Case(name: "log softmax", shape: [8, 24]) { x, _ in x.logSoftmax() },
    Case(name: "sine and power", shape: [8, 24]) { x, _ in x.sine() + x.power(3) },
    Case(name: "adaptive pooling", shape: [4, 16, 7, 9]) { x, _ in
      x.adaptiveAveragePooled(to: [3, 4])
    },
    Case(name: "parts on a new axis", shape: [8, 24]) { x, _ in
      Tensor.stacked([x.relu(), x.absolute()], axis: 1).maximum([1])
        .reshaped(to: [8, 24])
    },
  ]

  /// A product by the identity: it hands its input on, rounded to bfloat16.
  private static func rounding(
    _ x: Tensor, _ name: String, _ leaves: inout ReferenceEvaluator.Leaves
  ) -> Tensor {
    let width = x.shape[1]
    var identity = [Double](repeating: 0, count: width * width)
    for i in 0..<width { identity[i * width + i] = 1 }
    let shape = [width, width] + (x.shape.count == 4 ? [1, 1] : [])
    leaves.parameters[name] = HostTensor(shape, identity)
    let weight = x.graph.parameter(
      ParameterSpecification(name: name, shape: shape, initializer: Zeros(), trainable: false))
    return shape.count == 4
      ? x.convolved(weight, nil, window: Window(kernel: [1, 1])) : x.linear(weight)
  }

  /// Values in (−1, 1) that are bfloat16 numbers, neighbours being different ones.
  private static func values(_ count: Int, _ seed: Int) -> [Double] {
    (0..<count).map { Double(($0 * 37 + seed * 59 + $0 / 255) % 255 - 127) / 128 }
  }

  @Test(arguments: cases)
  func agreesWithTheReference(_ tested: Case) throws {
    let graph = Graph(batchCount: tested.shape[0], training: true)
    var leaves = ReferenceEvaluator.Leaves()
    let input = graph.input("x", tested.shape)
    leaves.inputs["x"] = HostTensor(tested.shape, Self.values(tested.shape.reduce(1, *), 1))
    var parameters: [Tensor] = []
    let y = tested.apply(Self.rounding(input, "in", &leaves)) { name, shape in
      let parameter = graph.parameter(
        ParameterSpecification(name: name, shape: shape, initializer: Zeros()))
      let count = shape.reduce(1, *)
      // Not bfloat16 numbers: weights are rounded on their way.
      leaves.parameters[name] = HostTensor(
        shape,
        Self.values(count, 2 + parameters.count).map {
          tested.share > 0 ? $0 : Double(Float($0 * 0.7 + 0.01))
        })
      parameters.append(parameter)
      return parameter
    }
    let z = Self.rounding(y, "out", &leaves)
    let cotangent = graph.input("cotangent", z.shape)
    leaves.inputs["cotangent"] = HostTensor(z.shape, Self.values(z.type.count, 9))
    let objective = (z * cotangent).sum()
    let gradients = graph.gradients(of: objective, by: [input] + parameters)
    try graph.check()
    let wanted = [z] + gradients.compactMap(\.self)
    #expect(wanted.count == 2 + parameters.count)
    let context = ReferenceContext(seed: 3, step: 2, firstExample: 5)
    let expected = try ReferenceEvaluator(graph, context: context).evaluate(wanted, leaves)

    let program = try Program(evaluating: graph, scalars: [], outputs: wanted)
    let (lane, memory) = try lane(
      running: program, leaves, options: PlanOptions(precision: .bfloat16))
    defer { withExtendedLifetime(memory) {} }
    // The second run finds memory as the first one left it.
    for _ in 0..<2 {
      try lane.run(RunContext(seed: 3, step: 2, firstExample: 5))
      for (index, reference) in expected.enumerated() {
        let squares = reference.values.reduce(0) { $0 + $1 * $1 }
        let rms = (squares / Double(reference.values.count)).squareRoot()
        #expect(rms > 0)
        var misses: [String] = []
        for (element, (a, b)) in zip(lane.output(index), reference.values).enumerated() {
          let bound = 4 * 0x1p-8 * max(abs(b), rms)
          if !(abs(Double(a) - b) <= bound) {
            misses.append("result \(index)[\(element)]: \(a), expected \(b) ± \(bound)")
          }
        }
        let allowed = Int(tested.share * Double(reference.values.count))
        #expect(misses.count <= allowed, "\(misses.count) misses: \(misses.prefix(5))")
      }
    }
    // The names are those of oneDNN 2.
    if let implementation = tested.implementation, ComputeLibrary.version.hasPrefix("2.") {
      let used = lane.plan.summary.map(\.implementation)
      // Or the one of processors that multiply tiles.
      let alternatives = [implementation, implementation.replacing("_core_", with: "_core_amx_")]
      #expect(
        used.contains { name in alternatives.contains { name.contains($0) } }, "\(used)")
    }
    // No primitive fell back to a loop in C++, but for sums, which are Float32.
    let slow = lane.plan.summary.filter {
      $0.implementation.contains("ref") && $0.label != "sum"
    }
    #expect(slow.isEmpty, "\(slow)")
  }

  /// Losses read what was never rounded, and see the difference that rounding would make.
  @Test func logitsStayFloat32() throws {
    let graph = Graph(batchCount: 4, training: true)
    func parameter(_ name: String, _ shape: [Int]) -> Tensor {
      graph.parameter(ParameterSpecification(name: name, shape: shape, initializer: Zeros()))
    }
    let x = graph.input("x", [4, 32])
    let labels = graph.input("labels", [4], .int32)
    let hidden = x.linear(parameter("a", [64, 32]))
    let logits = hidden.linear(parameter("b", [10, 64]), parameter("c", [10])).reshaped(to: [4, 10])
    let loss = logits.softmaxCrossEntropy(labels: labels)
    let program = try Program(differentiating: loss, scalars: [loss], outputs: [logits])
    var leaves = ReferenceEvaluator.Leaves()
    leaves.inputs["x"] = HostTensor([4, 32], Self.values(128, 1))
    leaves.inputs["labels"] = HostTensor([4], [1, 0, 9, 3])
    for (name, shape) in [("a", [64, 32]), ("b", [10, 64]), ("c", [10])] {
      leaves.parameters[name] = HostTensor(
        shape, Self.values(shape.reduce(1, *), 2).map { $0 / 8 })
    }
    let (lane, memory) = try lane(
      running: program, leaves, options: PlanOptions(precision: .bfloat16))
    defer { withExtendedLifetime(memory) {} }
    let leaf = Arena<Float>(count: lane.plan.leafCount)
    try lane.run(RunContext(), leaf: leaf.base)
    let found = Array(lane.output(0))
    #expect(found.contains { $0.bitPattern & 0xffff != 0 }, "logits have more than 8 bits")
    #expect(Set(leaf.buffer.map { $0.bitPattern & 0xffff }).count > 100, "gradients too")
  }
}
