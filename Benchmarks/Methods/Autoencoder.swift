import LockstepCollective
import LockstepFold
import Glibc
import Lockstep
import LockstepEngine
import LockstepTraining

/// 784-256-128-64-16-64-128-256-784 with sigmoid units.
struct Autoencoder: Model {
  let layers: [Linear]

  init() {
    let widths = [784, 256, 128, 64, 16, 64, 128, 256, 784]
    layers = zip(widths, widths.dropFirst()).map {
      Linear($0, $1, weightInitializer: VarianceScaling.glorot(gain: 4))
    }
  }

  func callAsFunction(_ input: Tensor) -> Tensor {
    var x = input.flattened()
    for layer in layers.dropLast() { x = layer(x).sigmoid() }
    return layers[layers.count - 1](x)
  }
}

/// Trains the autoencoder on the embedded digits by several methods for equal times.
///
/// The objective is the cross-entropy of an image, summed over its pixels, mean over the 4,000
/// training images. Times are the processor's, of one thread: those of a machine that does nothing else.
/// A gradient-equivalent is the cost of one gradient over all of them; products,
/// probes and losses count by their times, measured first.
struct AutoencoderComparison {
  let seconds: Double
  /// What to compare; all three where none is named.
  var methods = ["hessian-free", "momentum", "adam"]

  private struct Costs {
    let product: Double
    let probe: Double
    let loss: Double
  }

  func run() throws {
    print("method\tsetting\tseconds\tgradients\tloss")
    // Tuned over these grids, each setting for a quarter of the time; the best one runs in full.
    if methods.contains("hessian-free") {
      let costs = try measure()
      print(
        "# gradient-equivalents: product \(costs.product), probe \(costs.probe), "
          + "loss \(costs.loss)")
      let sizes = [(all, 1000), (1000, 1000), (1000, 250)]
      try tune(
        "hessian-free",
        [0.01, 0.1, 1].flatMap { damping in
          sizes.map { Curvature(damping: damping, gradient: $0.0, products: $0.1) }
        }
      ) { try hessianFree($0, costs, for: $1, silent: $2) }
    }
    if methods.contains("momentum") {
      try tune(
        "momentum",
        [1e-4, 3e-4, 1e-3, 3e-3].flatMap { rate in
          [0.9, 0.99].map {
            First("\(rate) \($0)", .sgd(learningRate: .constant(rate), momentum: $0))
          }
        }
      ) { try descend("momentum", $0, for: $1, silent: $2) }
    }
    if methods.contains("adam") {
      try tune(
        "adam",
        [3e-4, 1e-3, 3e-3, 1e-2].map { First("\($0)", .adam(learningRate: .constant($0))) }
      ) { try descend("adam", $0, for: $1, silent: $2) }
    }
  }

  /// A setting of a first-order method.
  private struct First: CustomStringConvertible {
    let description: String
    let chain: Chain

    init(_ name: String, _ chain: Chain) {
      description = name
      self.chain = chain
    }
  }

  /// A setting of the Hessian-free step: its first λ, and the examples of its gradients and products.
  private struct Curvature: CustomStringConvertible {
    let damping: Double
    let gradient: Int
    let products: Int
    var description: String { "\(damping) \(gradient)/\(products)" }
  }

  private func source() throws -> ModelSource {
    let model = Autoencoder()
    let source = try ModelSource(
      dataset: try EmbeddedData.digits(normalization: .init(mean: [0], deviation: [1])).training,
      seed: 1
    ) { count, training in
      let traced = try trace(
        model, inputShape: [1, 28, 28], batchCount: count, training: training)
      let pixels = traced.input.flattened()
      return Objective(
        loss: traced.output.binaryCrossEntropy(targets: pixels), output: traced.output)
    }
    source.memory.initialize(seed: 1)
    return source
  }

  private let all = 4000
  private func batch(_ step: Int, _ examples: [Int]) -> StepBatch {
    StepBatch(step: step, epoch: 0, examples: examples[...], shards: 8)
  }

