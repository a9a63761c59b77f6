import LockstepEngine
import LockstepOptimization
import Testing

/// Layers of every shape of matrix that share one size of block: wide, tall, square, several blocks.
private let matrixLayout = FlatLayout([
  ("wide.weight", [20, 300]), ("wide.bias", [20]), ("tall.weight", [300, 20]),
  ("conv.weight", [40, 13, 3, 3]), ("square.weight", [130, 130]), ("row.weight", [1, 9]),
])

@Suite struct MatrixUpdateTests {
  /// The direction of a matrix ignores its magnitude. A power of two changes no bit.
  @Test func magnitudesChangeNothing() throws {
    let chain = Chain.muon(weightDecay: 0)
    let (plain, scaled) = (try Trial(matrixLayout, chain), try Trial(matrixLayout, chain))
    for step in 0..<3 {
      let gradient = randomArena(matrixLayout, seed: UInt64(step))
      try plain.step(step, gradient)
      try scaled.step(step, gradient.map { $0 * 1024 })
    }
    for slot in matrixLayout.slots where slot.matrixRows > 0 {
      #expect(
        bits(Array(plain.parameters[slot.range])) == bits(Array(scaled.parameters[slot.range])))
    }
  }

  /// With coefficients that converge, singular values go to 1: W Wᵀ = I for a matrix of independent rows.
  @Test(arguments: [(4, 9), (9, 4), (16, 16), (1, 7), (7, 1)])
  func convergingIterationsMakeRowsOrthonormal(_ rows: Int, _ columns: Int) throws {
    let layout = FlatLayout([("weight", [rows, columns])])
    let trial = try Trial(
      layout,
      .muon(
        learningRate: 1, momentum: 0, nesterov: false, weightDecay: 0, scaling: .original,
        iterations: NewtonSchulz(coefficients: [1.875, -1.25, 0.375], steps: 60),
        adamParameters: [], remainder: AdamWRemainder(weightDecay: 0)))
    trial.parameters = [Float](repeating: 0, count: layout.count)
    try trial.step(0, randomArena(layout, seed: UInt64(rows * 100 + columns)))
    let size = max(1, Double(rows) / Double(columns)).squareRoot()
    func at(_ i: Int, _ j: Int) -> Double { Double(trial.parameters[i * columns + j]) / size }
    for i in 0..<min(rows, columns) {
      for j in 0..<min(rows, columns) {
        let sum = (0..<max(rows, columns)).reduce(0.0) {
          $0 + (rows <= columns ? at(i, $1) * at(j, $1) : at($1, i) * at($1, j))
        }
        #expect((sum - (i == j ? 1 : 0)).magnitude < 1e-4)
      }
    }
  }

  @Test func aMatrixOfZerosStaysOne() throws {
    let trial = try Trial(matrixLayout, .muon(weightDecay: 0))
    let start = trial.parameters
    try trial.step(0, [Float](repeating: 0, count: matrixLayout.count))
    #expect(trial.parameters == start)
  }

  /// State is kept of what each rule takes: momentum of matrices, two moments of the rest.
  @Test func eachTensorHasTheStateOfItsRule() throws {
    let trial = try Trial(matrixLayout, .muon())
    let names = trial.rule.state.flatMap { entry -> [String] in
      guard case .arena(_, let layout) = entry.storage else { return [] }
      return layout.slots.map { "\(entry.name)/\($0.name)" }
    }
    let matrices = matrixLayout.slots.filter { $0.matrixRows > 0 }.map(\.name)
    #expect(
      names == matrices.map { "optimizer.momentum/\($0)" }
        + ["optimizer.firstMoment/wide.bias", "optimizer.secondMoment/wide.bias"])
  }

  @Test func limitsOfMagnitudeAreRefused() throws {
    let clips: [any GradientTransform] = [
      ClipByGlobalNorm(1), ClipByNorm(1), ClipByBlockRMS(1), ClipByGlobalNorm(1, norm: .infinity),
    ]
    for clip in clips {
      let error = #expect(throws: HyperparameterError.self) {
        try Trial(matrixLayout, Chain(clip) + .muon())
      }
      #expect(error?.owner == "'clip'" && error?.value.hasPrefix("ClipBy") == false)
      #expect(error?.problem.contains("of one size of them whatever their magnitude") == true)
      #expect(error?.problem.contains("'scope' of the other tensors, wide.bias") == true)
    }
    #expect(throws: HyperparameterError.self) {
      try Trial(matrixLayout, .muon(), groups: [ParameterGroup("wide.*", clipNorm: 1)])
    }
    // What AdamW updates may be clipped, and so may what changes directions or acts on spikes alone.
    for clip in [
      ClipByGlobalNorm(1, scope: ["*.bias"]), ClipByNorm(1, scope: ["*.bias"]), ClipByValue(0.5),
      AdaptiveClip(), AutoClip(), ZClip(),
    ] as [any GradientTransform] {
      _ = try Trial(matrixLayout, Chain(clip) + .muon())
    }
    _ = try Trial(matrixLayout, .muon(), groups: [ParameterGroup("*.bias", clipNorm: 1)])
  }

  @Test func aChoiceWithoutMatricesIsRefused() throws {
    func problem(_ layout: FlatLayout, _ others: [String]) throws -> String? {
      #expect(throws: HyperparameterError.self) {
        try MatrixChoice(owner: "muon", key: "adamParameters", others: others).matrices(in: layout)
      }?.problem
    }
    let vectors = FlatLayout([("scale", [8])])
    #expect(try problem(vectors, [])?.contains("the model has none") == true)
    let head = FlatLayout(
      [("head.weight", [4, 8]), ("head.bias", [4])], constraints: [], roles: [.output, .other])
    #expect(try problem(head, [])?.contains("of the matrices head.weight it takes") == true)
    #expect(try problem(matrixLayout, ["*"])?.contains("leaves nothing") == true)
    #expect(try problem(matrixLayout, ["nothing.*"])?.contains("matches no") == true)
    let choice = MatrixChoice(owner: "muon", key: "adamParameters", others: ["*.bias"])
    #expect(try choice.matrices(in: head) == [true, false])
  }

  /// An expensive update says what it costs, tensor by tensor.
  @Test func operationsAreThoseOfTheProducts() throws {
    let rule = try UpdateRule(layout: matrixLayout, chain: .muon())
    // Five steps: XXᵀ and its square, and a product with X.
    let multiplications: Double = 20 * 20 * 300 + 20 * 20 * 20 + 20 * 20 * 300
    #expect(rule.matrixOperations[0] == 5 * 2 * multiplications)
    #expect(rule.matrixOperations[1] == nil)
    #expect(rule.matrixOperations[2] == rule.matrixOperations[0])
    #expect(
      try UpdateRule(layout: matrixLayout, chain: .adam()).matrixOperations
        == Array(repeating: nil, count: 6))
  }
}
