import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepFold
import LockstepLayers
import LockstepOptimization
import LockstepState
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Layers whose weights are computed from other parameters are trained as PyTorch trains them, alike on all ranks.
@Suite struct ParametrizedWeightsTests {
  /// The models of `scripts/reference/parametrizations.py`.
  static let models: [(name: String, layers: [any Model])] = [
    (
      "weight-norm",
      [
        Conv2d(6, kernel: 3, padding: 1, parametrization: .weightNorm), Tanh(),
        Conv2d(
          4, kernel: [3, 2], stride: 2, groups: 2, bias: false, parametrization: .weightNorm),
        Flatten(), Linear(5, parametrization: .weightNorm), Tanh(),
        Linear(3, parametrization: .weightNorm),
      ]
    ),
    (
      "weight-standardization",
      [
        Conv2d(6, kernel: 3, padding: 1, parametrization: .weightStandardization), GroupNorm(2),
        Tanh(),
        Conv2d(
          4, kernel: [3, 2], stride: 2, groups: 2, bias: false,
          parametrization: .weightStandardization), Flatten(),
        Linear(5, parametrization: .weightStandardization), Tanh(), Linear(3),
      ]
    ),
    (
      "series",
      [
        Conv1d(4, kernel: 3, parametrization: .weightNorm), Tanh(),
        Conv1d(8, kernel: 2, dilation: 2, groups: 2, parametrization: .weightStandardization),
        Tanh(), Flatten(), Linear(3),
      ]
    ),
    (
      "positions",
      [
        Linear(6, bias: false, parametrization: .weightNorm), Tanh(),
        Linear(4, parametrization: .weightStandardization), Tanh(), Flatten(),
        Linear(3, parametrization: .weightNorm),
      ]
    ),
    (
      "spectral-norm",
      [
        Conv2d(6, kernel: 3, padding: 1, parametrization: .spectralNorm), Tanh(),
        Conv2d(
          4, kernel: [3, 2], stride: 2, groups: 2, bias: false, parametrization: .spectralNorm),
        Flatten(), Linear(5, parametrization: .spectralNorm), Tanh(),
        Linear(3, parametrization: .spectralNorm),
      ]
    ),
    (
      "transposed",
      [
        ConvTranspose2d(6, kernel: 3, stride: 2, groups: 2, parametrization: .spectralNorm), Tanh(),
        ConvTranspose2d(4, kernel: 2, groups: 2, bias: false, parametrization: .weightNorm), Tanh(),
        ConvTranspose2d(2, kernel: [2, 3], parametrization: .weightStandardization), Tanh(),
        Conv2d(2, kernel: 3, stride: 2, parametrization: .spectralNorm), Flatten(), Linear(3),
      ]
    ),
    (
      "spectral-series",
      [
        Conv1d(4, kernel: 3, parametrization: .spectralNorm), Tanh(),
        Conv1d(8, kernel: 2, dilation: 2, groups: 2, parametrization: .spectralNorm), Tanh(),
        Flatten(), Linear(3),
      ]
    ),
  ]

  private static let folder = "LockstepTestSupport/Data/parametrizations"

  /// PyTorch's state dictionary of a model, as `save_file` leaves it.
  private static func stateDictionary(_ index: Int) -> String {
    // #filePath is Tests/LockstepTrainingTests/Step/ParametrizedWeightsTests.swift.
    let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return "/\(tests)/\(folder)/\(models[index].name).safetensors"
  }

  static func cases() throws -> ReferenceFile {
    try ReferenceFile("\(folder)/cases.safetensors")
  }

  /// Steps of a model, each on all examples.
  struct Run: Sendable {
    var model: Int
    var chain = Chain.sgd(learningRate: 0.02, momentum: 0.9, weightDecay: 0.01)
    var steps = 4
    var isSharded = false
    var threads = 1
    var microBatches = 1
    var plan = PlanOptions()
    var exampleClip: ExampleClip?
    var freezing = Freezing()
    /// Steps of the second kind, of so many iterations.
    var hessianFree: Int?

    struct Result: Equatable, Sendable {
      var weights: [String: [UInt32]] = [:]
      var losses: [Double] = []
    }

    func source() throws -> ModelSource {
      let (name, layers) = ParametrizedWeightsTests.models[model]
      let file = try ParametrizedWeightsTests.cases()
      let input = try file.tensor("\(name)/input")
      let data = try Dataset(
        name: name, inputShape: Array(input.shape.dropFirst()),
        inputs: .floats(input.values.map { Float($0) }),
        labels: .classes(try file.tensor("\(name)/labels").values.map { Int32($0) }, count: 3))
      return try ModelSource(
        SingleInputModel(Sequential(layers)), losses: OutputLosses(SoftmaxCrossEntropy()),
        on: data, seed: 3, freezing: freezing, options: plan, threads: threads,
        exampleClip: exampleClip, admit: { _, _ in })
    }

