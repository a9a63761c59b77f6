import LockstepEngine
import Testing

/// Ordinary mistakes in a model's code are errors of its trace, and no trap: the code goes on to its
/// end, and what went wrong first is thrown.
@Suite struct TraceErrorTests {
  private struct Mistake: Sendable, CustomTestStringConvertible {
    let words: String
    let make: @Sendable (Graph, Tensor) -> Void
    var testDescription: String { words }

    init(_ words: String, _ make: @escaping @Sendable (Graph, Tensor) -> Void) {
      self.words = words
      self.make = make
    }
  }

  private static let other = "a tensor of another trace is used"

  private static let mistakes: [Mistake] = [
    Mistake("concatenate: there is no tensor to concatenate") { _, x in
      _ = x + Tensor.concatenated([], axis: 0)
    },
    Mistake(other) { _, x in _ = x + stranger() },
    Mistake(other) { _, x in _ = stranger() + x },
    Mistake(other) { _, x in _ = Tensor.concatenated([x, stranger()], axis: 0) },
    Mistake(other) { graph, _ in
      graph.observe(
        graph.statistic(
          StatisticSpecification(name: "s", shape: [2, 3], initialValue: 0, momentum: 0.1)),
        stranger())
    },
    Mistake("the first tensor is no running statistic") { graph, x in graph.observe(x, x) },
    Mistake("a value of shape [2, 3] for the statistic 's' of shape [3]") { graph, x in
      graph.observe(
        graph.statistic(
          StatisticSpecification(name: "s", shape: [3], initialValue: 0, momentum: 0.1)), x)
    },
    Mistake("statistic 's' is used with shapes [3] and [4]") { graph, _ in
      for size in [3, 4] {
        _ = graph.statistic(
          StatisticSpecification(name: "s", shape: [size], initialValue: 0, momentum: 0.1))
      }
    },
    Mistake("input 'x' is asked for as float32 [2, 3] and as int32 [2]") { graph, _ in
      _ = graph.input("x", [2], .int32)
    },
    Mistake("parameter 'w': the shape [3, 0] has a size of 0") { graph, _ in
      _ = graph.parameter(ParameterSpecification(name: "w", shape: [3, 0], initializer: Zeros()))
    },
    Mistake("parameter 'w': the shape [9223372036854775807, 8] has more than") { graph, _ in
      _ = graph.parameter(
        ParameterSpecification(name: "w", shape: [.max, 8], initializer: Zeros()))
    },
    Mistake("constant: the shape [-1] has a size of -1") { graph, _ in _ = graph.constant(1, [-1])
    },
    Mistake("broadcast: the shape [9223372036854775807, 2, 3] has more than") { _, x in
      _ = x.broadcast(to: [.max, 2, 3])
    },
    Mistake("reshape") { _, x in _ = x.reshaped(to: [.max, .max]) },
    Mistake("reshape") { _, x in _ = x.reshaped(to: [-1, .max, .max]) },
    Mistake("reshape") { _, x in _ = x.reshaped(to: [-1, -1]) },
    Mistake("flatten: axis -1 is not among") { _, x in _ = x.flattened(from: -1) },
    Mistake("flatten: axis 3 is not among") { _, x in _ = x.flattened(from: 3) },
    Mistake("axis 7 is not among") { _, x in _ = x.sum([7]) },
    Mistake("axis -1 is not among") { _, x in _ = x.mean([-1]) },
    Mistake("is no permutation") { _, x in _ = x.transposed([0, 0]) },
    Mistake("slice: 2..<4 is not inside axis 1") { _, x in
      _ = x.sliced(axis: 1, 2..<4)
    },
    Mistake("slice: axis 2 is not among") { _, x in _ = x.sliced(axis: 2, 0..<1) },
    Mistake("slice") { _, x in _ = x.sliced(axis: 1, 1..<1) },
    Mistake("slice") { _, x in _ = x.sliced(axis: 1, (.max - 1)..<Int.max) },
    Mistake("split: the sizes [1, 1] do not fill axis 1 of [2, 3]") { _, x in
      let parts = x.split(axis: 1, sizes: [1, 1])
      _ = parts[0] + parts[1]
    },
    Mistake("split: the sizes") { _, x in _ = x.split(axis: 1, sizes: [.max, .max, 5]) },
    Mistake("split: axis 1 of [2, 3] in parts of 0") { _, x in _ = x.split(axis: 1, every: 0) },
    Mistake("split: axis 9") { _, x in _ = x.split(axis: 9, every: 1) },
    Mistake("max pooling") { _, x in
      _ = x.reshaped(to: [2, 3, 1, 1]).maxPooled(Window(kernel: [.max, .max]))
    },
    Mistake("max pooling") { _, x in
      _ = x.reshaped(to: [2, 3, 1, 1]).maxPooled(Window(kernel: [1], strides: []))
    },
    Mistake("max pooling") { _, x in
      _ = x.reshaped(to: [2, 3, 1, 1]).maxPooled(.same(kernel: [3]))
    },
    Mistake("max pooling") { _, x in
      _ = x.reshaped(to: [2, 3, 1, 1]).maxPooled(.same(kernel: [.max, 2], dilations: [.max, 2]))
    },
    Mistake("matmul: expects Float32 values, got integers [3, 2]") { graph, x in
      _ = x.matmul(graph.input("i", [3, 2], .int32))
    },
    Mistake("linear: expects Float32 values") { graph, x in
      _ = graph.input("i", [2, 3], .int32).linear(x)
    },
    Mistake("softmax: expects Float32 values") { graph, _ in
      _ = graph.input("i", [2, 3], .int32).softmax()
    },
    Mistake("softmax cross-entropy") { graph, x in
      _ = x.softmaxCrossEntropy(labels: graph.input("t", [2, 3]))
    },
    Mistake("squared error") { graph, x in _ = x.squaredError(targets: graph.input("t", [2, 1])) },
    // After an error tensors keep a rank that the model's code can go on with.
    Mistake("linear: the input has 3 features") { graph, x in
      let y = x.linear(graph.input("w", [5, 4]))
      _ = y.reshaped(to: [y.shape[0], y.shape[1], 1]).transposed([0, 2, 1]).shape[2]
    },
  ]

