import LockstepCatalog
import LockstepEngine

/// What size a direction of Shampoo has.
package enum ShampooGrafting: String, Sendable, Equatable, CaseIterable {
  /// Its own.
  case none
  /// The gradient's norm, so that the learning rates of SGD suit. (Agarwal et al. 2020, "Disentangling adaptive
  /// gradient methods from learning rates".)
  case sgd
}

extension ShampooGrafting: HyperparameterValue {}

/// Shampoo's direction for matrices: L^(−1/4) G R^(−1/4). All other tensors pass untouched.
package struct ScaleByShampoo: GradientTransform, Equatable {
  let choice: MatrixChoice
  /// ε, what factors start from on their diagonals.
  let epsilon: Double
  /// The number of updates from roots to roots.
  let preconditionFrequency: Int
  /// Sides larger than this have the identity.
  let maxPreconditionDim: Int
  let grafting: ShampooGrafting

  /// Makes a direction with these numbers.
  package init(
    choice: MatrixChoice = MatrixChoice(owner: "shampoo", key: "adamParameters", others: []),
    epsilon: Double = 1e-6, preconditionFrequency: Int = 10, maxPreconditionDim: Int = 1024,
    grafting: ShampooGrafting = .none
  ) {
    self.choice = choice
    self.epsilon = epsilon
    self.preconditionFrequency = preconditionFrequency
    self.maxPreconditionDim = maxPreconditionDim
    self.grafting = grafting
  }

  package func validate() throws {
    try HyperparameterRange.positive.check("shampoo", "epsilon", epsilon)
    try MatrixSides.validate("shampoo", preconditionFrequency, maxPreconditionDim)
  }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    Bound(self, context, try choice.matrices(in: context.layout))
  }

  private final class Bound: MatrixTransform {
    private let rule: ScaleByShampoo
    private let kernels: Kernels
    private let slots: [FlatLayout.Slot]
    private let chosen: [Bool]
    private let sides: MatrixSides
    private let factors: [MatrixState]
    private let roots: [MatrixState]
    private let products: SideProducts
    private let eigen = SymmetricEigen()
    private var (scaled, flipped, root) = (
      Arena<Float>(count: 0), Arena<Float>(count: 0), Arena<Float>(count: 0)
    )

    init(_ rule: ScaleByShampoo, _ context: TransformContext, _ chosen: [Bool]) {
      self.rule = rule
      self.chosen = chosen
      kernels = context.kernels
      let slots = context.layout.slots
      self.slots = slots
      let sides = MatrixSides(slots, chosen, limit: rule.maxPreconditionDim)
      self.sides = sides
      factors = MatrixSides.Side.allCases.map {
        sides.state("Factor", $0, context, diagonal: Float(rule.epsilon))
      }
      roots = MatrixSides.Side.allCases.map { sides.state("Root", $0, context) }
      products = SideProducts(context.kernels)
    }

    var matrixStates: [MatrixState] { factors + roots }
    var owner: String { rule.choice.owner }
    var period: Int { rule.preconditionFrequency }

    /// A factor and a product a side in every update; roots in some.
    func operations(slot: Int) -> Double? {
      guard chosen[slot] else { return nil }
      let count = Double(slots[slot].count)
      var sum = 4 * count
      for side in MatrixSides.Side.allCases {
        guard let size = sides.size(side, of: slot) else { continue }
        let products = 4 * count * Double(size)
        let root = SymmetricEigen.operations(size) + ProductWorkspace.operations(size)
        sum += products + root / Double(rule.preconditionFrequency)
      }
      return sum
    }

    /// A step's magnitude counts in what is remembered, as in AdaGrad.
    func ignoresMagnitude(slot: Int) -> Bool { false }

    func transform(
      slot: Int, _ update: UnsafeMutablePointer<Float>, parameters: UnsafePointer<Float>,
      number: Int
    ) {
      let (rows, columns) = (slots[slot].matrixRows, slots[slot].matrixColumns)
      let before = rule.grafting == .none ? 0 : kernels.sumOfSquares(update, rows * columns)
      for (index, side) in MatrixSides.Side.allCases.enumerated() {
        guard let size = sides.size(side, of: slot), let factor = factors[index].values(of: slot),
          let root = roots[index].values(of: slot)
        else { continue }
        products.add(
          update, side, rows: rows, columns: columns, to: factor, past: 1, weight: 1)
        if (number - 1) % rule.preconditionFrequency == 0 { takeRoot(of: factor, size, to: root) }
      }
      for (index, side) in MatrixSides.Side.allCases.enumerated() {
        guard let root = roots[index].values(of: slot) else { continue }
        products.multiply(update, side, by: root, rows: rows, columns: columns)
      }
      if rule.grafting == .sgd {
        let after = kernels.sumOfSquares(update, rows * columns)
        let factor = after > 0 ? (before / after).squareRoot() : 0
        kernels.scale(update, update, by: ScaleFactor(factor), rows * columns)
      }
    }

    /// root = Σ λ^(−1/4) v vᵀ over eigenvalues λ and eigenvectors v. All λ are at least ε but for rounding.
    private func takeRoot(
      of factor: UnsafePointer<Float>, _ size: Int, to result: UnsafeMutablePointer<Float>
    ) {
      eigen.decompose(factor, size)
      Arena.grow(&scaled, to: size * size)
      Arena.grow(&flipped, to: size * size)
      Arena.grow(&root, to: size * size)
      for row in 0..<size {
        let value = eigen.values.base[row]
        let least = value < rule.epsilon ? rule.epsilon : value
        let half = 1 / least.squareRoot().squareRoot().squareRoot()
        kernels.scale(
          scaled.base + row * size, eigen.vectors.base + row * size, by: ScaleFactor(half), size)
      }
      transpose(flipped.base, scaled.base, size, size)
      products.work.transposed(
        root, flipped.base, flipped.base, rows: size, terms: size, columns: size)
      result.update(from: root.base, count: size * size)
    }
  }
}

