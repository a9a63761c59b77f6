import LockstepCollective
import LockstepState
import LockstepFold
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepOptimization
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// A trunk and a head, as `scripts/reference/pretrained.py` has them under other names.
struct Pretrained: Model {
  struct Trunk: Model {
    let conv1 = Conv2d(1, 6, kernel: 3, padding: .same)
    let bn1 = BatchNorm2d(6)
    let conv2 = Conv2d(6, 10, kernel: 3, padding: .same, bias: false)
    let bn2 = BatchNorm2d(10)
    let pool = MaxPool2d(2)
    func callAsFunction(_ input: Tensor) -> Tensor {
      pool(bn2(conv2(pool(bn1(conv1(input)).relu()))).relu())
    }
  }
  let features = Trunk()
  let head: Linear
  init(classes: Int) { head = Linear(90, classes) }
  func callAsFunction(_ input: Tensor) -> Tensor { head(features(input).flattened()) }
}

@Suite struct TransferTests {
  static let path: String = {
    // #filePath is Tests/LockstepTrainingTests/State/TransferTests.swift.
    let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return "/\(tests)/LockstepTestSupport/Data/pretrained.safetensors"
  }()
  static func names() throws -> NameMap {
    try NameMap([
      .init("module.backbone.*", to: "features.*"), .init("module.fc.*", to: "head.*"),
    ])
  }

  static func source(
    classes: Int = 10, on dataset: Dataset? = nil, freezing: Freezing = Freezing(),
    loss: any LossFunction = SoftmaxCrossEntropy()
  ) throws -> ModelSource {
    try ModelSource(
      Pretrained(classes: classes), loss: loss,
      on: dataset ?? SmallModel.dataset(count: 60), seed: 5, freezing: freezing)
  }

