// Examples of docs/extending.md: what a program adds from outside the package's modules.
import Lockstep

struct AbsoluteError: LossFunction {
  var name: String { "absoluteError" }

  func targetType(for prediction: TensorType) -> TensorType { prediction }

  func callAsFunction(_ prediction: Tensor, _ target: Tensor, weights: Tensor?) -> LossValue {
    let errors = (prediction - target).absolute().mean([1])
    return LossValue(
      sum: (weights.map { errors * $0 } ?? errors).sum(),
      metrics: [LossMetric(name: "absoluteError", sum: errors.sum())])
  }
}

struct Triangular: Initializer {
  let reach: Float

  var problem: String? { reach > 0 ? nil : "triangular with a reach of \(reach): it is positive" }

  func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {
    func uniform() -> Float { Float(random.next() >> 40) * 0x1p-24 }
    for index in values.indices { values[index] = reach * (uniform() - uniform()) }
  }
}

struct SignedMomentum: GradientTransform {
  let decay: Double

  func validate() throws {
    guard decay >= 0, decay < 1 else {
      throw HyperparameterError(
        owner: "signed momentum", key: "decay", value: "\(decay)", problem: "must be in 0..<1")
    }
  }

  func bind(to context: TransformContext) -> any BoundTransform { Bound(decay, context) }

  private final class Bound: BoundTransform {
    private let decay: Float
    private let moment: Arena<Float>
    let state: [StateEntry]

    init(_ decay: Double, _ context: TransformContext) {
      self.decay = Float(decay)
      moment = context.makeArena()
      state = [context.entry("firstMoment", moment)]
    }

    func apply(_ block: BlockView) {
      block.map(moment) { update, _, moment in
        moment = decay * moment + (1 - decay) * update
        return moment < 0 ? -1 : moment > 0 ? 1 : 0
      }
    }
  }
}

struct Staircase: LearningRateSchedule {
  let rates: [Double]
  let every: Int

  func validate() throws {
    guard !rates.isEmpty, rates.allSatisfy({ $0.isFinite && $0 >= 0 }), every > 0 else {
      throw HyperparameterError(
        owner: "staircase", key: "rates", value: "\(rates)", problem: "must be numbers from 0 on")
    }
  }

  func rate(at step: Int) -> Double { rates[min(step / every, rates.count - 1)] }
}

struct Quantized: UnitProjection {
  let levels: Float

  func validate(owner: String) throws {
    guard levels >= 1, levels.isFinite else {
      throw HyperparameterError(
        owner: owner, key: "levels", value: "\(levels)", problem: "must be at least 1")
    }
  }

  func project(_ unit: inout MutableSpan<Float>) {
    var largest: Float = 0
    for index in unit.indices { largest = max(largest, unit[index].magnitude) }
    guard largest > 0 else { return }
    for index in unit.indices {
      unit[index] = (unit[index] / largest * levels).rounded() / levels * largest
    }
  }
}

/// The laws of what is added to an update.
func documentedRules() throws -> Bool {
  let schedule = Schedule.warmup(
    steps: 5, start: 0, then: Schedule(Staircase(rates: [0.1, 0.01], every: 50)))
  let layer = Linear(4, 2, constraint: .init(Quantized(levels: 2)))
  guard let constraint = layer.constraint else { return false }
  let values: [Float] = [1, 0.4, -0.8, 0.2, -3, 3, 0, 1.6]
  let once = try constraint.projected(values, shape: [2, 4])
  return try schedule.value(at: 54) == 0.1 && schedule.value(at: 55) == 0.01
    && once == [1, 0.5, -1, 0, -3, 3, 0, 1.5]
    && constraint.projected(once, shape: [2, 4]) == once
}

/// A model that is unrolled over the steps of a sequence.
struct Unrolled: Model {
  let cell = Linear(3 + 8, 8, weightInitializer: Triangular(reach: 0.3))
  let head = Linear(8, 1)

  func callAsFunction(_ input: Tensor) -> Tensor {
    var state = input.graph.constant(0, [input.shape[0], 8])
    for part in input.reshaped(to: [-1, 3]).split(axis: 1, every: 3) {
      state = cell(Tensor.concatenated([part, state], axis: 1)).tanh()
    }
    return head(state)
  }
}

/// Trains the model under the loss by the transform, and returns the first and the last loss.
func documentedExtensions() throws -> Bool {
  let data = try SyntheticData.linear(count: 64, weights: [1, -2, 0.5], seed: 3)
  let source = try ModelSource(Unrolled(), loss: AbsoluteError(), on: data, seed: 1)
  let ranks = SoloCollective()
  let rate = Schedule.warmup(steps: 5, start: 0.1, then: .cosine(initial: 0.02, steps: 60))
  let step = try TrainingStep(
    source: source,
    update: source.update(Chain(SignedMomentum(decay: 0.9), .scaleByLearningRate(rate))),
    shards: 4, on: ranks)
  var losses: [Double] = []
  for number in 0..<60 {
    losses.append(
      try step.run(
        StepBatch(step: number, epoch: 0, examples: Array(0..<64)[...], shards: 4)
      ).loss)
  }
  let report = try ModelEvaluator(source, on: data).evaluation("all", shardSize: 16, on: ranks)
    .run()
  return try losses[59] < losses[0] / 2 && report["absoluteError"] == report.loss
    && documentedRules()
}
