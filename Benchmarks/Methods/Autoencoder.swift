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

  private struct Costs {
    let product: Double
    let probe: Double
    let loss: Double
  }

  func run() throws {
    let costs = try measure()
    print(
      "# gradient-equivalents: product \(costs.product), probe \(costs.probe), "
        + "loss \(costs.loss)")
    print("method\tsetting\tseconds\tgradients\tloss")
    for examples in [1000, 4000] { try hessianFree(examples, costs) }
    // Tuned over these grids, each setting for a quarter of the time; the best one runs in full.
    let rates = [1e-4, 3e-4, 1e-3, 3e-3]
    try tuned(
      "momentum",
      rates.flatMap { rate in
        [0.9, 0.99].map {
          (
            "\(rate) \($0)",
            Chain.sgd(learningRate: .constant(rate), momentum: $0)
          )
        }
      })
    try tuned(
      "adam", [3e-4, 1e-3, 3e-3, 1e-2].map { ("\($0)", Chain.adam(learningRate: .constant($0))) })
  }

  private func source() throws -> ModelSource {
    let model = Autoencoder()
    let source = try ModelSource(
      dataset: try EmbeddedData.digits(normalization: .init(mean: [0], deviation: [1])).training,
      seed: 1
    ) { count, training in
      let trace = try Lockstep.trace(
        model, inputShape: [1, 28, 28], batchCount: count, training: training)
      let pixels = trace.input.flattened()
      return Objective(
        loss: trace.output.binaryCrossEntropy(targets: pixels), output: trace.output)
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
    let fold = ScalarFold(runs: plan.shardRuns, metrics: 0, on: SoloCollective())
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
          of: batch, into: [partial.buffer], records: $0, accumulator: accumulator, repeated: true)
      } / gradient,
      probe: try time {
        try source.computeSquaredProbes(
          of: batch, draw: 0, into: [partial.buffer], records: $0, accumulator: accumulator)
      } / gradient,
      loss: try time { try source.computeLosses(of: batch, records: $0) } / gradient)
  }

  private func hessianFree(_ examples: Int, _ costs: Costs) throws {
    let source = try source()
    var options = HessianFreeOptions()
    options.damping = 10
    options.curvatureExamples = examples
    options.iterations = 100
    let step = try HessianFreeStep(
      source: source,
      update: ChainUpdate(try UpdateRule(layout: source.memory.trainableLayout, chain: Chain())),
      options: options, shards: 8, on: SoloCollective())
    let part = Double(examples) / Double(all)
    var (elapsed, gradients) = (0.0, 0.0)
    while elapsed < seconds {
      let start = processorSeconds()
      _ = try step.run(batch(step.completed, Array(0..<all)))
      elapsed += processorSeconds() - start
      let details = step.details
      gradients +=
        1 + costs.loss * Double(details.losses)
        + part * (costs.probe + costs.product * Double(details.products))
      report("hessian-free", "\(examples)", elapsed, gradients, details.newObjective)
    }
  }

  private func tuned(_ name: String, _ settings: [(name: String, chain: Chain)]) throws {
    var best: (loss: Double, setting: Int) = (.infinity, 0)
    for index in settings.indices {
      let loss = try descend(name, settings[index], for: seconds / 4, silent: true)
      print("# \(name) \(settings[index].name): \(loss) after \(seconds / 4) s")
      if loss < best.loss { best = (loss, index) }
    }
    _ = try descend(name, settings[best.setting], for: seconds, silent: false)
  }

  private func descend(
    _ name: String, _ setting: (name: String, chain: Chain), for limit: Double, silent: Bool
  ) throws -> Double {
    let source = try source()
    let step = try TrainingStep(
      source: source, update: try source.update(setting.chain), shards: 8, on: SoloCollective())
    let size = 200
    let sampler = try Sampler(count: all, batchSize: size, seed: 1)
    let losses = ScalarFold(
      runs: step.plan.shardRuns, metrics: 0, on: SoloCollective())
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
      try losses.gather {
        try source.computeLosses(of: batch(0, Array(0..<all)), records: $0)
      }
      loss = losses.total.loss / losses.total.weight
      if !silent {
        report(
          name, setting.name, elapsed, Double(step.completed) * Double(size) / Double(all), loss)
      }
    }
    return loss
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
