import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepFold
import LockstepLayers
import LockstepOptimization
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Heads of attentions whose logits grow too large are scaled, alike on all ranks.
@Suite struct QueryKeyClipTests {
  /// An attention, the mean of its positions, and classes.
  struct Run: Sendable {
    var width = 48
    var heads = 2
    var bias = true
    var isCausal = false
    var rotary = false
    var rules = [ConstraintRule(.pattern("0.in_proj_*"), .qkClip(1.2))]
    var rate = 0.05
    var chain: Chain?
    var sequences: Sequences?
    var freezing = Freezing()
    var plan = PlanOptions()
    var exampleClip: ExampleClip?
    var sharpness: SharpnessAware?
    var nonFinite = NonFinitePolicy.stop
    var isSharded = false
    var threads = 1
    var microBatches = 1
    var steps = 4
    /// The weights before, in the layout's order; drawn anew where there are none.
    var before: [[Float]] = []

    struct Sequences: Sendable {
      var values: [[Float]]
      var labels: [Int32]
    }

    struct Result: Equatable, Sendable {
      var weights: [[UInt32]]
      var losses: [Double]
      var largest: [Double]
      var clipped: [Double?]
      var skipped: Int

      func floats(_ slot: Int) -> [Float] { weights[slot].map { Float(bitPattern: $0) } }
    }

    private var model: Sequential {
      Sequential([
        MultiheadAttention(
          width, heads: heads, bias: bias, isCausal: isCausal,
          rotary: rotary ? RotaryPositions(pairing: .halves) : nil),
        SequencePooling(), Linear(3),
      ])
    }

    private func examples() throws -> SequenceDataset {
      let given =
        sequences
        ?? Sequences(
          values: (0..<22).map { example -> [Float] in
            (0..<width * (1 + example * 5 % 6)).map { place -> Float in
              Float((place * 37 + example * 101 + place * place % 13) % 43) / 10 - 2
            }
          }, labels: (0..<22).map { Int32($0 * $0 % 3) })
      return try SequenceDataset(
        name: "sequences", width: width, values: given.values.flatMap { $0 },
        starts: given.values.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count / width) },
        labels: .classes(given.labels, count: 3), labelsPositions: false,
        padding: try #require(PaddedLengths([6])))
    }

    func source() throws -> ModelSource {
      try ModelSource(
        SingleInputModel(model), losses: OutputLosses(SoftmaxCrossEntropy(), metrics: []),
        on: try examples(), seed: 3, freezing: freezing, options: plan, threads: threads,
        exampleClip: exampleClip, readsLogits: rules.askForLogits, admit: { _, _ in })
    }

