internal import CLockstepKernels
import LockstepCatalog
import LockstepEngine

/// Adafactor's direction: Adam's without a mean, whose mean squares of a matrix are those of its rows and
/// columns.
package struct ScaleByAdafactor: NormalizingTransform, Equatable {
  /// The learning rate, which 1/√t limits.
  let schedule: Schedule
  /// How the weight of a step's squares falls: t to this power, at most 0.
  package let beta2Decay: Double
  /// ε₁, the least root mean square that is divided by.
  package let epsilon: Double
  /// ε₂, the least root mean square of weights that steps are measured by.
  package let weightEpsilon: Double
  /// d, the largest root mean square of a direction.
  package let clipThreshold: Double

  /// Makes a direction with these numbers; the defaults are those of PyTorch's `Adafactor`.
  package init(
    schedule: Schedule = 1e-2, beta2Decay: Double = -0.8, epsilon: Double = 0x1p-23,
    weightEpsilon: Double = 1e-3, clipThreshold: Double = 1
  ) {
    self.schedule = schedule
    self.beta2Decay = beta2Decay
    self.epsilon = epsilon
    self.weightEpsilon = weightEpsilon
    self.clipThreshold = clipThreshold
  }

  package func validate() throws {
    try schedule.validate()
    try HyperparameterRange.interval(-100, 0).check("adafactor", "beta2Decay", beta2Decay)
    try HyperparameterRange.positive.check("adafactor", "epsilon1", epsilon)
    try HyperparameterRange.nonNegative.check("adafactor", "epsilon2", weightEpsilon)
    try HyperparameterRange.positive.check("adafactor", "clipThreshold", clipThreshold)
  }

  package var schedules: [Schedule] { [schedule] }

  package func bind(to context: TransformContext) -> any BoundTransform { Bound(self, context) }

  /// All tensors are whole in its hands: the size of a step follows from norms of the whole tensor.
  private final class Bound: MatrixTransform {
    private let rule: ScaleByAdafactor
    private let kernels: Kernels
    private let slots: [FlatLayout.Slot]
    private let factors: [Double]
    /// Mean squares of rows and of columns of each matrix of the last two dimensions; those of vectors.
    private let rows: MatrixState
    private let columns: MatrixState
    private let values: MatrixState
    /// The sums of squares of columns.
    private let sums: Arena<Double>
    private var rates: [Double]
    let owner = "adafactor"

    init(_ rule: ScaleByAdafactor, _ context: TransformContext) {
      self.rule = rule
      kernels = context.kernels
      let slots = context.layout.slots
      self.slots = slots
      factors = context.learningRateFactors
      rates = factors
      func matrix(_ slot: Int) -> [Int]? { slots[slot].shape.count > 1 ? slots[slot].shape : nil }
      rows = MatrixState("rowMeans", context, shape: { matrix($0)?.dropLast() })
      columns = MatrixState(
        "columnMeans", context, shape: { matrix($0).map { $0.dropLast(2) + $0.suffix(1) } })
      values = MatrixState(
        "secondMoment", context, shape: { matrix($0) == nil ? slots[$0].shape : nil })
      sums = Arena(count: slots.map { $0.shape.count > 1 ? $0.shape.last! : 0 }.max() ?? 0)
    }

    var matrixStates: [MatrixState] { [rows, columns, values] }

    /// Squares, a root, a quotient and norms of every value.
    func operations(slot: Int) -> Double? {
      slots[slot].count == 0 ? nil : 20 * Double(slots[slot].count)
    }

    func ignoresMagnitude(slot: Int) -> Bool { false }

    func prepare(_ step: StepContext) {
      let rate = step.rate(of: rule.schedule)
      for slot in rates.indices { rates[slot] = rate * factors[slot] }
    }

    func transform(
      slot: Int, _ update: UnsafeMutablePointer<Float>, parameters: UnsafePointer<Float>,
      number: Int
    ) {
      let count = slots[slot].count
      let weight = Float(ExactMath.power(Double(number), rule.beta2Decay))
      if let means = rows.values(of: slot), let columns = columns.values(of: slot) {
        let (height, width) = (slots[slot].shape.suffix(2).first!, slots[slot].shape.last!)
        for matrix in 0..<count / (height * width) {
          divide(
            update + matrix * height * width, height, width, means + matrix * height,
            columns + matrix * width, weight)
        }
      } else if let squares = values.values(of: slot) {
        let least = Float(rule.epsilon * rule.epsilon)
        for i in 0..<count {
          squares[i] += weight * (update[i] * update[i] - squares[i])
          update[i] /= (squares[i] < least ? least : squares[i]).squareRoot()
        }
      }
      let root = Double(count).squareRoot()
      let size = kernels.sumOfSquares(update, count).squareRoot() / (root * rule.clipThreshold)
      let weights = kernels.sumOfSquares(parameters, count).squareRoot() / root
      // The learning rate follows in the chain, and must not exceed 1/√t.
      let excess = max(1, rates[slot] * Double(number).squareRoot())
      let factor = max(rule.weightEpsilon, weights) / (max(1, size) * excess)
      kernels.scale(update, update, by: ScaleFactor(factor), count)
    }

    /// Takes a matrix into the means of its rows and columns, and divides it by the roots of their products.
    private func divide(
      _ update: UnsafeMutablePointer<Float>, _ height: Int, _ width: Int,
      _ rows: UnsafeMutablePointer<Float>, _ columns: UnsafeMutablePointer<Float>, _ weight: Float
    ) {
      sums.buffer.update(repeating: 0)
      var total = 0.0
      for row in 0..<height {
        kernels.update.accumulate_squares(sums.base, update + row * width, width)
        let mean = kernels.sumOfSquares(update + row * width, width) / Double(width)
        rows[row] += weight * (Float(mean) - rows[row])
        total += Double(rows[row])
      }
      for column in 0..<width {
        columns[column] += weight * (Float(sums.base[column] / Double(height)) - columns[column])
      }
      let mean = max(total / Double(height), rule.epsilon)
      let least = Float(rule.epsilon * rule.epsilon)
      for row in 0..<height {
        let values = update + row * width
        let factor = Float(Double(rows[row]) / mean)
        for column in 0..<width {
          let square = factor * columns[column]
          values[column] /= (square < least ? least : square).squareRoot()
        }
      }
    }
  }
}

