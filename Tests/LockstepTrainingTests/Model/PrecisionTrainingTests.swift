import LockstepCollective
import LockstepFold
import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepOptimization
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Models computed in bfloat16.
@Suite(.enabled(if: ComputeLibrary.hasBFloat16, "\(Precision.missing)"))
struct PrecisionTrainingTests {
  /// One leaf of a source: the gradient, and what was observed.
  private func leaf(_ source: ModelSource, examples: Int) throws -> [Float] {
    let leaf = Arena<Float>(count: source.layout.count)
    let batch = StepBatch(step: 0, epoch: 0, examples: Array(0..<examples)[...], shards: 1)
    let scalars = try ScalarFold(
      runs: [0..<1], metrics: source.metricNames.count, on: SoloCollective())
    try scalars.gather {
      try source.computeShard(0, of: batch, into: leaf.buffer, record: $0[0])
    }
    return leaf.values
  }

  /// The cosine of the angle between two vectors.
  private func cosine(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
    var (product, left, right) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      product += Double(x) * Double(y)
      left += Double(x) * Double(x)
      right += Double(y) * Double(y)
    }
    return product / (left * right).squareRoot()
  }

  @Test(arguments: [false, true])
  func gradientsPointWhereFloat32OnesDo(trained: Bool) throws {
    let digits = try EmbeddedData.digits().training
    var leaves: [[Float]] = []
    var layout: FlatLayout?
    for precision in Precision.allCases {
      let source = try ModelSource(
        Sequential.digitsCNN(), loss: SoftmaxCrossEntropy(), on: digits, seed: 1,
        options: PlanOptions(precision: precision))
      if trained {
        // The same weights for both: a few steps of plain descent in Float32.
        let teacher = try ModelSource(
          Sequential.digitsCNN(), loss: SoftmaxCrossEntropy(), on: digits, seed: 1)
        let step = try TrainingStep(
          source: teacher, update: try teacher.update(.sgd(learningRate: 0.05)), shards: 1,
          on: SoloCollective())
        for index in 0..<10 {
          let examples = Array(index * 64..<index * 64 + 64)
          _ = try step.run(
            StepBatch(step: index, epoch: 0, examples: examples[...], shards: 1))
        }
        _ = source.parameters.update(fromContentsOf: teacher.parameters)
        withExtendedLifetime(teacher) {}
      }
      leaves.append(try leaf(source, examples: 64))
      layout = source.layout
      #expect(source.precision == precision)
    }
    let slots = try #require(layout).slots
    let weights = slots.filter { $0.shape.count > 1 }
    #expect(weights.count == 4)
    #expect(leaves[0] != leaves[1])
    let whole = leaves.map { leaf in weights.flatMap { leaf[$0.range] }[...] }
    #expect(cosine(whole[0], whole[1]) > 0.999)
    for slot in weights {
      let found = cosine(leaves[0][slot.range], leaves[1][slot.range])
      // Rounding moves maxima that are almost equal to other places of a pooling's window.
      #expect(found > 0.995, "\(slot.name): \(found)")
    }
    // Statistics are those of rounded results, in Float32; the leaf has their sums over examples.
    for slot in slots where slot.name.contains("running") {
      for index in slot.range {
        let (a, b) = (leaves[0][index], leaves[1][index])
        #expect(abs(a - b) <= 0.01 * max(abs(a), 64), "\(slot.name): \(a), \(b)")
      }
    }
  }

  @Test(arguments: SmallModel.allCases)
  func probesTellPrecisionsApart(model: SmallModel) throws {
    func probe(_ precision: Precision, threads: Int) throws -> [String] {
      let source = try ModelSource(
        dataset: try SmallModel.dataset(count: 20), seed: 9,
        options: PlanOptions(precision: precision), threads: threads, trace: model.trace)
      return try source.probe(shardSizes: [5]).map { "\($0.fingerprint)" }
    }
    let (whole, half) = (try probe(.float32, threads: 1), try probe(.bfloat16, threads: 1))
    #expect(whole.count == 2 && zip(whole, half).allSatisfy { $0 != $1 })
    #expect(try probe(.bfloat16, threads: 2) == half)
  }

  /// Inference computes as training does.
  @Test func evaluationHasThePrecisionOfTraining() throws {
    let data = try SmallModel.dataset(count: 8)
    var outputs: [[Float]] = []
    for precision in Precision.allCases {
      let source = try ModelSource(
        dataset: data, seed: 9, options: PlanOptions(precision: precision),
        trace: SmallModel.convolutional.trace)
      source.memory.initialize(seed: 4)
      outputs.append(
        Array(try ModelEvaluator(source, on: data).compute(Array(0..<8)[...])))
    }
    let largest = outputs[0].map(abs).max()!
    let difference = zip(outputs[0], outputs[1]).map { abs($0 - $1) }.max()!
    #expect(difference > 1e-5 * largest && difference < 0.03 * largest)
  }

  @Test func aHessianFreeStepRefuses() throws {
    let source = try ModelSource(
      dataset: try SmallModel.dataset(count: 20), seed: 9,
      options: PlanOptions(precision: .bfloat16), trace: SmallModel.perceptron.trace)
    let update = try source.update(Chain())
    do {
      _ = try HessianFreeStep(source: source, update: update, shards: 1, on: SoloCollective())
      Issue.record("bfloat16 was accepted")
    } catch {
      #expect("\(error)".contains("precision is bfloat16: it must be float32"), "\(error)")
    }
  }
}
