import LockstepCatalog
import LockstepEngine
import LockstepFiles
import LockstepOptimization
import Testing

/// Matrices of every shape, and vectors beside them.
private let layout = FlatLayout([
  ("wide.weight", [5, 12]), ("wide.bias", [5]), ("tall.weight", [12, 5]),
  ("conv.weight", [6, 3, 2, 2]), ("square.weight", [9, 9]), ("row.weight", [1, 7]),
])

/// Laws of updates that keep sums of rows, factors or bases of matrices.
@Suite struct FactoredUpdateTests {
  private func matrices(_ trial: Trial) -> [Float] {
    layout.slots.filter { $0.matrixRows > 0 }.flatMap { trial.parameters[$0.range] }
  }

  /// Where squares are a product of a row and a column, nothing is lost: all values move alike.
  @Test func adafactorIsExactForSquaresOfRankOne() throws {
    let trial = try Trial(layout, .adafactor(learningRate: 0.5))
    trial.parameters = [Float](repeating: 0, count: layout.count)
    var gradient = trial.parameters
    for slot in layout.slots {
      let columns = slot.shape.last!
      for (place, index) in slot.range.enumerated() {
        let (row, column) = ((place / columns) % 4, place % columns)
        let size = Float((row + 1) * (column * column + 1)) / 8
        gradient[index] = (row + column) % 3 == 0 ? -size : size
      }
    }
    try trial.step(0, gradient)
    for slot in layout.slots where slot.shape.count > 1 {
      for index in slot.range {
        let expected = gradient[index] < 0 ? 0.5e-3 : -0.5e-3
        #expect((Double(trial.parameters[index]) - expected).magnitude < 1e-9, "\(slot.name)")
      }
    }
  }

  /// A multiple of all gradients changes nothing of Adafactor's steps but what ε₁ hides.
  @Test func adafactorForgetsTheScale() throws {
    let (plain, scaled) = (try Trial(layout, .adafactor()), try Trial(layout, .adafactor()))
    for step in 0..<4 {
      let gradient = randomArena(layout, seed: UInt64(step))
      try plain.step(step, gradient)
      try scaled.step(step, gradient.map { $0 * 4096 })
    }
    #expect(bits(plain.parameters) == bits(scaled.parameters))
  }

  @Test func shampooWithoutFactorsIsGradientDescent() throws {
    let plain = try Trial(layout, .sgd(learningRate: 0.1, momentum: 0.5))
    let shampoo = try Trial(
      layout, .shampoo(learningRate: 0.1, momentum: 0.5, maxPreconditionDim: 1))
    // What ε hides: L = R = εI within rounding, and L^(−1/4) = 2⁻¹⁰.
    let hidden = try Trial(
      layout, .shampoo(learningRate: .constant(0.1 * 0x1p20), momentum: 0.5, epsilon: 0x1p40))
    for step in 0..<4 {
      let gradient = randomArena(layout, seed: UInt64(step))
      for trial in [plain, shampoo, hidden] { try trial.step(step, gradient) }
    }
    // The one row of a matrix is no larger than the limit, and its factor is a number.
    for slot in layout.slots where slot.matrixRows > 1 {
      #expect(
        bits(Array(plain.parameters[slot.range])) == bits(Array(shampoo.parameters[slot.range])))
    }
    for (a, b) in zip(matrices(plain), matrices(hidden)) { #expect((a - b).magnitude < 2e-6) }
  }

