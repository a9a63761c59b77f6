import LockstepEngine
import LockstepTestSupport
import Testing

/// What tensor operations promise beside their values, which ``OperationCaseTests``, ``TangentTests`` and
/// ``PlanCaseTests`` compare with PyTorch's.
@Suite struct TensorOperationTests {
  /// The bits of outputs and gradients of a case.
  private func bits(_ operation: OperationCase, _ isa: InstructionSet) throws -> [[UInt32]] {
    let traced = try operation.trace()
    let wanted =
      traced.outputs.filter { $0.type.scalar == .float32 } + traced.gradients.compactMap { $0 }
    let program = try Program(evaluating: traced.graph, scalars: [], outputs: wanted)
    let (lane, memory) = try lane(running: program, traced.leaves, isa: isa)
    defer { withExtendedLifetime(memory) {} }
    try lane.run(RunContext())
    return wanted.indices.map { lane.output($0).map(\.bitPattern) }
  }

  @Test("all tables of kernels give the same bits", arguments: OperationCase.tensorOperations)
  func instructionSets(_ operation: OperationCase) throws {
    let expected = try bits(operation, .baseline)
    #expect(expected.count > 1 && expected.allSatisfy { !$0.isEmpty })
    for isa in [InstructionSet.avx2, .avx512] where isa.rawValue <= InstructionSet.detected.rawValue
    {
      let found = try bits(operation, isa)
      #expect(found == expected)
    }
  }

  /// A chain of operations on examples x [n, 6], and its gradient by x.
  private func chain(_ x: HostTensor, in graph: Graph) throws -> [[Float]] {
    let input = graph.input("x", x.shape)
    let halves = input.split(axis: 1, every: 3)
    let largest = Tensor.maximum(halves[0], halves[1]).sine()
    let masked = largest.masked(by: graph.constant([0, 1, 0], [3]), fillingWith: -2)
    let parts = Tensor.stacked([masked, input.sliced(axis: 1, 1..<4).power(3)], axis: 1)
    let y = parts.maximum([1]).logSoftmax() * parts.selected(0, axis: 1)
    let gradient = try #require(graph.gradients(of: y.sum(), by: [input])[0])
    let program = try Program(evaluating: graph, scalars: [], outputs: [y, gradient])
    let (lane, memory) = try lane(running: program, .init(inputs: ["x": x]))
    defer { withExtendedLifetime(memory) {} }
    try lane.run(RunContext())
    return [Array(lane.output(0)), Array(lane.output(1))]
  }

  @Test("an example has the same bits in a batch and in shards of it")
  func shards() throws {
    let values = (0..<48).map { Double(Float((Double($0 * 37 % 48) - 24) / 9)) }
    let whole = try chain(
      HostTensor([8, 6], values), in: Graph(batchCount: 8, training: true))
    for size in [1, 2, 4] {
      var joined: [[Float]] = [[], []]
      for start in stride(from: 0, to: 8, by: size) {
        let shard = HostTensor([size, 6], Array(values[start * 6..<(start + size) * 6]))
        let results = try chain(shard, in: Graph(batchCount: size, training: true))
        for index in 0..<2 { joined[index] += results[index] }
      }
      #expect(joined.map { $0.map(\.bitPattern) } == whole.map { $0.map(\.bitPattern) })
    }
    #expect(whole.allSatisfy { $0.allSatisfy { $0.isFinite } })
  }

  /// What an operation makes of x, by the plan and by the reference.
  private func results(
    _ x: [Double], _ shape: [Int], _ apply: (Tensor) -> Tensor
  ) throws -> [[Double]] {
    let graph = Graph(batchCount: shape[0], training: true)
    let input = graph.input("x", shape)
    let y = apply(input)
    let gradient = try #require(graph.gradients(of: y.sum(), by: [input])[0])
    let leaves = ReferenceEvaluator.Leaves(inputs: ["x": HostTensor(shape, x)])
    let reference = try ReferenceEvaluator(graph).evaluate([y, gradient], leaves)
    let (lane, memory) = try lane(
      running: Program(evaluating: graph, scalars: [], outputs: [y, gradient]), leaves)
    defer { withExtendedLifetime(memory) {} }
    try lane.run(RunContext())
    for (index, reference) in reference.enumerated() {
      let planned = lane.output(index).map(Double.init)
      #expect(planned.map(\.isNaN) == reference.values.map(\.isNaN))
    }
    return (0..<2).map { lane.output($0).map(Double.init) }
  }

  @Test("a NaN is handed on, as PyTorch does, wherever it stands")
  func notANumber() throws {
    for place in 0..<3 {
      var x = [1.0, 2, 3, 4, 5, 6]
      x[place] = .nan
      let row = [true, true, true, false, false, false]
      for kind in 0..<2 {
        let extreme = try results(x, [2, 3]) { kind == 0 ? $0.maximum([1]) : $0.minimum([1]) }
        #expect(extreme[0].map(\.isNaN) == [true, false])
        #expect(extreme[1].map(\.isNaN) == row)
        let pair = try results(x, [2, 3]) {
          let other = $0.graph.constant([0, 9, 4], [3])
          return kind == 0 ? Tensor.maximum($0, other) : Tensor.minimum(other, $0)
        }
        #expect(pair[0].map(\.isNaN) == x.map(\.isNaN))
        #expect(pair[1][place] == 1)
      }
      for apply in [{ $0.logSoftmax() }, { $0.softmax() }] as [(Tensor) -> Tensor] {
        let found = try results(x, [2, 3], apply)
        #expect(found.map { $0.map(\.isNaN) } == [row, row])
      }
      for apply in [{ $0.sine() }, { $0.cosine() }, { $0.power(3) }] as [(Tensor) -> Tensor] {
        let found = try results(x, [2, 3], apply)
        #expect(found.map { $0.map(\.isNaN) } == [x.map(\.isNaN), x.map(\.isNaN)])
      }
      // What is masked is neither read nor given a gradient.
      let mask = (0..<6).map { Float($0 == place ? 1 : 0) }
      let masked = try results(x, [2, 3]) {
        $0.masked(by: $0.graph.constant(mask, [2, 3]), fillingWith: 7)
      }
      #expect(masked[0][place] == 7)
      #expect(masked[1] == mask.map { 1 - Double($0) })
    }
  }

