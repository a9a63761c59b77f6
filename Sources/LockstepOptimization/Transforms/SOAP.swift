import LockstepCatalog
import LockstepEngine

/// SOAP's direction for matrices: Adam's in the eigenbases of Shampoo's factors. All other tensors pass
/// untouched.
package struct ScaleBySOAP: NormalizingTransform, Equatable {
  let choice: MatrixChoice
  /// The learning rate, which decay behind the step needs.
  let schedule: Schedule
  /// β₁, the weight of the past in the mean.
  let beta1: Double
  /// β₂, the weight of the past in the mean of squares.
  let beta2: Double
  /// The weight of the past in the factors; β₂ where nil.
  let shampooBeta: Double?
  /// ε.
  package let epsilon: Double
  /// λ.
  let weightDecay: Double
  /// The number of updates from bases to bases.
  let preconditionFrequency: Int
  /// Sides larger than this have the identity.
  let maxPreconditionDim: Int

  /// Makes a direction with these numbers; the defaults are the authors', but for the largest side.
  package init(
    choice: MatrixChoice = MatrixChoice(owner: "soap", key: "adamParameters", others: []),
    schedule: Schedule = 3e-3, beta1: Double = 0.95, beta2: Double = 0.95,
    shampooBeta: Double? = nil, epsilon: Double = 1e-8, weightDecay: Double = 0.01,
    preconditionFrequency: Int = 10, maxPreconditionDim: Int = 1024
  ) {
    self.choice = choice
    self.schedule = schedule
    self.beta1 = beta1
    self.beta2 = beta2
    self.shampooBeta = shampooBeta
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.preconditionFrequency = preconditionFrequency
    self.maxPreconditionDim = maxPreconditionDim
  }

  package func validate() throws {
    try schedule.validate()
    try checkBetas("soap", beta1, beta2)
    if let shampooBeta {
      try HyperparameterRange.decayRate.check("soap", "shampooBeta", shampooBeta)
    }
    try HyperparameterRange.positive.check("soap", "epsilon", epsilon)
    try HyperparameterRange.nonNegative.check("soap", "weightDecay", weightDecay)
    try MatrixSides.validate("soap", preconditionFrequency, maxPreconditionDim)
  }

  package var schedules: [Schedule] { [schedule] }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    Bound(self, context, try choice.matrices(in: context.layout))
  }

  private final class Bound: MatrixTransform {
    private let rule: ScaleBySOAP
    private let kernels: Kernels
    private let slots: [FlatLayout.Slot]
    private let chosen: [Bool]
    private let sides: MatrixSides
    private let factors: [MatrixState]
    private let bases: [MatrixState]
    /// The mean of gradients, and the mean of squares in the bases.
    private let mean: MatrixState
    private let squares: MatrixState
    private let products: SideProducts
    private let eigen = SymmetricEigen()
    private let rotation: BasisRotation
    private let rateFactors: [Double]
    private let decayFactors: [Double]
    private var rate = 0.0
    private var (rotated, direction) = (Arena<Float>(count: 0), Arena<Float>(count: 0))

    init(_ rule: ScaleBySOAP, _ context: TransformContext, _ chosen: [Bool]) {
      self.rule = rule
      self.chosen = chosen
      kernels = context.kernels
      let slots = context.layout.slots
      self.slots = slots
      let sides = MatrixSides(slots, chosen, limit: rule.maxPreconditionDim)
      self.sides = sides
      factors = MatrixSides.Side.allCases.map { sides.state("Factor", $0, context) }
      bases = MatrixSides.Side.allCases.map { sides.state("Basis", $0, context) }
      mean = MatrixState("matrixMean", context, shape: { chosen[$0] ? slots[$0].shape : nil })
      squares = MatrixState(
        "rotatedSquares", context, shape: { chosen[$0] ? slots[$0].shape : nil })
      products = SideProducts(context.kernels)
      rotation = BasisRotation(products.work)
      rateFactors = context.learningRateFactors
      decayFactors = context.weightDecayFactors
    }

    var matrixStates: [MatrixState] { factors + bases + [mean, squares] }
    var owner: String { rule.choice.owner }
    var period: Int { rule.preconditionFrequency }

    /// A factor and three rotations a side in every update; bases in some.
    func operations(slot: Int) -> Double? {
      guard chosen[slot] else { return nil }
      let count = Double(slots[slot].count)
      var sum = 20 * count
      for side in MatrixSides.Side.allCases {
        guard let size = sides.size(side, of: slot) else { continue }
        let basis = OrthonormalRows.operations(size) + ProductWorkspace.operations(size)
        sum += 8 * count * Double(size) + basis / Double(rule.preconditionFrequency)
      }
      return sum
    }

    /// A step's magnitude counts in what is remembered, as in Adam.
    func ignoresMagnitude(slot: Int) -> Bool { false }

    func prepare(_ step: StepContext) { rate = step.rate(of: rule.schedule) }

    func transform(
      slot: Int, _ update: UnsafeMutablePointer<Float>, parameters: UnsafePointer<Float>,
      number: Int
    ) {
      guard let mean = mean.values(of: slot), let squares = squares.values(of: slot) else { return }
      let (rows, columns) = (slots[slot].matrixRows, slots[slot].matrixColumns)
      let count = rows * columns
      let isFirst = number == 1
      if !isFirst { findDirection(slot, UnsafePointer(update), mean, squares, rows, columns) }
      let beta = rule.shampooBeta ?? rule.beta2
      for (index, side) in MatrixSides.Side.allCases.enumerated() {
        guard let size = sides.size(side, of: slot), let factor = factors[index].values(of: slot),
          let basis = bases[index].values(of: slot)
        else { continue }
        products.add(
          update, side, rows: rows, columns: columns, to: factor, past: beta, weight: 1 - beta)
        if isFirst {
          eigen.decompose(factor, size)
          basis.update(from: eigen.vectors.base, count: size * size)
        } else if (number - 1) % rule.preconditionFrequency == 0 {
          rotation.follow(factor, size, basis)
          rotation.reorder(squares, side, rows: rows, columns: columns)
        }
      }
      // The first gradient makes the bases, and nothing else: it must not be measured in what it made.
      guard !isFirst else { return update.update(repeating: 0, count: count) }
      let correction =
        (1 - ExactMath.power(rule.beta2, number - 1)).squareRoot()
        / (1 - ExactMath.power(rule.beta1, number - 1))
      let decay = rule.weightDecay * decayFactors[slot]
      kernels.scale(update, direction.base, by: ScaleFactor(correction), count)
      guard decay > 0 else { return }
      // Decay of what the step has made: u + λ(p − ηu), as the authors' code.
      let step = Float(1 - decay * rate * rateFactors[slot])
      kernels.update.scale(update, update, step, count)
      kernels.update.add_scaled(update, update, parameters, Float(decay), count)
    }

    /// Adam's direction in the bases, brought back.
    private func findDirection(
      _ slot: Int, _ gradient: UnsafePointer<Float>, _ mean: UnsafeMutablePointer<Float>,
      _ squares: UnsafeMutablePointer<Float>, _ rows: Int, _ columns: Int
    ) {
      let count = rows * columns
      Arena.grow(&rotated, to: count)
      Arena.grow(&direction, to: count)
      let (rotated, direction) = (rotated.base, direction.base)
      let first = Float(1 - rule.beta1)
      for i in 0..<count { mean[i] += first * (gradient[i] - mean[i]) }
      rotated.update(from: gradient, count: count)
      direction.update(from: mean, count: count)
      for (index, side) in MatrixSides.Side.allCases.enumerated() {
        guard let basis = bases[index].values(of: slot) else { continue }
        products.multiply(rotated, side, by: basis, rows: rows, columns: columns)
        products.multiply(direction, side, by: basis, rows: rows, columns: columns)
      }
      let (second, epsilon) = (Float(1 - rule.beta2), Float(rule.epsilon))
      for i in 0..<count {
        squares[i] += second * (rotated[i] * rotated[i] - squares[i])
        direction[i] /= squares[i].squareRoot() + epsilon
      }
      for (index, side) in MatrixSides.Side.allCases.enumerated() {
        guard let basis = bases[index].values(of: slot) else { continue }
        products.multiplyBack(direction, side, by: basis, rows: rows, columns: columns)
      }
    }
  }
}