    func run(on group: any Collective) throws -> Result {
      let source = try source()
      let layout = source.memory.trainableLayout
      for (slot, values) in zip(layout.slots, before) {
        for (place, value) in zip(slot.range, values) { source.parameters[place] = value }
      }
      let folding = try FoldPlan(shards: 8, of: source, on: group)
      let rule = try UpdateRule(
        layout: layout, chain: chain ?? .sgd(learningRate: .constant(rate)),
        constraints: try source.constraints(by: rules),
        owning: isSharded ? folding.gradientBlocks(ofRank: group.rank) : nil)
      let step = try TrainingStep(
        source: source, update: rule, sharpness: sharpness, nonFinite: nonFinite, shards: 8,
        on: group)
      var result = Result(weights: [], losses: [], largest: [], clipped: [], skipped: 0)
      let place = source.metricNames.firstIndex(of: "largestLogit")
      for index in 0..<steps {
        let report = try step.run(
          StepBatch(
            step: index, epoch: 0, examples: Array(0..<source.exampleCount!)[...], shards: 8,
            microBatches: microBatches))
        result.losses.append(report.loss)
        result.largest.append(place.map { report.metrics[$0] } ?? .nan)
        result.clipped.append(report.update.headClip?.fraction)
        if report.skipped != nil { result.skipped += 1 }
      }
      try group.barrier()
      result.weights = layout.slots.map { bits(source.parameters[$0.range]) }
      return result
    }
  }

  // MARK: The definition

  private static func file() throws -> ReferenceFile {
    try ReferenceFile("LockstepTestSupport/Data/qk-clip.safetensors")
  }

  /// Six steps of every case of `scripts/reference/qk_clip.py`: weights, losses, and the largest logits.
  @Test func everyStepIsThatOfTheFormulasInDouble() throws {
    let file = try Self.file()
    #expect(file.descriptions.count == 7)
    for description in file.descriptions {
      let name = try #require(description.text("name"))
      let bias = description.flag("bias")
      let (values, lengths) = (
        try file.tensor("\(name)/values"), try file.tensor("\(name)/lengths").values
      )
      var run = Run(
        width: 8, heads: try #require(description.integer("heads")), bias: bias,
        isCausal: description.flag("causal"), rotary: description.flag("rotary"))
      run.rate = Double(try #require(description.float("rate"))) == 0 ? 0 : 0.3
      run.steps = try #require(description.integer("steps"))
      run.rules = [
        ConstraintRule(
          .pattern("0.in_proj_*"),
          .qkClip(
            try #require(description.float("threshold")),
            alpha: try #require(description.float("alpha"))))
      ]
      run.sequences = Run.Sequences(
        values: lengths.indices.map { example in
          let start = example * values.shape[1] * 8
          return values.values[start..<start + Int(lengths[example]) * 8].map { Float($0) }
        }, labels: try file.tensor("\(name)/labels").values.map { Int32($0) })
      let names = try run.source().memory.trainableLayout.slots.map(\.name)
      run.before = try names.map {
        try file.tensor("\(name)/before/\($0)").values.map { Float($0) }
      }
      let found = try run.run(on: SoloCollective())
      let logits = try file.tensor("\(name)/logits")
      let losses = try file.tensor("\(name)/losses").values
      for step in 0..<run.steps {
        let heads = logits.values[step * run.heads..<(step + 1) * run.heads]
        let largest = try #require(heads.max())
        #expect(abs(found.largest[step] - largest) < 1e-5 * largest, "\(name), step \(step)")
        #expect(abs(found.losses[step] - losses[step]) < 1e-5, "\(name), step \(step)")
        let threshold = Double(try #require(description.float("threshold")))
        #expect(
          found.clipped[step] == Double(heads.count { $0 > threshold }) / Double(run.heads),
          "\(name), step \(step)")
      }
      for (slot, tensor) in names.enumerated() {
        let expected = try file.tensor("\(name)/after/\(tensor)")
        let values = HostTensor(expected.shape, found.floats(slot).map(Double.init))
        #expect(deviation(values, from: expected) < 3e-6, "\(name), \(tensor)")
      }
    }
  }

  // MARK: Bits

  /// The rows of the second head's keys lie in two blocks, which ranks share out.
  @Test(arguments: [false, true])
  func anyNumberOfRanksGivesTheSameBits(isSharded: Bool) throws {
    var run = Run()
    let expected = try run.run(on: SoloCollective())
    #expect(expected.clipped.contains { $0 ?? 0 > 0 })
    run.rules = []
    let free = try run.run(on: SoloCollective())
    #expect(free.weights != expected.weights)
    run = Run(isSharded: isSharded)
    for ranks in [1, 2, 3, 5] {
      for threads in [1, 2] {
        run.threads = threads
        let shared = run
        for result in try group(of: ranks, { try shared.run(on: $0) }) {
          #expect(result == expected, "\(ranks) ranks, \(threads) threads")
        }
      }
    }
  }

  /// A maximum is that of the whole batch, whatever micro-batches it is computed in.
  @Test func microBatchesHaveTheirOwnLargestLogit() throws {
    var run = Run()
    let whole = try run.run(on: SoloCollective())
    run.microBatches = 3
    let parts = run
    let alone = try parts.run(on: SoloCollective())
    #expect(alone.largest[0] == whole.largest[0] && alone.clipped == whole.clipped)
    for result in try group(of: 3, { try parts.run(on: $0) }) { #expect(result == alone) }
  }

  /// Muon takes the matrix whole, AdamW the bias; averages of rotations, causal positions, and the limits of
  /// single examples' gradients go along.
  @Test(arguments: 0..<5)
  func otherStepsGiveTheSameBits(number: Int) throws {
    var run = Run()
    switch number {
    case 0: run.chain = .muon(learningRate: 0.02)
    case 1: (run.isCausal, run.rotary, run.chain) = (true, true, .adamW(learningRate: 0.01))
    case 2: run.exampleClip = ExampleClip(norm: 0.1)
    case 3: run.sharpness = .init(radius: 0.1)
    default:
      run.chain = .scheduleFreeAdamW(learningRate: 0.01)
      run.bias = false
    }
    let expected = try run.run(on: SoloCollective())
    #expect(expected.clipped.contains { $0 ?? 0 > 0 }, "\(number)")
    for isSharded in [false, true] {
      run.isSharded = isSharded
      let shared = run
      for result in try group(of: 3, { try shared.run(on: $0) }) {
        #expect(result == expected, "\(number), sharded: \(isSharded)")
      }
    }
  }

  @Test(.enabled(if: ComputeLibrary.hasBFloat16, "this processor has no AVX-512 BF16"))
  func bfloat16GivesTheSameBits() throws {
    var run = Run()
    run.plan.precision = .bfloat16
    let expected = try run.run(on: SoloCollective())
    #expect(expected.clipped.contains { $0 ?? 0 > 0 })
    run.isSharded = true
    let shared = run
    for result in try group(of: 3, { try shared.run(on: $0) }) { #expect(result == expected) }
  }

  // MARK: Laws

  @Test func aHugeThresholdChangesNothing() throws {
    var run = Run(rules: [ConstraintRule(.pattern("0.in_proj_*"), .qkClip(1e30))])
    let clipped = try run.run(on: SoloCollective())
    run.rules = []
    let free = try run.run(on: SoloCollective())
    #expect(clipped.weights == free.weights && clipped.losses == free.losses)
    #expect(clipped.clipped.allSatisfy { $0 == 0 } && free.clipped.allSatisfy { $0 == nil })
    #expect(clipped.largest.allSatisfy { $0 > 0 && $0.isFinite })
  }

  /// Where nothing but the clip moves the weights, the same batch has no logit above the threshold afterwards,
  /// and a second clip finds nothing to do.
  @Test(arguments: [Float(0.5), 0, 1, 0.3])
  func oneClipBringsTheBatchToTheThreshold(alpha: Float) throws {
    var run = Run(rules: [], rate: 0)
    let start = try run.run(on: SoloCollective())
    run.rules = [ConstraintRule(.pattern("0.in_proj_*"), .qkClip(0.8, alpha: alpha))]
    let found = try run.run(on: SoloCollective())
    #expect(found.largest[0] > 0.9 && found.clipped[0] == 1)
    for step in 1..<run.steps {
      #expect(abs(found.largest[step] - 0.8) < 1e-5)
    }
    // Values keep their bits.
    let values = 2 * 48 * 48
    #expect(found.weights[0][values...] == start.weights[0][values...])
    #expect(found.weights[0][..<values] != start.weights[0][..<values])
    let parts = [0..<48 * 48, 48 * 48..<values]
    for (part, exponent) in zip(parts, [alpha, 1 - alpha]) where exponent == 0 {
      #expect(found.weights[0][part] == start.weights[0][part])
    }
  }

  /// Scaling a part of what makes a head's queries and keys would not scale its logits.
  @Test(arguments: [("0.in_proj_bias", "0.in_proj_weight"), ("0.in_proj_weight", "0.in_proj_bias")])
  func headsThatAreFrozenInPartAreRefused(frozen: String, moving: String) throws {
    var run = Run(rules: [], rate: 0, freezing: Freezing(parameters: [frozen]))
    for pattern in [moving, "0.in_proj_*"] {
      run.rules = [ConstraintRule(.pattern(pattern), .qkClip(0.8))]
      let error = #expect(throws: HyperparameterError.self) { try run.run(on: SoloCollective()) }
      #expect(error?.problem.contains("and \(frozen) is frozen") == true, "\(error?.problem ?? "")")
    }
    run.freezing = Freezing(parameters: ["0.in_proj_*"])
    #expect(throws: HyperparameterError.self) { try run.run(on: SoloCollective()) }
    // Of what moves nothing makes heads: the error says where these are.
    run.rules = [ConstraintRule(.pattern("0.out_proj.weight"), .qkClip(0.8))]
    let error = #expect(throws: HyperparameterError.self) { try run.run(on: SoloCollective()) }
    #expect(error?.problem.contains("the model's are frozen: 0.in_proj_") == true)
  }

  /// Eight sequences, of which one makes logits that are not finite.
  private static let overflowing: Run.Sequences = {
    var sequences = Run.Sequences(values: [], labels: [])
    for example in 0..<8 {
      var values = [Float](repeating: 3e38, count: 48 * 2)
      if example != 5 {
        for place in values.indices {
          values[place] = Float((place * 7 + example) % 11) / 5 - 1
        }
      }
      sequences.values.append(values)
      sequences.labels.append(Int32(example % 3))
    }
    return sequences
  }()

  /// A step whose logits are not finite changes nothing, and says so.
  @Test func aStepThatIsNotFiniteChangesNothing() throws {
    var run = Run(sequences: Self.overflowing, nonFinite: .skip(limit: 5))
    run.steps = 2
    let found = try run.run(on: SoloCollective())
    #expect(found.skipped == 2)
    #expect(found.clipped == [nil, nil])
    run.steps = 0
    let start = try run.run(on: SoloCollective())
    #expect(start.weights == found.weights)
  }

  /// Shards that are taken out do not count, whatever their logits are.
  @Test func shardsThatAreTakenOutDoNotCount() throws {
    var run = Run(sequences: Self.overflowing, nonFinite: .sanitize(.shards))
    let expected = try run.run(on: SoloCollective())
    for (logit, share) in zip(expected.largest, expected.clipped) {
      #expect(logit.isFinite)
      #expect(share != nil)
    }
    run.isSharded = true
    let shared = run
    for result in try group(of: 3, { try shared.run(on: $0) }) { #expect(result == expected) }
  }

  // MARK: Refusals

  @Test func aSourceThatReadsNoLogitsIsRefused() throws {
    var run = Run(rules: [])
    let source = try run.source()
    run.rules = [ConstraintRule(.pattern("0.in_proj_*"), .qkClip(1))]
    let layout = source.memory.trainableLayout
    let rule = try UpdateRule(
      layout: layout, chain: .sgd(),
      constraints: try ConstraintRule.resolve(
        run.rules, specifications: source.memory.specifications, layout: layout))
    do {
      _ = try TrainingStep(source: source, update: rule, shards: 4, on: SoloCollective())
      Issue.record("a source without logits was taken")
    } catch { #expect("\(error)".contains("does not read the largest logits of 2 heads")) }
  }
}
