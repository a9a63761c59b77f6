import LockstepCatalog
import LockstepEngine

/// The steps of Scion for what is no matrix of a hidden layer: signs for other matrices, one root mean
/// square for vectors and scalars.
private struct ScionRemainder: GradientTransform {
  let choice: MatrixChoice
  /// The radius of vectors and scalars, and that of other matrices.
  let radius: Double
  let outputRadius: Double

  func validate() throws {}

  func bind(to context: TransformContext) throws -> any BoundTransform {
    Bound(self, context, try choice.matrices(in: context.layout))
  }

  private final class Bound: InspectedTransform {
    private let rule: ScionRemainder
    private let kernels: Kernels
    private let slots: [FlatLayout.Slot]
    private let isMatrix: [Bool]
    private var factors: [ScaleFactor]
    let measures: [Measure] = [.update(.two)]

    init(_ rule: ScionRemainder, _ context: TransformContext, _ isMatrix: [Bool]) {
      self.rule = rule
      self.isMatrix = isMatrix
      kernels = context.kernels
      slots = context.layout.slots
      factors = slots.map { _ in ScaleFactor(1) }
    }

    func isActive(slot: Int) -> Bool { !isMatrix[slot] }

    func prepare(_ step: StepContext) {
      for (index, slot) in slots.enumerated() where !isMatrix[index] {
        if slot.matrixRows > 0 {
          // A table's rows are its inputs; what reads it sees one of them.
          var inputs = slot.matrixColumns
          if case .table? = slot.role { inputs = 1 }
          factors[index] = ScaleFactor(rule.outputRadius / Double(inputs))
        } else {
          let norm = step.measurements.norm(.update(.two), slot: index)
          let mean = norm / Double(max(slot.count, 1)).squareRoot()
          factors[index] = ScaleFactor(mean > 0 ? rule.radius / mean : 0)
        }
      }
    }

    func apply(_ block: BlockView) {
      var input = block.input
      if slots[block.slot].matrixRows > 0 {
        kernels.update.sign(block.output, input, block.count)
        input = UnsafePointer(block.output)
      }
      kernels.scale(block.output, input, by: factors[block.slot], block.count)
    }
  }
}

extension Chain {
  /// Scion by its paper: steps of one norm, that which suits each tensor.
  ///
  /// With m = μ m + (1 − μ) g, a matrix of a hidden layer moves by ηρ √(outputs/inputs) O(m) with O as in
  /// ``muon``, a convolution's kernels by that over their area; output layers and tables by η ρ' sign(m) / inputs,
  /// and vectors by ηρ m / RMS(m). With `constrained`, p = (1 − η) p besides, which keeps all weights within
  /// balls of these radii. (Pethick et al. 2025, "Training deep learning models with norm-constrained LMOs".)
  ///
  /// - Parameters:
  ///   - momentum: μ.
  ///   - radius: ρ.
  ///   - outputRadius: ρ'.
  package static func scion(
    learningRate: Schedule, momentum: Double, radius: Double, outputRadius: Double,
    constrained: Bool, iterations: NewtonSchulz, signParameters: [String]
  ) -> Chain {
    let choice = MatrixChoice(owner: "scion", key: "signParameters", others: signParameters)
    return Chain(
      (momentum == 0 ? [] : [Momentum(momentum)])
        + [
          Orthogonalize(choice: choice, scaling: .scion(radius: radius), iterations: iterations),
          ScionRemainder(choice: choice, radius: radius, outputRadius: outputRadius),
        ] + decoupled(constrained ? 1 : 0) + [ScaleByLearningRate(learningRate)])
  }

  static let scionEntry = Entry<Optimizer>(
    "scion", "steps of one norm for each kind of tensor, by its paper", learningRate: 1e-3,
    [
      .with("momentum", .decayRate, 0.9, "the weight of the past in the mean"),
      .with("radius", .positive, 1, "ρ, of hidden layers and vectors"),
      .with("outputRadius", .positive, 1, "ρ', of output layers and tables"),
      .with("constrained", .boolean, false, "whether weights stay within the radii"),
      .with("steps", .integer(1...100), 5, "the Newton–Schulz steps"),
      .with(
        "signParameters", .texts, [],
        "patterns of the matrices that move by signs; if empty, tables and output layers"),
    ]
  ) { values, rate in
    .scion(
      learningRate: rate, momentum: values["momentum"], radius: values["radius"],
      outputRadius: values["outputRadius"], constrained: values["constrained"],
      iterations: NewtonSchulz(steps: values["steps"]), signParameters: values["signParameters"])
  }
}
