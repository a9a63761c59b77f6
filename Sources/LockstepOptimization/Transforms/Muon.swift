import LockstepCatalog
import LockstepEngine

/// How large the orthogonalised updates of a matrix are, whose rows are outputs.
public enum MuonScaling: String, Sendable, Equatable, CaseIterable {
  /// √max(1, rows / columns): Jordan's, which keeps the change of a layer's outputs alike.
  case original
  /// 0.2 √max(rows, columns): the root mean square is that of AdamW's updates, so that its learning rates
  /// and decays suit. (Liu et al. 2025, "Muon is scalable for LLM training".)
  case matchRMSAdamW

  func factor(rows: Int, columns: Int) -> Double {
    switch self {
    case .original: max(1, Double(rows) / Double(columns)).squareRoot()
    case .matchRMSAdamW: 0.2 * Double(max(rows, columns)).squareRoot()
    }
  }
}

extension MuonScaling: HyperparameterValue {}

/// Muon's direction: each matrix made orthogonal by ``NewtonSchulz`` and scaled by its shape. All other
/// tensors pass untouched.
package struct Orthogonalize: GradientTransform, Equatable {
  /// What an orthogonalised update is multiplied by.
  enum Scaling: Equatable, Sendable {
    case muon(MuonScaling)
    /// ρ √(outputs/inputs), over the area of a convolution's kernel.
    case scion(radius: Double)

    func factor(_ slot: FlatLayout.Slot) -> Double {
      switch self {
      case .muon(let scaling):
        return scaling.factor(rows: slot.matrixRows, columns: slot.matrixColumns)
      case .scion(let radius):
        let area = Double(slot.shape[2...].reduce(1, *))
        return radius * (Double(slot.shape[0]) / Double(slot.shape[1])).squareRoot() / area
      }
    }
  }

  let choice: MatrixChoice
  let scaling: Scaling
  let iterations: NewtonSchulz

  package func validate() throws { try iterations.validate(owner: choice.owner) }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    Bound(self, context, try choice.matrices(in: context.layout))
  }

  private final class Bound: MatrixTransform {
    private let rule: Orthogonalize
    private let slots: [FlatLayout.Slot]
    private let chosen: [Bool]
    private let iterations: BoundNewtonSchulz

    init(_ rule: Orthogonalize, _ context: TransformContext, _ chosen: [Bool]) {
      self.rule = rule
      self.chosen = chosen
      slots = context.layout.slots
      iterations = BoundNewtonSchulz(rule.iterations, context.kernels)
    }

    func operations(slot: Int) -> Double? {
      guard chosen[slot] else { return nil }
      return rule.iterations.operations(
        rows: slots[slot].matrixRows, columns: slots[slot].matrixColumns)
    }

    var owner: String { rule.choice.owner }

    func ignoresMagnitude(slot: Int) -> Bool { chosen[slot] }

    func transform(
      slot: Int, _ update: UnsafeMutablePointer<Float>, parameters: UnsafePointer<Float>,
      number: Int
    ) {
      iterations.orthogonalize(
        update, rows: slots[slot].matrixRows, columns: slots[slot].matrixColumns,
        times: rule.scaling.factor(slots[slot]))
    }
  }
}

/// What takes the tensors that a matrix update leaves: AdamW.
package struct AdamWRemainder: Sendable, Equatable {
  /// Its learning rate over that of the matrices.
  let rateFactor: Double
  let beta1: Double
  let beta2: Double
  let epsilon: Double
  /// λ.
  let weightDecay: Double

  /// AdamW's direction, with its decay, for what a choice leaves.
  func transforms(besides choice: MatrixChoice) -> [any GradientTransform] {
    let all: [any GradientTransform] =
      [ScaleByAdam(beta1: beta1, beta2: beta2, epsilon: epsilon)]
      + Chain.decoupled(weightDecay) + (rateFactor == 1 ? [] : [ScaleBy(factor: rateFactor)])
    return all.map { Restricted(base: $0, choice: choice, isForMatrices: false) }
  }

  /// The keys of a configuration.
  static let keys: [Hyperparameter] = [
    .with(
      "adamParameters", .texts, [],
      "patterns of the matrices that AdamW updates; if empty, tables and output layers"),
    .optional("adamLearningRate", .nonNegative, "AdamW's learning rate; learningRate if left out"),
    .with("adamBeta1", .decayRate, 0.9, "AdamW's weight of the past in the mean"),
    .with("adamBeta2", .decayRate, 0.999, "AdamW's weight of the past in the slower mean"),
    .with("adamEpsilon", .nonNegative, 1e-8, "keeps AdamW's denominator from 0"),
    .optional("adamWeightDecay", .nonNegative, "AdamW's weight decay; weightDecay if left out"),
  ]

  /// Makes it from a configuration's values.
  init(_ values: Hyperparameters) {
    let rate: Double = values["learningRate"]
    rateFactor = rate == 0 ? 1 : (values["adamLearningRate"] ?? rate) / rate
    beta1 = values["adamBeta1"]
    beta2 = values["adamBeta2"]
    epsilon = values["adamEpsilon"]
    weightDecay = values["adamWeightDecay"] ?? values["weightDecay"]
  }

  /// Makes it with these numbers.
  package init(
    rateFactor: Double = 1, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double
  ) {
    self.rateFactor = rateFactor
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }
}