extension Chain {
  /// `torch.optim.Adafactor`: steps in proportion to the weights, with memory for rows and columns alone.
  ///
  /// With w = t^`beta2Decay`, R and C move by w towards the mean squares of the gradient's rows and columns (of its
  /// last two dimensions), V = R Cᵀ / max(mean R, ε₁), u = g / √max(V, ε₁²), and
  /// p = (1 − ηλ) p − max(ε₂, RMS(p)) min(η, 1/√t) u / max(1, RMS(u)/d). Vectors have a V of their own. (Shazeer &
  /// Stern 2018.)
  ///
  /// - Parameter weightDecay: λ.
  public static func adafactor(learningRate: Schedule = 1e-2, weightDecay: Double = 0) -> Chain {
    adafactor(ScaleByAdafactor(schedule: learningRate), weightDecay: weightDecay)
  }

  /// As the public preset, with everything that a configuration can say.
  package static func adafactor(_ rule: ScaleByAdafactor, weightDecay: Double) -> Chain {
    Chain([rule] + decoupled(weightDecay) + [ScaleByLearningRate(rule.schedule)])
  }

  static let adafactorEntry = Entry<Optimizer>(
    "adafactor", "steps in proportion to the weights, means of rows and columns, PyTorch",
    learningRate: 1e-2,
    [
      .with(
        "beta2Decay", .number(NumberRange(from: -100, to: 0)), -0.8,
        "the power of the step's number that squares count with"),
      .with("epsilon1", .positive, .number(0x1p-23), "the least size of gradients that divides"),
      .with("epsilon2", .nonNegative, 1e-3, "the least size of weights that steps are measured by"),
      .with("clipThreshold", .positive, 1, "the largest root mean square of a direction"),
      .weightDecay(),
    ]
  ) { values, rate in
    .adafactor(
      ScaleByAdafactor(
        schedule: rate, beta2Decay: values["beta2Decay"], epsilon: values["epsilon1"],
        weightEpsilon: values["epsilon2"], clipThreshold: values["clipThreshold"]),
      weightDecay: values["weightDecay"])
  }
}