  @Test func PyTorchsWeightsGivePyTorchsOutputs() throws {
    let file = try ReferenceFile("LockstepTestSupport/Data/pretrained-outputs.safetensors")
    let (x, y) = (try file.tensor("input"), try file.tensor("output"))
    let dataset = try Dataset(
      name: "reference", inputShape: [1, 12, 12], inputs: .floats(x.values.map { Float($0) }),
      labels: .classes(Array(repeating: 0, count: x.shape[0]), count: 10))
    let source = try Self.source(on: dataset)
    let report = try Weights(of: source).load(Self.path, names: Self.names())
    #expect(report.isComplete)
    #expect(
      report.ignored == [
        "module.backbone.bn1.num_batches_tracked", "module.backbone.bn2.num_batches_tracked",
      ])
    #expect(report.loaded.count == 13)
    let outputs = try ModelEvaluator(source, on: dataset).compute(Array(0..<x.shape[0])[...])
    let found = HostTensor(y.shape, outputs.map { Double($0) })
    #expect(deviation(found, from: y) < 1e-5)
  }

  @Test func strictLoadingNamesEverythingThatDoesNotFit() throws {
    let source = try Self.source(classes: 4, on: Self.fourClasses())
    let weights = Weights(of: source)
    let before = weights.fingerprint()
    let error = #expect(throws: FileError.self) {
      try weights.load(
        Self.path,
        names: NameMap([
          .init("module.backbone.bn2.*", to: "features.bn3.*"),
          .init("module.backbone.*", to: "features.*"), .init("module.fc.*", to: "head.*"),
        ]))
    }
    #expect(
      error?.reason
        == "does not fit the model: it lacks features.bn2.weight, features.bn2.bias, "
        + "features.bn2.running_mean, features.bn2.running_var; it has "
        + "module.backbone.bn2.bias, module.backbone.bn2.running_mean, "
        + "module.backbone.bn2.running_var, module.backbone.bn2.weight besides; "
        + "head.weight is F32 [10, 90], not F32 [4, 90], head.bias is F32 [10], not F32 [4]")
    #expect(weights.fingerprint() == before)
  }

  @Test func aReplacedHeadKeepsItsInitialValues() throws {
    let source = try Self.source(classes: 4, on: Self.fourClasses())
    let weights = Weights(of: source)
    let slots = source.memory.trainableLayout
    func values(_ name: String) throws -> [Float] {
      withExtendedLifetime(source) {
        Array(source.parameters[slots.slots[slots.index(of: name)!].range])
      }
    }
    let (head, conv) = (try values("head.weight"), try values("features.conv1.weight"))
    let report = try weights.load(Self.path, names: Self.names(), .lenient)
    #expect(report.mismatched.map(\.name) == ["head.weight", "head.bias"])
    #expect(report.missing == [] && report.unexpected == [])
    #expect(
      report.lines.first
        == "mis-shaped: head.weight is F32 [10, 90] in the file, F32 [4, 90] in the model (keeps its initial values)"
    )
    #expect(try values("head.weight") == head)
    #expect(try values("features.conv1.weight") != conv)
    // Left out by a rule, the head is missing instead.
    let ignoring = try weights.load(
      Self.path,
      names: NameMap([.init("module.fc.*", to: nil), .init("module.backbone.*", to: "features.*")]),
      .lenient)
    #expect(ignoring.missing == ["head.weight", "head.bias"])
  }

  static func fourClasses() throws -> Dataset {
    let inputs = roughValues(40 * 144, seed: 8).map { $0 / 64 }
    return try Dataset(
      name: "few", inputShape: [1, 12, 12], inputs: .floats(inputs),
      labels: .classes((0..<40).map { Int32($0 % 4) }, count: 4))
  }

  @Test func namesThatMeetOrFitNothingAreRefused() throws {
    let weights = Weights(of: try Self.source())
    var error = #expect(throws: FileError.self) {
      try weights.load(Self.path, names: NameMap([]), .lenient)
    }
    #expect(error?.reason.hasPrefix("none of its tensors fits the model: it lacks ") == true)
    error = #expect(throws: FileError.self) {
      try weights.load(
        Self.path, names: NameMap([.init("module.backbone.bn?.*", to: "features.bn1.*")]), .lenient)
    }
    #expect(error?.reason.contains("which are both 'features.bn1.bias' in the model") == true)
    let mapError = #expect(throws: NameMapError.self) {
      try NameMap([.init("a.*", to: "*.b.*")])
    }
    #expect(
      mapError?.description == "the replacement '*.b.*' has more * than the pattern 'a.*'")
  }

  @Test func aRuleThatFitsNothingIsAnErrorInStrictMode() throws {
    let weights = Weights(of: try Self.source())
    let before = weights.fingerprint()
    let rules = try NameMap(try Self.names().rules + [.init("module.fc.wieght", to: nil)])
    let error = #expect(throws: FileError.self) { try weights.load(Self.path, names: rules) }
    #expect(
      error?.reason
        == "the rule 'module.fc.wieght' fits none of its tensors; did you mean 'module.fc.weight'?"
    )
    #expect(weights.fingerprint() == before)
    let report = try weights.load(Self.path, names: rules, .lenient)
    #expect(report.lines == ["unused: the rule 'module.fc.wieght' fits no tensor of the file"])
  }

  @Test func mapsRewriteInOrder() throws {
    let map = try NameMap([
      .init("module.layer?.*.w", to: "blocks.*.weight"), .init("module.*", to: "*"),
      .init("*.old", to: nil),
    ])
    #expect(map("module.layer1.0.w") == "blocks.0.weight")
    #expect(map("module.fc.bias") == "fc.bias")
    #expect(map("x.old") == nil)
    #expect(map("other") == "other")
  }

  @Test func frozenPartsLeaveTheGradientAndNeverMove() throws {
    let freezing = Freezing(parameters: ["features.*"], batchNorms: ["features.*"])
    let results = try group(of: 2) { group -> [Bool] in
      let source = try Self.source(freezing: freezing)
      try Weights(of: source).load(Self.path, names: Self.names())
      #expect(source.layout.slots.map(\.name) == ["head.weight", "head.bias"])
      let layout = source.memory.trainableLayout
      let rule = try UpdateRule(
        layout: layout, chain: .adamW(learningRate: 0.01), constraints: [.maxNorm(0.1), nil])
      let frozen = withExtendedLifetime(source) { bits(source.memory.frozen) }
      let statistics = withExtendedLifetime(source) { bits(source.memory.runningStatistics) }
      let head = withExtendedLifetime(source) { bits(source.parameters) }
      let step = try TrainingStep(
        source: source, update: rule, shards: 4, on: group)
      for index in 0..<3 {
        _ = try step.run(
          StepBatch(step: index, epoch: 0, examples: Array(0..<60)[...], shards: 4))
      }
      return withExtendedLifetime(source) {
        [
          bits(source.memory.frozen) == frozen,
          bits(source.memory.runningStatistics) == statistics,
          bits(source.parameters) != head,
        ]
      }
    }
    #expect(results.allSatisfy { $0.allSatisfy { $0 } })
  }

  @Test func patternsThatFreezeNothingAreErrors() throws {
    var error = #expect(throws: GraphError.self) {
      try Self.source(freezing: Freezing(parameters: ["trunk.*"]))
    }
    #expect(
      error?.description.hasPrefix(
        "no parameter fits the pattern 'trunk.*' of parameters to freeze; there are features.conv1.weight"
      ) == true)
    error = #expect(throws: GraphError.self) {
      try Self.source(freezing: Freezing(batchNorms: ["head"]))
    }
    #expect(
      error?.description
        == "no batch normalisation fits the pattern 'head' of those to freeze; there are features.bn1, features.bn2"
    )
  }

  @Test func aStudentLearnsFromItsTeacherOnAnyNumberOfRanks() throws {
    struct Student: Model {
      let fc1 = Linear(144, 24)
      let fc2 = Linear(24, 10)
      func callAsFunction(_ input: Tensor) -> Tensor { fc2(fc1(input.flattened()).relu()) }
    }
    @Sendable func train(_ group: any Collective) throws -> ([Double], [UInt32]) {
      let dataset = try SmallModel.dataset(count: 150)
      let teacher = try Self.source(on: dataset)
      try Weights(of: teacher).load(Self.path, names: Self.names())
      let source = try ModelSource(
        Student(), loss: Distillation(temperature: 3, weight: 1), on: dataset, seed: 5)
      source.teacher = try TeacherLogits(
        of: ModelEvaluator(teacher, on: dataset), chunkSize: 32, on: group)
      let step = try TrainingStep(
        source: source, update: try source.update(.adam(learningRate: 0.01)), shards: 4, on: group)
      var losses: [Double] = []
      for index in 0..<60 {
        losses.append(
          try step.run(
            StepBatch(step: index, epoch: 0, examples: Array(0..<150)[...], shards: 4)
          ).loss)
      }
      return (losses, withExtendedLifetime(source) { bits(source.parameters) })
    }
    let alone = try train(SoloCollective())
    // With α = 1 the labels play no part: what falls is the divergence, whose least value is 0.
    #expect(alone.0[59] < 0.1 * alone.0[0], "\(alone.0[0]) → \(alone.0[59])")
    for result in try group(of: 3, { try train($0) }) { #expect(result == alone) }
  }

  @Test func aMissingTeacherIsNamed() throws {
    let source = try Self.source(loss: Distillation())
    let step = try TrainingStep(
      source: source, update: try source.update(.sgd(learningRate: 0.1)), shards: 4,
      on: SoloCollective())
    let error = #expect(throws: GraphError.self) {
      try step.run(StepBatch(step: 0, epoch: 0, examples: Array(0..<60)[...], shards: 4))
    }
    #expect(error?.description == "the loss distils from a teacher, and the source has none")
    #expect(throws: GraphError.self) { try Distillation(temperature: 0) }
    #expect(throws: GraphError.self) { try Distillation(weight: 1.5) }
  }
}