extension Chain {
  /// `torch.optim.Muon` for the matrices of hidden layers, AdamW for all other tensors.
  ///
  /// u = η (s · O(μb + (1 − μ)g) + λp) with b = μb + (1 − μ)g and O five Newton–Schulz steps, which make
  /// all singular values about 1. A convolution's kernels are one matrix, outputs × all the rest. Tables of
  /// embeddings, output layers, vectors and scalars are AdamW's, with the same η and λ. (Jordan et al. 2024.)
  ///
  /// - Parameters:
  ///   - momentum: μ.
  ///   - nesterov: whether the direction looks ahead; without it, it is O(b).
  ///   - weightDecay: λ.
  ///   - scaling: s, by the matrix's shape.
  public static func muon(
    learningRate: Schedule = 1e-3, momentum: Double = 0.95, nesterov: Bool = true,
    weightDecay: Double = 0.1, scaling: MuonScaling = .original
  ) -> Chain {
    muon(
      learningRate: learningRate, momentum: momentum, nesterov: nesterov, weightDecay: weightDecay,
      scaling: scaling, iterations: NewtonSchulz(), adamParameters: [],
      remainder: AdamWRemainder(weightDecay: weightDecay))
  }

  /// As the public preset, with everything that a configuration can say.
  package static func muon(
    learningRate: Schedule, momentum: Double, nesterov: Bool, weightDecay: Double,
    scaling: MuonScaling, iterations: NewtonSchulz, adamParameters: [String],
    remainder: AdamWRemainder
  ) -> Chain {
    let choice = MatrixChoice(owner: "muon", key: "adamParameters", others: adamParameters)
    // Momentum here is b / (1 − μ), whose direction is the same; so is ε's part in it.
    let scaled = NewtonSchulz(
      coefficients: iterations.coefficients, steps: iterations.steps,
      epsilon: iterations.epsilon / (1 - momentum))
    let matrices: [any GradientTransform] =
      momentum == 0 ? [] : [Momentum(momentum, nesterov: nesterov)]
    return Chain(
      matrices.map { Restricted(base: $0, choice: choice, isForMatrices: true) }
        + [Orthogonalize(choice: choice, scaling: .muon(scaling), iterations: scaled)]
        + decoupled(weightDecay).map {
          Restricted(base: $0, choice: choice, isForMatrices: true)
        } + remainder.transforms(besides: choice) + [ScaleByLearningRate(learningRate)])
  }

  static let muonEntry = Entry<Optimizer>(
    "muon", "orthogonalised momentum for matrices, AdamW for the rest, PyTorch",
    learningRate: 1e-3,
    [
      .with("momentum", .decayRate, 0.95, "the weight of the past in the mean"),
      .with("nesterov", .boolean, true, "whether momentum looks ahead"), .weightDecay(0.1),
      .with("scaling", MuonScaling.original, "the size of a matrix's update"),
      .with("steps", .integer(1...100), 5, "the Newton–Schulz steps"),
      .with(
        "coefficients", .numbers(NumberRange()), [3.4445, -4.775, 2.0315],
        "a, b and c of a step, X ← aX + (bA + cA²)X with A = XXᵀ"),
      .with("epsilon", .positive, 1e-7, "the least norm that a matrix is divided by"),
    ] + AdamWRemainder.keys
  ) { values, rate in
    .muon(
      learningRate: rate, momentum: values["momentum"], nesterov: values["nesterov"],
      weightDecay: values["weightDecay"], scaling: values["scaling"],
      iterations: NewtonSchulz(
        coefficients: values["coefficients"], steps: values["steps"], epsilon: values["epsilon"]),
      adamParameters: values["adamParameters"], remainder: AdamWRemainder(values))
  }
}