  /// Rows in another order, and with other signs, move in that order and with these signs.
  @Test(arguments: ["shampoo", "soap"])
  func turnedMatricesTakeTurnedSteps(_ name: String) throws {
    let square = FlatLayout([("weight", [8, 8])])
    let make: () throws -> Trial = {
      try Trial(
        square,
        name == "soap"
          ? .soap(weightDecay: 0, preconditionFrequency: 2)
          : .shampoo(learningRate: 0.1, epsilon: 1e-3, preconditionFrequency: 2))
    }
    let (plain, turned) = (try make(), try make())
    func turn(_ values: [Float]) -> [Float] {
      (0..<64).map { ($0 / 8 % 2 == 0 ? -1 : 1) * values[($0 / 8 * 3 % 8) * 8 + $0 % 8] }
    }
    turned.parameters = turn(plain.parameters)
    for step in 0..<6 {
      let gradient = randomArena(square, seed: UInt64(step) + 40)
      try plain.step(step, gradient)
      try turned.step(step, turn(gradient))
    }
    for (a, b) in zip(turn(plain.parameters), turned.parameters) {
      #expect((a - b).magnitude < 2e-5)
    }
  }

  /// Powers of two leave Shampoo's steps as they are where ε is scaled along; in one step alone they count, and
  /// so a clip of magnitudes is no empty word.
  @Test func shampooForgetsTheScaleOfAllStepsAndNotOfOne() throws {
    func run(_ scale: Float, of chosen: (Int) -> Bool, epsilon: Double) throws -> [UInt32] {
      let trial = try Trial(
        layout, .shampoo(learningRate: 0.1, epsilon: epsilon, preconditionFrequency: 1))
      for step in 0..<4 {
        let gradient = randomArena(layout, seed: UInt64(step))
        try trial.step(step, chosen(step) ? gradient.map { $0 * scale } : gradient)
      }
      return bits(matrices(trial))
    }
    let plain = try run(1, of: { _ in true }, epsilon: 0x1p-20)
    #expect(try run(0x1p12, of: { _ in true }, epsilon: 0x1p4) == plain)
    #expect(try run(0x1p12, of: { $0 == 1 }, epsilon: 0x1p-20) != plain)
    _ = try Trial(layout, Chain(ClipByGlobalNorm(1)) + .shampoo())
    _ = try Trial(layout, Chain(ClipByGlobalNorm(1)) + .soap())
  }

  /// With the identity for bases SOAP is Adam, which begins with the second gradient; ε beside √v.
  @Test func soapWithoutBasesIsAdam() throws {
    let soap = try Trial(layout, .soap(learningRate: 0.1, weightDecay: 0, maxPreconditionDim: 1))
    let adam = try Trial(
      layout, .adamKeras(learningRate: 0.1, beta1: 0.95, beta2: 0.95, epsilon: 1e-8))
    for step in 0..<6 {
      let gradient = randomArena(layout, seed: UInt64(step))
      try soap.step(step, gradient)
      if step > 0 { try adam.step(step - 1, gradient) }
    }
    for slot in layout.slots where slot.matrixRows > 1 {
      for index in slot.range {
        #expect((soap.parameters[index] - adam.parameters[index]).magnitude < 4e-6, "\(slot.name)")
      }
    }
  }

  /// Inputs that are always zero, gradients of rank one, and none at all: bases stay whole.
  @Test(arguments: ["shampoo", "soap"])
  func deadDirectionsDoNoHarm(_ name: String) throws {
    for kind in 0..<3 {
      let trial = try Trial(
        layout,
        name == "soap"
          ? .soap(learningRate: 0.01, preconditionFrequency: 1)
          : .shampoo(learningRate: 0.01, preconditionFrequency: 1))
      for step in 0..<12 {
        var gradient = randomArena(layout, seed: kind == 1 ? 7 : UInt64(step))
        for slot in layout.slots where slot.matrixRows > 0 {
          for (place, index) in slot.range.enumerated() {
            if kind == 0, place % slot.matrixColumns < 3 || place / slot.matrixColumns == 2 {
              gradient[index] = 0
            }
            if kind == 1 { gradient[index] = gradient[slot.offset] * Float(place % 5) }
            if kind == 2 { gradient[index] = 0 }
          }
        }
        try trial.step(step, gradient)
      }
      #expect(trial.parameters.allSatisfy { $0.isFinite && $0.magnitude < 10 })
    }
  }