extension Chain {
  /// SOAP by its authors' code for the matrices of hidden layers, AdamW for all other tensors.
  ///
  /// L = βL + (1 − β) GGᵀ, R = βR + (1 − β) GᵀG, and with eigenbases U and V of these: Adam's moments m of G and
  /// v of (UᵀGV)², and p = (1 − ηλ)(p − η U (UᵀmV / (√v + ε)) Vᵀ) with Adam's corrections. The first update makes
  /// the bases alone. Later they follow by one round of power iteration. A convolution's kernels are one matrix,
  /// outputs × all the rest. A side of more than `maxPreconditionDim` rows or columns has the identity. (Vyas et
  /// al. 2024.)
  ///
  /// - Parameters:
  ///   - weightDecay: λ.
  ///   - preconditionFrequency: the number of updates from bases to bases; factors move in each.
  public static func soap(
    learningRate: Schedule = 3e-3, beta1: Double = 0.95, beta2: Double = 0.95,
    epsilon: Double = 1e-8, weightDecay: Double = 0.01, preconditionFrequency: Int = 10,
    maxPreconditionDim: Int = 1024
  ) -> Chain {
    soap(
      ScaleBySOAP(
        schedule: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
        weightDecay: weightDecay, preconditionFrequency: preconditionFrequency,
        maxPreconditionDim: maxPreconditionDim),
      remainder: AdamWRemainder(weightDecay: weightDecay))
  }

  /// As the public preset, with everything that a configuration can say.
  package static func soap(_ rule: ScaleBySOAP, remainder: AdamWRemainder) -> Chain {
    Chain(
      [rule] + remainder.transforms(besides: rule.choice) + [ScaleByLearningRate(rule.schedule)])
  }

  static let soapEntry = Entry<Optimizer>(
    "soap", "Adam in the eigenbases of Shampoo's factors, AdamW for the rest, by its paper",
    learningRate: 3e-3,
    [
      .with("beta1", .decayRate, 0.95, "the weight of the past in the mean"), .beta2(0.95),
      .optional(
        "shampooBeta", .decayRate, "the weight of the past in the factors; beta2 if left out"),
      .with("epsilon", .positive, 1e-8, "keeps the denominator from 0"), .weightDecay(0.01),
    ] + MatrixSides.keys("from bases to bases") + AdamWRemainder.keys
  ) { values, rate in
    .soap(
      ScaleBySOAP(
        choice: MatrixChoice(
          owner: "soap", key: "adamParameters", others: values["adamParameters"]),
        schedule: rate, beta1: values["beta1"], beta2: values["beta2"],
        shampooBeta: values["shampooBeta"], epsilon: values["epsilon"],
        weightDecay: values["weightDecay"],
        preconditionFrequency: values["preconditionFrequency"],
        maxPreconditionDim: values["maxPreconditionDim"]),
      remainder: AdamWRemainder(values))
  }
}
