import LockstepCollective
import LockstepEngine
import LockstepFold
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct SharpnessAscentTests {
  struct Run: Sendable {
    var sharpness: SharpnessAware?
    var chain: Chain = .sgd(learningRate: 0.05)
    var isSharded = false
    var steps = 4

    static func batch(_ step: Int) -> StepBatch {
      StepBatch(
        step: step, epoch: 0, examples: Array(step * 1000..<step * 1000 + 29)[...], shards: 8)
    }

    /// Statistics follow the parameters, so that it shows where they were taken.
    func run(on group: any Collective) throws -> Trace {
      let source = LinearRegression()
      let mean = source.layout.slots[2].offset
      source.tamper = { [unowned source] in
        $0.values[mean] = Float($0.record.examples) * source.parameters[0]
      }
      let plan = try FoldPlan(shards: 8, of: source, on: group)
      let rule = try UpdateRule(
        layout: regressionParameters, chain: chain,
        owning: isSharded ? plan.gradientBlocks(ofRank: group.rank) : nil)
      let step = try TrainingStep(
        source: source, update: rule, sharpness: sharpness, shards: 8, on: group)
      var trace = Trace()
      for index in 0..<steps { trace.reports.append(try step.run(Self.batch(index))) }
      trace.parameters = bits(source.parameterValues)
      trace.values = source.parameterValues
      trace.runningMean = bits(source.runningMean)
      return trace
    }
  }

  /// The definition in Double: w − η g(w + e(w)); loss, metric and statistics are those at w.
  @Test(arguments: [false, true])
  func theStepTakesTheGradientUphill(isAdaptive: Bool) throws {
    let radius = 0.5
    let trace = try Run(sharpness: .init(radius: radius, isAdaptive: isAdaptive))
      .run(on: SoloCollective())
    let slots = regressionParameters.slots
    let values = Array(slots[0].range) + Array(slots[1].range)
    var w = LinearRegression().parameterValues.map(Double.init)
    var mean = 0.0
    func evaluate(_ w: [Double], _ step: Int) -> (loss: Double, gradient: [Double]) {
      var gradient = [Double](repeating: 0, count: w.count)
      var (loss, total) = (0.0, 0.0)
      for number in Run.batch(step).examples {
        let (x, t, factor) = LinearRegression.example(number)
        for o in 0..<LinearRegression.outputs {
          var error = w[slots[1].offset + o] - Double(t[o])
          let row = slots[0].offset + o * LinearRegression.inputs
          for i in x.indices { error += w[row + i] * Double(x[i]) }
          for i in x.indices { gradient[row + i] += Double(factor) * error * Double(x[i]) }
          gradient[slots[1].offset + o] += Double(factor) * error
          loss += Double(factor) * error * error / 2
        }
        total += Double(factor)
      }
      return (loss / total, gradient.map { $0 / total })
    }
    for step in 0..<4 {
      let here = evaluate(w, step)
      let scales = w.map { isAdaptive ? $0 : 1 }
      let norm = values.reduce(0) {
        $0 + (scales[$1] * here.gradient[$1] * scales[$1] * here.gradient[$1])
      }
      .squareRoot()
      let there = evaluate(
        w.indices.map { w[$0] + radius * scales[$0] * scales[$0] * here.gradient[$0] / norm }, step)
      let report = trace.reports[step]
      #expect(abs(report.loss - here.loss) < 1e-5 * here.loss)
      let length = values.reduce(0) { $0 + there.gradient[$1] * there.gradient[$1] }.squareRoot()
      #expect(abs(report.update.gradientNorm - length) < 1e-5 * length)
      mean = 0.9 * mean + 0.1 * w[0]
      for i in values { w[i] -= 0.05 * there.gradient[i] }
    }
    for i in values { #expect(abs(Double(trace.values[i]) - w[i]) < 1e-5 * max(abs(w[i]), 1)) }
    #expect(abs(Double(Float(bitPattern: trace.runningMean[0])) - mean) < 1e-6)
  }

  @Test(arguments: [false, true])
  func anyNumberOfRanksGivesTheSameBits(isAdaptive: Bool) throws {
    for chain in [Chain(ClipByGlobalNorm(0.1)) + .adamW(), .scheduleFreeAdamW()] {
      var run = Run(sharpness: .init(radius: 0.3, isAdaptive: isAdaptive), chain: chain)
      let alone = try run.run(on: SoloCollective())
      for isSharded in [false, true] {
        run.isSharded = isSharded
        let shared = run
        for ranks in [1, 2, 3, 5, 8] {
          for trace in try group(of: ranks, { try shared.run(on: $0) }) {
            #expect(trace == alone, "\(ranks) ranks, sharded: \(isSharded)")
          }
        }
      }
    }
  }

  /// A radius of 0 looks nowhere else.
  @Test func noRadiusIsTheOrdinaryStep() throws {
    let plain = try Run().run(on: SoloCollective())
    #expect(try Run(sharpness: .init(radius: 0)).run(on: SoloCollective()) == plain)
    #expect(try Run(sharpness: .init()).run(on: SoloCollective()) != plain)
  }

  /// Where the gradient uphill is not finite the step is skipped, and the parameters are where they were.
  @Test func aStepThatFailsUphillChangesNothing() throws {
    for ranks in [1, 3] {
      _ = try group(of: ranks) { group in
        let source = LinearRegression()
        let start = source.parameterValues
        source.tamper = { [unowned source] in
          if source.parameters[0] != start[0] { $0.values[0] = .nan }
        }
        let step = try TrainingStep(
          source: source, update: try UpdateRule(layout: regressionParameters, chain: .adam()),
          sharpness: .init(), nonFinite: .skip(limit: 3), shards: 8, on: group)
        let report = try step.run(Run.batch(0))
        #expect(report.skipped != nil)
        #expect(bits(source.parameterValues) == bits(start))
        #expect(step.completed == 1)
      }
    }
  }
}