  @Test func stateHasTheShapesOfWhatIsKept() throws {
    func shapes(_ chain: Chain, of name: String) throws -> [String: [Int]] {
      var found: [String: [Int]] = [:]
      for entry in try Trial(layout, chain).rule.state {
        guard case .arena(_, let layout) = entry.storage else { continue }
        if let slot = layout.slots.first(where: { $0.name == name }) {
          found[entry.name] = slot.shape
        }
      }
      return found
    }
    #expect(
      try shapes(.adafactor(), of: "conv.weight")
        == ["optimizer.rowMeans": [6, 3, 2], "optimizer.columnMeans": [6, 3, 2]])
    #expect(try shapes(.adafactor(), of: "wide.bias") == ["optimizer.secondMoment": [5]])
    #expect(
      try shapes(.shampoo(maxPreconditionDim: 8), of: "tall.weight")
        == ["optimizer.columnFactor": [5, 5], "optimizer.columnRoot": [5, 5]])
    #expect(
      try shapes(.soap(), of: "conv.weight") == [
        "optimizer.rowFactor": [6, 6], "optimizer.columnFactor": [12, 12],
        "optimizer.rowBasis": [6, 6], "optimizer.columnBasis": [12, 12],
        "optimizer.matrixMean": [6, 3, 2, 2], "optimizer.rotatedSquares": [6, 3, 2, 2],
      ])
  }

  /// What is kept goes with the owners of matrices.
  @Test func stateIsThatOfOwnedMatrices() throws {
    final class Owner: MatrixExchange {
      let owned: Range<Int>?
      init(_ owned: Range<Int>) { self.owned = owned }
      func transform(
        _ update: UnsafeMutablePointer<Float>,
        _ work: (_ slot: Int, _ values: UnsafeMutablePointer<Float>) -> Void
      ) {}
    }
    let whole = try UpdateRule(layout: layout, chain: .soap())
    var bytes = 0
    for owned in [0..<2, 2..<4, 4..<6, 0..<0] {
      let rule = try UpdateRule(layout: layout, chain: .soap())
      rule.matrixExchange = Owner(owned)
      for entry in rule.state where entry.name.contains("Factor") || entry.name.contains("Basis") {
        guard case .arena(let values, _) = entry.storage else { continue }
        #expect(entry.held?.count == values.count)
      }
      bytes += rule.matrixStateBytes(of: owned)
    }
    #expect(bytes == whole.matrixStateBytes(of: layout.slots.indices))
    #expect(whole.state.allSatisfy { $0.held == nil })
  }

  @Test func numbersThatMakeNoSenseAreRefused() throws {
    for (name, key, value, text) in [
      ("adafactor", "beta2Decay", 0.5, "0"), ("adafactor", "epsilon1", 0, "greater than 0"),
      ("adafactor", "clipThreshold", -1, "greater than 0"),
      ("shampoo", "preconditionFrequency", 0, "from 1"),
      ("shampoo", "epsilon", 0, "greater than 0"),
      ("soap", "maxPreconditionDim", 0, "from 1"), ("soap", "shampooBeta", 1, "less than 1"),
      ("soap", "epsilon", 0, "greater than 0"),
    ] as [(String, String, Double, String)] {
      let error = #expect(throws: ConfigurationError.self) {
        try OptimizerCatalog.catalog.make(name, [key: .number(value)])
      }
      #expect(error?.path == key)
      #expect(error?.description.contains(text) == true, "\(String(describing: error))")
    }
    for chain in [
      Chain.shampoo(epsilon: -1), .shampoo(preconditionFrequency: 0), .soap(maxPreconditionDim: 0),
      .soap(beta1: 1), .adafactor(weightDecay: -1),
    ] {
      #expect(throws: HyperparameterError.self) { try Trial(layout, chain) }
    }
    let vectors = FlatLayout([("scale", [8])])
    #expect(throws: HyperparameterError.self) { try Trial(vectors, .soap()) }
    #expect(throws: HyperparameterError.self) { try Trial(vectors, .shampoo()) }
    // Adafactor takes all tensors.
    _ = try Trial(vectors, .adafactor())
  }
}