    func run(on group: any Collective) throws -> Result {
      let source = try source()
      try Weights(of: source).read(ParametrizedWeightsTests.stateDictionary(model))
      let layout = source.memory.trainableLayout
      let folding = try FoldPlan(shards: 8, of: source, on: group)
      let rule = try UpdateRule(
        layout: layout, chain: hessianFree == nil ? chain : Chain(),
        owning: isSharded ? folding.gradientBlocks(ofRank: group.rank) : nil)
      let step: (StepBatch) throws -> StepReport
      if let hessianFree {
        var options = HessianFreeOptions()
        options.iterations = hessianFree
        let made = try HessianFreeStep(
          source: source, update: rule, options: options, shards: 8, on: group)
        step = { try made.run($0) }
      } else {
        let made = try TrainingStep(source: source, update: rule, shards: 8, on: group)
        step = { try made.run($0) }
      }
      var result = Result()
      for index in 0..<steps {
        let report = try step(
          StepBatch(
            step: index, epoch: 0, examples: Array(0..<16)[...], shards: 8,
            microBatches: microBatches))
        result.losses.append(report.loss)
      }
      try group.barrier()
      result.weights = source.memory.namedValues.mapValues { bits($0) }
      return result
    }
  }

  // MARK: PyTorch's numbers

  @Test func allModelsOfTheFileAreTested() throws {
    #expect(try Self.cases().descriptions.compactMap { $0.text("name") } == Self.models.map(\.name))
  }

