import LockstepEngine
import LockstepTestSupport
import Testing

private struct Untouched: Initializer {
  func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {}
}

private func values(_ shape: [Int], _ phase: Double) -> HostTensor {
  HostTensor(
    shape,
    (0..<shape.reduce(1, *)).map { (index: Int) -> Double in
      let place = Double(index) * 0.754877666 + phase
      return 2 * place.truncatingRemainder(dividingBy: 1) - 0.97
    })
}

/// A network with convolution, pooling, frozen and observed normalisation, dropout, under every loss.
enum CurvedNetwork: String, CaseIterable, Sendable {
  case softmax, smoothed, weighted, binary, squared, mixed, distilled

  struct Traced {
    let graph: Graph
    let parameters: [Tensor]
    let output: Tensor
    let loss: Tensor
    var leaves: ReferenceEvaluator.Leaves
  }

  func trace() throws -> Traced {
    let graph = Graph(batchCount: 3, training: true)
    var leaves = ReferenceEvaluator.Leaves(inputs: ["x": values([3, 2, 4, 4], 0.3)])
    var parameters: [Tensor] = []
    func parameter(_ name: String, _ shape: [Int], around center: Double = 0) -> Tensor {
      leaves.parameters[name] = values(shape, Double(parameters.count) * 0.377)
        .map { 0.6 * $0 + center }
      parameters.append(
        graph.parameter(
          ParameterSpecification(name: name, shape: shape, initializer: Untouched())))
      return parameters[parameters.count - 1]
    }
    let x = graph.input("x", [3, 2, 4, 4])
    var y = x.convolved(
      parameter("conv.weight", [3, 2, 3, 3]), parameter("conv.bias", [3]),
      window: .same(kernel: [3, 3]))
    y = y.batchNormalized(
      parameter("bn.weight", [3], around: 1), parameter("bn.bias", [3]), epsilon: 1e-3
    ).result.relu()
    y = y.maxPooled(Window(kernel: [2, 2], strides: [2, 2]))
    y = y.normalized(
      parameter("frozen.weight", [3], around: 1), parameter("frozen.bias", [3]),
      mean: graph.constant(0.1, [3]), variance: graph.constant(0.7, [3]), epsilon: 1e-3)
    y = y.flattened().dropout(rate: 0.25, key: 4)
    let output = y.linear(parameter("fc.weight", [4, 12]), parameter("fc.bias", [4]))
    leaves.inputs["labels"] = HostTensor([3], [0, 3, 1])
    leaves.inputs["targets"] = values([3, 4], 0.9).map { $0 / 2 + 0.5 }
    leaves.inputs["weights"] = HostTensor([3], [0.5, 2, 1])
    let labels = graph.input("labels", [3], .int32)
    let targets = graph.input("targets", [3, 4])
    let weights = graph.input("weights", [3])
    let loss: Tensor
    switch self {
    case .softmax: loss = output.softmaxCrossEntropy(labels: labels)
    case .smoothed: loss = output.softmaxCrossEntropy(labels: labels, smoothing: 0.2)
    case .weighted: loss = output.softmaxCrossEntropy(labels: labels, weights: weights)
    case .binary: loss = output.binaryCrossEntropy(targets: targets, weights: weights)
    case .squared: loss = output.squaredError(targets: targets)
    case .distilled:
      loss = output.distillation(teacher: targets, temperature: 2.5, weights: weights)
    case .mixed:
      loss =
        output.softmaxCrossEntropy(labels: labels) * 0.3
        + output.squaredError(targets: targets, weights: weights) * 0.7
    }
    try graph.check()
    return Traced(
      graph: graph, parameters: parameters, output: output, loss: loss, leaves: leaves)
  }

  /// Σ Jᵀ H J as a matrix over all parameters: J from the reverse rules, row by row, H by central
  /// differences of the loss's gradient by the outputs.
  func explicitMatrix(_ traced: Traced) throws -> [[Double]] {
    let graph = traced.graph
    let evaluator = ReferenceEvaluator(graph)
    let outputs = traced.output.type.count
    let seed = graph.input("seed", traced.output.shape)
    let rowsOfJ = graph.gradients(from: [(traced.output, seed)], by: traced.parameters)
    var leaves = traced.leaves
    var jacobian: [[Double]] = []
    for index in 0..<outputs {
      leaves.inputs["seed"] = HostTensor(traced.output.shape)
      leaves.inputs["seed"]?.values[index] = 1
      jacobian.append(
        try zip(rowsOfJ, traced.parameters).flatMap { gradient, parameter in
          try gradient.map { try evaluator.evaluate([$0], leaves)[0].values }
            ?? Array(repeating: 0, count: parameter.type.count)
        })
    }
    // The loss again, on logits that can be moved.
    let logits = try evaluator.evaluate([traced.output], traced.leaves)[0]
    let head = try headGradient()
    var hessian: [[Double]] = []
    for index in 0..<outputs {
      func gradient(_ h: Double) throws -> [Double] {
        var leaves = traced.leaves
        leaves.inputs["logits"] = logits
        leaves.inputs["logits"]?.values[index] += h
        return try ReferenceEvaluator(head.graph).evaluate([head], leaves)[0].values
      }
      let h = 1e-5
      hessian.append(zip(try gradient(h), try gradient(-h)).map { ($0 - $1) / (2 * h) })
    }
    let count = jacobian[0].count
    let HJ = (0..<outputs).map { row in
      (0..<count).map { column in
        (0..<outputs).reduce(0.0) { $0 + hessian[row][$1] * jacobian[$1][column] }
      }
    }
    return (0..<count).map { row in
      (0..<count).map { column in
        (0..<outputs).reduce(0.0) { $0 + jacobian[$1][row] * HJ[$1][column] }
      }
    }
  }