  private static func stranger() -> Tensor {
    Graph(batchCount: 2, training: true).input("x", [2, 3])
  }

  @Test("is an error of the trace", arguments: mistakes)
  private func mistake(_ mistake: Mistake) throws {
    let graph = Graph(batchCount: 2, training: true)
    graph.scope = "encoder.0"
    let x = graph.input("x", [2, 3])
    mistake.make(graph, x)
    let error = #expect(throws: GraphError.self) { try graph.check() }
    let text = error?.description ?? ""
    #expect(text.contains(mistake.words), "\(text)")
    #expect(text.hasPrefix("layer 'encoder.0': ") || mistake.words.hasPrefix("concatenate"))
  }

  @Test("the first error is the one that is thrown")
  func firstError() {
    let graph = Graph(batchCount: 2, training: true)
    let x = graph.input("x", [2, 3])
    _ = (x.sum([5]) + graph.input("y", [7])).reshaped(to: [99])
    let error = #expect(throws: GraphError.self) { try graph.check() }
    #expect(error?.description == "sum: axis 5 is not among the axes of [2, 3]")
  }

  @Test("a program takes tensors of one trace alone, and scalars where these are meant")
  func programs() throws {
    let graph = Graph(batchCount: 2, training: true)
    let loss = graph.input("x", [2, 3]).sum()
    #expect(throws: GraphError.self) {
      try Program(differentiating: loss, scalars: [loss, Self.stranger().sum()])
    }
    #expect(throws: GraphError.self) {
      try Program(evaluating: graph, scalars: [loss], outputs: [Self.stranger()])
    }
    #expect(throws: GraphError.self) {
      try Program(differentiating: graph.input("x", [2, 3]), scalars: [])
    }
  }

  @Test("numbers that make no sense are errors that name the argument")
  func arguments() {
    var random = CounterGenerator(seed: 1, .synthesis)
    let error = #expect(throws: ArgumentError.self) { try random.next(below: 0) }
    #expect(
      error?.description == "CounterGenerator.next(below:): bound is 0; it must be at least 1")
    for shape in [[-1], [Int.max, 2], [1 << 40, 1 << 40]] {
      let layout = FlatLayout([("fine", [3]), ("bad", shape)])
      #expect(layout.count == 16)
      #expect(layout.problem?.contains("'bad' of shape \(shape)") == true)
    }
    #expect(FlatLayout([("none", [0, 3]), ("some", [3])]).problem == nil)
  }
}