  /// Times of the parts of a Hessian-free step over the time of a gradient, the least of five each.
  private func measure() throws -> Costs {
    let source = try source()
    // A step sets the flush-to-zero mode.
    let step = try TrainingStep(
      source: source, update: try source.update(.sgd(learningRate: 1e-4)), shards: 8,
      on: SoloCollective())
    _ = try step.run(batch(0, Array(0..<64)))
    let plan = try FoldPlan(shards: 8, ranks: 1, layout: source.layout)
    let partial = Arena<Float>(count: source.layout.count)
    let accumulator = ShardAccumulator(plan, rank: 0)
    let fold = try ScalarFold(runs: plan.shardRuns, metrics: 0, on: SoloCollective())
    let batch = batch(0, Array(0..<all))
    func time(_ body: (ShardRecords) throws -> Void) throws -> Double {
      var best = Double.infinity
      for _ in 0..<6 {
        let start = processorSeconds()
        try fold.gather(body)
        best = min(best, processorSeconds() - start)
      }
      return best
    }
    let gradient = try time {
      try source.computeShards(
        of: batch, into: [partial.buffer], records: $0, accumulator: accumulator)
    }
    print("# one gradient over \(all) examples: \(gradient) s")
    return Costs(
      product: try time {
        try source.computeProducts(
          of: batch, dampingStates: 0, into: [partial.buffer], records: $0,
          accumulator: accumulator, repeated: true)
      } / gradient,
      probe: try time {
        try source.computeSquaredProbes(
          of: batch, draw: 0, into: [partial.buffer], records: $0, accumulator: accumulator)
      } / gradient,
      loss: try time { try source.computeLosses(of: batch, records: $0) } / gradient)
  }

  /// Runs every setting for a quarter of the time, and the one with the lowest loss in full.
  private func tune<Setting: CustomStringConvertible>(
    _ name: String, _ settings: [Setting],
    _ run: (_ setting: Setting, _ seconds: Double, _ silent: Bool) throws -> Double
  ) throws {
    var best: (loss: Double, setting: Int) = (.infinity, 0)
    for index in settings.indices {
      let loss = try run(settings[index], seconds / 4, true)
      print("# \(name) \(settings[index]): \(loss) after \(seconds / 4) s")
      if loss < best.loss { best = (loss, index) }
    }
    _ = try run(settings[best.setting], seconds, false)
  }

  private func hessianFree(
    _ setting: Curvature, _ costs: Costs, for limit: Double, silent: Bool
  ) throws -> Double {
    let source = try source()
    var options = HessianFreeOptions()
    options.damping = setting.damping
    options.curvatureExamples = setting.products
    options.iterations = 100
    let step = try HessianFreeStep(
      source: source,
      update: try UpdateRule(layout: source.memory.trainableLayout, chain: Chain()),
      options: options, shards: 8, on: SoloCollective())
    let sampler = try Sampler(count: all, batchSize: setting.gradient, seed: 1)
    let (whole, part) = (
      Double(setting.gradient) / Double(all), Double(setting.products) / Double(all)
    )
    var (elapsed, gradients, loss) = (0.0, 0.0, Double.infinity)
    while elapsed < limit {
      let start = processorSeconds()
      _ = try step.run(batch(step.completed, Array(try sampler.batch())))
      sampler.advance()
      elapsed += processorSeconds() - start
      let details = step.details
      gradients +=
        whole * (1 + costs.loss * Double(details.losses))
        + part * (costs.probe + costs.product * Double(details.products))
      loss = try self.loss(of: source, step.plan)
      if !silent { report("hessian-free", "\(setting)", elapsed, gradients, loss) }
    }
    return loss
  }

  private func descend(
    _ name: String, _ setting: First, for limit: Double, silent: Bool
  ) throws -> Double {
    let source = try source()
    let step = try TrainingStep(
      source: source, update: try source.update(setting.chain), shards: 8, on: SoloCollective())
    let size = 200
    let sampler = try Sampler(count: all, batchSize: size, seed: 1)
    var (elapsed, loss) = (0.0, Double.infinity)
    while elapsed < limit {
      let start = processorSeconds()
      do {
        for _ in 0..<all / size {
          _ = try step.run(batch(step.completed, Array(try sampler.batch())))
          sampler.advance()
        }
      } catch is NonFiniteError { return .infinity }
      elapsed += processorSeconds() - start
      loss = try self.loss(of: source, step.plan)
      if !silent {
        report(
          name, setting.description, elapsed,
          Double(step.completed) * Double(size) / Double(all), loss)
      }
    }
    return loss
  }

  /// The objective on all images; its time counts for no method.
  private func loss(of source: ModelSource, _ plan: FoldPlan) throws -> Double {
    let losses = try ScalarFold(runs: plan.shardRuns, metrics: 0, on: SoloCollective())
    try losses.gather { try source.computeLosses(of: batch(0, Array(0..<all)), records: $0) }
    return losses.total.loss / losses.total.weight
  }

  private func report(
    _ name: String, _ setting: String, _ seconds: Double, _ gradients: Double, _ loss: Double
  ) {
    print("\(name)\t\(setting)\t\(seconds)\t\(gradients)\t\(loss)")
  }
}

/// The processor's time that this program has had.
private func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
