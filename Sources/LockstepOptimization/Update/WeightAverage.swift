import LockstepCatalog
internal import CLockstepKernels
import LockstepEngine

/// An exponential average of the weights: a ← a + (1 − d)(p − a) behind every update and its
/// constraints.
///
/// The first averaged update copies the weights. (PyTorch's `AveragedModel` with
/// `get_ema_multi_avg_fn`; Keras's `use_ema`.) With a warm-up the n-th averaged update after the
/// first, n = 1, 2, …, has d = min(decay, (1 + n)/(10 + n)), so that early weights are forgotten
/// fast. (TensorFlow's `ExponentialMovingAverage` with `num_updates`.)
public struct WeightAverage: Sendable, Equatable {
  /// d, the weight of the past.
  package let decay: Double
  /// Whether the decay rises to its value.
  package let warmsUp: Bool
  /// The number of updates before the first that is averaged.
  package let start: Int
  /// Whether all averaged weights count alike, whatever the decay.
  package let isEqual: Bool
  /// After how many updates each time the weights are averaged.
  package let interval: Int

  /// Makes an average with these numbers; PyTorch's decay by default.
  public init(decay: Double = 0.999, warmsUp: Bool = false, start: Int = 0) {
    self.init(decay: decay, warmsUp: warmsUp, start: start, isEqual: false, interval: 1)
  }

  package init(decay: Double, warmsUp: Bool, start: Int, isEqual: Bool, interval: Int) {
    self.decay = decay
    self.warmsUp = warmsUp
    self.start = start
    self.isEqual = isEqual
    self.interval = interval
  }

  /// The mean of the weights behind updates `start` + `every`, `start` + 2 `every` and so on: stochastic
  /// weight averaging. (Izmailov et al. 2018; PyTorch's `AveragedModel` as it is.)
  public static func equal(start: Int = 0, every interval: Int = 1) -> WeightAverage {
    WeightAverage(decay: 0, warmsUp: false, start: start, isEqual: true, interval: interval)
  }

  /// Throws a ``HyperparameterError`` where a number makes no sense.
  package func validate() throws {
    try HyperparameterRange.decayRate.check("weight average", "decay", decay)
    try HyperparameterRange.integer(atLeast: 0).check("weight average", "start", Double(start))
    try HyperparameterRange.integer(atLeast: 1).check("weight average", "every", Double(interval))
  }

  /// The keys of a configuration.
  package static let form: Form = {
    let usual = WeightAverage()
    return Form(
      "average",
      [
        .with(
          "decay", .decayRate, .number(usual.decay), "d in a ← a + (1 − d)(p − a)"),
        .with("warmup", .boolean, false, "whether the decay rises to its value"),
        .with(
          "start", .count(from: 0), 0,
          "the number of updates before the first that is averaged"),
        .with("equal", .boolean, false, "whether all count alike, whatever the decay (SWA)"),
        .with("every", .count(from: 1), 1, "the number of updates from one to the next"),
      ], number: "decay")
  }()

  /// Makes an average from a configuration's values.
  package init(_ values: Hyperparameters) {
    self.init(
      decay: values["decay"], warmsUp: values["warmup"], start: values["start"],
      isEqual: values["equal"], interval: values["every"])
  }

  /// d of an averaged update, counted from 0; the first takes the weights as they are.
  func decay(at update: Int) -> Double {
    if update == 0 { return 0 }
    let count = Double(update)
    if isEqual { return count / (count + 1) }
    return warmsUp ? min(decay, (1 + count) / (10 + count)) : decay
  }
}

/// An average at work on one layout.
final class BoundAverage {
  private let rule: WeightAverage
  private let kernels: Kernels
  let arena: Arena<Float>
  private let counter = Arena<Int64>(count: 1)
  let state: [StateEntry]
  /// 1 − d of this update; nil where it is not averaged.
  private var rate: Float?

  init(_ rule: WeightAverage, _ context: TransformContext) {
    self.rule = rule
    kernels = context.kernels
    arena = context.makeArena()
    state = [
      context.entry("average.weights", arena),
      StateEntry("average.updates", .integers(counter.buffer)),
    ]
  }

  /// The number of updates averaged.
  var count: Int { Int(counter.base[0]) }

  /// Starts an update, counted from 1.
  func begin(update: Int) {
    let isDue = update > rule.start && (update - rule.start) % rule.interval == 0
    rate = isDue ? Float(1 - rule.decay(at: count)) : nil
  }

  /// Takes a run of final values in.
  func add(_ parameters: UnsafePointer<Float>, at offset: Int, count: Int) {
    guard let rate else { return }
    if rate == 1 {
      (arena.base + offset).update(from: parameters + offset, count: count)
    } else {
      kernels.update.average(arena.base + offset, parameters + offset, rate, count)
    }
  }

  /// Counts an update that was averaged.
  func commit() { if rate != nil { counter.base[0] += 1 } }
}