  private func headGradient() throws -> Tensor {
    let graph = Graph(batchCount: 3, training: true)
    let logits = graph.input("logits", [3, 4])
    let labels = graph.input("labels", [3], .int32)
    let targets = graph.input("targets", [3, 4])
    let weights = graph.input("weights", [3])
    let loss: Tensor
    switch self {
    case .softmax: loss = logits.softmaxCrossEntropy(labels: labels)
    case .smoothed: loss = logits.softmaxCrossEntropy(labels: labels, smoothing: 0.2)
    case .weighted: loss = logits.softmaxCrossEntropy(labels: labels, weights: weights)
    case .binary: loss = logits.binaryCrossEntropy(targets: targets, weights: weights)
    case .squared: loss = logits.squaredError(targets: targets)
    case .distilled:
      loss = logits.distillation(teacher: targets, temperature: 2.5, weights: weights)
    case .mixed:
      loss =
        logits.softmaxCrossEntropy(labels: labels) * 0.3
        + logits.squaredError(targets: targets, weights: weights) * 0.7
    }
    return try #require(graph.gradients(of: loss, by: [logits])[0])
  }
}

@Suite struct CurvatureTests {
  @Test("Gauss-Newton products equal the explicit matrix", arguments: CurvedNetwork.allCases)
  func explicit(network: CurvedNetwork) throws {
    var traced = try network.trace()
    let matrix = try network.explicitMatrix(traced)
    let size = matrix.reduce(0) { $1.reduce($0) { max($0, abs($1)) } }
    #expect(size > 0.01)
    for (phase, tolerance) in [(0.15, 1e-7), (0.62, 1e-7)] {
      for parameter in traced.graph.parameters {
        traced.leaves.vectors[parameter.name] = values(parameter.shape, phase)
      }
      let v = traced.graph.parameters.flatMap { traced.leaves.vectors[$0.name]!.values }
      let expected = matrix.map { row in zip(row, v).reduce(0) { $0 + $1.0 * $1.1 } }
      let program = try Program(gaussNewtonOf: traced.loss)
      // In Double, by the rules.
      let graph = traced.graph
      let product = graph.gaussNewtonProduct(
        of: traced.loss,
        along: traced.parameters.enumerated().map { ($1, graph.vector(of: $0)) })
      try graph.check()
      let actual = try ReferenceEvaluator(graph).evaluate(
        product.map { try #require($0) }, traced.leaves
      ).flatMap(\.values)
      for (a, b) in zip(actual, expected) { #expect(abs(a - b) < tolerance * size) }
      // In Float32, as planned.
      let (lane, memory) = try lane(running: program, traced.leaves)
      let packed = Arena<Float>(count: lane.plan.leafCount)
      let leaf = Arena<Float>(count: program.leafLayout.count)
      defer { withExtendedLifetime((memory, packed, leaf)) {} }
      for _ in 0..<2 {
        try lane.run(RunContext(), leaf: packed.base)
        try lane.plan.makeUnpacker(from: packed.base, to: leaf.base).run()
        let found = program.leafLayout.slots.flatMap { leaf.buffer[$0.range] }
        #expect(found.count == expected.count)
        for (a, b) in zip(found, expected) { #expect(abs(Double(a) - b) < 3e-5 * size) }
      }
    }
  }

  @Test("squared probes average to the diagonal", arguments: CurvedNetwork.allCases)
  func diagonal(network: CurvedNetwork) throws {
    let traced = try network.trace()
    let matrix = try network.explicitMatrix(traced)
    let graph = traced.graph
    let probe = graph.gaussNewtonProbe(of: traced.loss, by: traced.parameters, key: 77)
    try graph.check()
    let wanted = try probe.map { try #require($0) }
    var sums = Array(repeating: 0.0, count: matrix.count)
    let draws = 600
    for draw in 0..<draws {
      // Only the dropout of the signs may change from draw to draw, not the model's.
      var evaluator = ReferenceEvaluator(graph)
      evaluator.context.step = 0
      let again = draw == 0 ? wanted : try redraw(graph, traced, UInt32(draw))
      let values = try evaluator.evaluate(again, traced.leaves).flatMap(\.values)
      for (index, value) in values.enumerated() { sums[index] += value * value }
    }
    let trace = matrix.indices.reduce(0.0) { $0 + matrix[$1][$1] }
    let found = sums.reduce(0, +) / Double(draws)
    #expect(abs(found - trace) < 0.1 * trace)
    for (index, sum) in sums.enumerated() where matrix[index][index] > 0.02 * trace {
      #expect(abs(sum / Double(draws) - matrix[index][index]) < 0.3 * matrix[index][index])
    }
  }

  private func redraw(
    _ graph: Graph, _ traced: CurvedNetwork.Traced, _ draw: UInt32
  ) throws -> [Tensor] {
    try graph.gaussNewtonProbe(of: traced.loss, by: traced.parameters, key: 77 &+ draw &* 64)
      .map { try #require($0) }
  }

  @Test("a loss that is no sum of losses of predictions is refused")
  func refusal() throws {
    let graph = Graph(batchCount: 2, training: true)
    let x = graph.input("x", [2, 3])
    let loss = x.squaredError(targets: graph.constant(0, [2, 3])).exp()
    _ = graph.gaussNewtonProduct(of: loss, along: [(x, graph.input("v", [2, 3]))])
    let error = #expect(throws: GraphError.self) { try graph.check() }
    #expect(
      error?.description
        == "curvature products need a loss that is a sum of losses of predictions, not one that activation exp makes"
    )
  }
}