extension Chain {
  /// Shampoo by its paper for the matrices of hidden layers, AdamW for all other tensors.
  ///
  /// L = εI + Σ GGᵀ, R = εI + Σ GᵀG, u = η (L^(−1/4) G R^(−1/4) + λp). A convolution's kernels are one matrix,
  /// outputs × all the rest. A side of more than `maxPreconditionDim` rows or columns has the identity. (Gupta, Koren &
  /// Singer 2018.)
  ///
  /// - Parameters:
  ///   - momentum: the weight of the past direction.
  ///   - epsilon: ε.
  ///   - weightDecay: λ.
  ///   - preconditionFrequency: roots are taken in updates 1, 1 + n, 1 + 2n, …; factors move in each.
  public static func shampoo(
    learningRate: Schedule = 1e-3, momentum: Double = 0, epsilon: Double = 1e-6,
    weightDecay: Double = 0, preconditionFrequency: Int = 10, maxPreconditionDim: Int = 1024
  ) -> Chain {
    shampoo(
      learningRate: learningRate, momentum: momentum, weightDecay: weightDecay,
      ScaleByShampoo(
        epsilon: epsilon, preconditionFrequency: preconditionFrequency,
        maxPreconditionDim: maxPreconditionDim),
      remainder: AdamWRemainder(weightDecay: weightDecay))
  }

  /// As the public preset, with everything that a configuration can say.
  package static func shampoo(
    learningRate: Schedule, momentum: Double, weightDecay: Double, _ rule: ScaleByShampoo,
    remainder: AdamWRemainder
  ) -> Chain {
    let behind: [any GradientTransform] =
      (momentum == 0 ? [] : [Momentum(momentum)]) + decoupled(weightDecay)
    return Chain(
      [rule] + behind.map { Restricted(base: $0, choice: rule.choice, isForMatrices: true) }
        + remainder.transforms(besides: rule.choice) + [ScaleByLearningRate(learningRate)])
  }

  static let shampooEntry = Entry<Optimizer>(
    "shampoo", "matrices by roots of their factors, AdamW for the rest, by its paper",
    learningRate: 1e-3,
    [
      .momentum(), .weightDecay(),
      .with("epsilon", .positive, 1e-6, "what factors start from on their diagonals"),
    ] + MatrixSides.keys("from roots to roots") + [
      .with("grafting", ShampooGrafting.none, "whose size a matrix's direction has")
    ] + AdamWRemainder.keys
  ) { values, rate in
    .shampoo(
      learningRate: rate, momentum: values["momentum"], weightDecay: values["weightDecay"],
      ScaleByShampoo(
        choice: MatrixChoice(
          owner: "shampoo", key: "adamParameters", others: values["adamParameters"]),
        epsilon: values["epsilon"], preconditionFrequency: values["preconditionFrequency"],
        maxPreconditionDim: values["maxPreconditionDim"],
        grafting: values["grafting"]),
      remainder: AdamWRemainder(values))
  }
}