  /// Output, loss and gradients in Double. Where a rule has a constant, it is a Float32 number.
  @Test(arguments: models.indices)
  func outputAndGradientsAreThoseOfPyTorch(index: Int) throws {
    let (name, layers) = Self.models[index]
    let file = try Self.cases()
    let (input, labels) = (try file.tensor("\(name)/input"), try file.tensor("\(name)/labels"))
    let trace = try LockstepLayers.trace(
      Sequential(layers), inputShape: Array(input.shape.dropFirst()), batchCount: input.shape[0],
      training: true)
    let (graph, parameters) = (trace.graph, trace.graph.parameters)
    var leaves = ReferenceEvaluator.Leaves(inputs: ["input": input, "labels": labels])
    for parameter in parameters {
      leaves.parameters[parameter.name] = try file.tensor("\(name)/state/\(parameter.name)")
    }
    for statistic in graph.statistics {
      leaves.statistics[statistic.name] = try file.tensor("\(name)/state/\(statistic.name)")
    }
    #expect(
      parameters.count + graph.statistics.count
        == file.names(withPrefix: "\(name)/state/").count)
    let loss = trace.output.softmaxCrossEntropy(
      labels: graph.input("labels", labels.shape, .int32))
    let mean = loss / Float(input.shape[0])
    let gradients = graph.gradients(of: mean, by: parameters.map { graph.parameter($0) })
    try graph.check()
    let found = try ReferenceEvaluator(graph).evaluate(
      [trace.output, mean] + gradients.map { try #require($0) }, leaves)
    #expect(deviation(found[0], from: try file.tensor("\(name)/output")) < 1e-6)
    #expect(deviation(found[1], from: try file.tensor("\(name)/loss")) < 1e-6)
    for (parameter, gradient) in zip(parameters, found.dropFirst(2)) {
      let expected = try file.tensor("\(name)/gradient/\(parameter.name)")
      #expect(deviation(gradient, from: expected) < 1e-6, "\(parameter.name)")
    }
    for (statistic, vector) in try ReferenceEvaluator(graph).statistics(after: leaves) {
      let expected = try file.tensor("\(name)/first/\(statistic)")
      #expect(deviation(vector, from: expected) < 1e-10, "\(statistic)")
    }
  }

  /// Steps from PyTorch's state dictionary, which loads as it is.
  @Test(arguments: models.indices)
  func stepsAreThoseOfPyTorch(index: Int) throws {
    let name = Self.models[index].name
    let file = try Self.cases()
    for (steps, kind, tolerance) in [(1, "first", 1e-6), (4, "last", 5e-6)] {
      var run = Run(model: index)
      run.steps = steps
      let found = try run.run(on: SoloCollective())
      let loss = try file.tensor("\(name)/loss").values[0]
      #expect(abs(found.losses[0] - loss) < 1e-6 * loss)
      for (tensor, bits) in found.weights {
        let expected = try file.tensor("\(name)/\(kind)/\(tensor)")
        let values = HostTensor(expected.shape, bits.map { Double(Float(bitPattern: $0)) })
        #expect(deviation(values, from: expected) < tolerance, "\(kind), \(tensor)")
      }
    }
  }

  /// The first weight is the one that is drawn without normalisation: v has its bits, g its units' lengths.
  @Test func theFirstWeightIsTheOneThatIsDrawn() throws {
    func drawn(_ parametrization: Parametrization?) throws -> [String: [Float]] {
      let model = Sequential([
        Conv2d(4, kernel: 3, parametrization: parametrization), Flatten(),
        Linear(3, parametrization: parametrization),
      ])
      return try ModelSource(
        model, loss: SoftmaxCrossEntropy(),
        on: try SyntheticData.images(count: 8, shape: [2, 5, 5], classes: 3, seed: 5), seed: 11
      ).memory.namedValues
    }
    let plain = try drawn(nil)
    let standardized = try drawn(.weightStandardization)
    #expect(standardized == plain)
    let normalized = try drawn(.weightNorm)
    #expect(normalized.count == 6)
    for (layer, columns) in [("0", 18), ("2", 36)] {
      let weight = try #require(plain["\(layer).weight"])
      #expect(normalized["\(layer).bias"] == plain["\(layer).bias"])
      #expect(normalized["\(layer).parametrizations.weight.original1"] == weight)
      let lengths = try #require(normalized["\(layer).parametrizations.weight.original0"])
      #expect(lengths.count == weight.count / columns)
      for (unit, length) in lengths.enumerated() {
        let squares = weight[unit * columns..<(unit + 1) * columns]
          .reduce(0) { $0 + Double($1) * Double($1) }
        #expect(length == Float(squares.squareRoot()))
      }
    }
  }

  // MARK: Bits

  @Test(arguments: models.indices, [false, true])
  func anyNumberOfRanksGivesTheSameBits(index: Int, isSharded: Bool) throws {
    let expected = try Run(model: index).run(on: SoloCollective())
    #expect(expected.losses[3] < expected.losses[0])
    for ranks in [1, 2, 3, 5] {
      for threads in [1, 2] {
        var run = Run(model: index)
        run.isSharded = isSharded
        run.threads = threads
        let shared = run
        for result in try group(of: ranks, { try shared.run(on: $0) }) {
          #expect(result == expected, "\(ranks) ranks, \(threads) threads")
        }
      }
    }
  }

  /// Updates of matrices take the directions; limits of examples' gradients, micro-batches, Gauss-Newton products
  /// and frozen parts go along.
  @Test(arguments: 0..<6, models.indices)
  func otherStepsGiveTheSameBits(number: Int, index: Int) throws {
    var run = Run(model: index)
    switch number {
    case 0: run.chain = .muon(learningRate: 0.02)
    case 1: run.chain = .adamW(learningRate: 0.01)
    case 2: run.exampleClip = ExampleClip(norm: 0.1)
    case 3: run.microBatches = 2
    case 4: run.hessianFree = 6
    default: run.freezing = Freezing(parameters: ["0.*"])
    }
    let expected = try run.run(on: SoloCollective())
    #expect(expected.losses.allSatisfy { $0.isFinite })
    #expect(expected.losses[3] < expected.losses[0])
    let plain = try Run(model: index).run(on: SoloCollective())
    #expect(expected.weights != plain.weights)
    for isSharded in [false, true] where !isSharded || run.hessianFree == nil {
      run.isSharded = isSharded
      let shared = run
      for result in try group(of: 3, { try shared.run(on: $0) }) {
        #expect(result == expected, "\(number), sharded: \(isSharded)")
      }
    }
  }

  @Test(
    .enabled(if: ComputeLibrary.hasBFloat16, "this processor has no AVX-512 BF16"),
    arguments: models.indices)
  func bfloat16GivesTheSameBits(index: Int) throws {
    var run = Run(model: index)
    let float = try run.run(on: SoloCollective())
    run.plan.precision = .bfloat16
    let expected = try run.run(on: SoloCollective())
    #expect(expected.weights != float.weights)
    #expect(abs(expected.losses[0] - float.losses[0]) < 0.02 * float.losses[0])
    let shared = run
    for result in try group(of: 3, { try shared.run(on: $0) }) { #expect(result == expected) }
  }

  /// What is frozen keeps its bits.
  @Test func frozenPartsStay() throws {
    var run = Run(model: 0)
    run.steps = 0
    let start = try run.run(on: SoloCollective())
    run.steps = 4
    run.freezing = Freezing(parameters: ["*.original1"])
    let found = try run.run(on: SoloCollective())
    for (name, values) in found.weights {
      #expect((values == start.weights[name]) == name.hasSuffix("original1"), "\(name)")
    }
  }

  /// A layer's row of the table of a model's work has all of its parameters.
  @Test func partsOfAWeightCountForTheirLayer() throws {
    let work = try Run(model: 0).source().layerWork()
    let rows = work.filter { $0.parameters > 0 }
    #expect(rows.map(\.name) == ["0", "2", "4", "6"])
    // v, g and the bias.
    #expect(
      rows.map(\.parameters) == [108 + 6 + 6, 72 + 4, 80 + 5 + 5, 15 + 3 + 3])
  }
}