  @Test("the loss of logits with a NaN is none, wherever it stands", arguments: 0..<3)
  func lossOfNotANumber(_ place: Int) throws {
    let graph = Graph(batchCount: 1, training: true)
    let (x, labels) = (graph.input("x", [1, 3]), graph.input("labels", [1], .int32))
    let loss = x.softmaxCrossEntropy(labels: labels)
    let gradient = try #require(graph.gradients(of: loss, by: [x])[0])
    var logits = HostTensor([1, 3], [1, 2, 3])
    logits.values[place] = .nan
    let (lane, memory) = try lane(
      running: Program(evaluating: graph, scalars: [loss], outputs: [gradient]),
      .init(inputs: ["x": logits, "labels": HostTensor([1], [1])]))
    defer { withExtendedLifetime(memory) {} }
    try lane.run(RunContext())
    #expect(lane.scalar(0).isNaN)
    #expect(lane.output(0).allSatisfy { $0.isNaN })
  }

  @Test("infinite logits give the limits where there are any")
  func infiniteLogits() throws {
    let (inf, y) = (
      Double.infinity, try results([-.infinity, 0, 0, 1], [2, 2]) { $0.logSoftmax() }[0]
    )
    #expect(Array(y[..<2]) == [-inf, 0])
    let none = try results([-inf, -inf], [1, 2]) { $0.logSoftmax() }[0]
    #expect(none.allSatisfy { $0.isNaN })
    let two = try results([inf, 0], [1, 2]) { $0.logSoftmax() }[0]
    #expect(two.allSatisfy { $0.isNaN })
  }

  @Test("powers of special numbers are C's")
  func powers() throws {
    let x = [0, -0.0, .infinity, -.infinity, -1, -2, 1]
    func power(_ exponent: Float) throws -> [Double] {
      let graph = Graph(batchCount: 7, training: false)
      let y = graph.input("x", [7]).power(exponent)
      let (lane, memory) = try lane(
        running: Program(evaluating: graph, scalars: [], outputs: [y]),
        .init(inputs: ["x": HostTensor([7], x)]))
      defer { withExtendedLifetime(memory) {} }
      try lane.run(RunContext())
      return lane.output(0).map(Double.init)
    }
    let (cube, one) = (try power(3), try power(0))
    let (inverse, broken) = (try power(-1), try power(1.5))
    #expect(cube == [0, -0.0, .infinity, -.infinity, -1, -8, 1])
    #expect(one == Array(repeating: 1, count: 7))
    #expect(inverse == [.infinity, -.infinity, 0, -0.0, -1, -0.5, 1])
    #expect(broken.map(\.isNaN) == [false, false, false, false, true, true, false])
  }

  @Test("a constant is stored once for equal values, and must fill its shape")
  func constants() throws {
    let graph = Graph(batchCount: 2, training: false)
    let table = graph.constant([1, 2, 3, 4], [2, 2])
    #expect(graph.constant([1, 2, 3, 4], [2, 2]).id == table.id)
    #expect(graph.constant([1, 2, 3, 4], [4]).id != table.id)
    #expect(graph.constant([1, 2, 3, 5], [2, 2]).id != table.id)
    #expect(graph.constant([0, 0], [2]).id != graph.constant([0, -0.0], [2]).id)
    try graph.check()
    _ = graph.constant([1, 2, 3], [2, 2])
    let error = #expect(throws: GraphError.self) { try graph.check() }
    #expect(error?.description == "constant: 3 values do not fill the shape [2, 2]")
  }

  private static let misuses: [(message: String, apply: @Sendable (Tensor) -> Tensor)] = [
    (
      "log softmax: axis 2 is not among the axes of [2, 3]",
      { $0.logSoftmax(axis: 2) }
    ),
    (
      "maximum: the axes [1, 2] are not all among those of [2, 3]",
      { $0.maximum([2, 1]) }
    ),
    (
      "minimum: shapes [2, 3] and [2] do not broadcast",
      { Tensor.minimum($0, $0.graph.constant(1, [2])) }
    ),
    (
      "masked fill: a mask of shape [3, 3] does not broadcast to [2, 3]",
      { $0.masked(by: $0.graph.constant(1, [3, 3]), fillingWith: 0) }
    ),
    (
      "select: there is no index 3 of axis 1 in [2, 3]",
      { $0.selected(3, axis: 1) }
    ),
    (
      "stack: tensors of shapes [[2, 3], [3]] along a new axis 0; the shapes must be equal, and the "
        + "axis one of 0...2",
      { Tensor.stacked([$0, $0.graph.constant(0, [3])]) }
    ),
    (
      "adaptive average pooling: expects an input [N, C, H, W] and two positive sizes, got [2, 3] and "
        + "[0, 1]",
      { $0.adaptiveAveragePooled(to: [0, 1]) }
    ),
  ]

  @Test("misuse is named", arguments: misuses.indices)
  func misuse(_ index: Int) throws {
    let graph = Graph(batchCount: 2, training: false)
    _ = Self.misuses[index].apply(graph.input("x", [2, 3]))
    let error = #expect(throws: GraphError.self) { try graph.check() }
    #expect(error?.description == Self.misuses[index].message)
  }
}
