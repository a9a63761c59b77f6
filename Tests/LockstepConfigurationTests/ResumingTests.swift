import LockstepCollective
import LockstepState
import LockstepConfiguration
import LockstepFiles
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// A run that ends early, or is killed, and goes on is the run that did neither, bit for bit; where
/// that cannot be, it is refused with the key that is to blame.
@Suite struct ResumingTests {
  /// 240 examples in batches of 32: eight a pass, the last one half full. A clip that acts.
  static let base = """
    {"data": {"type": "blobs", "examples": 300, "testFraction": 0.2, "deviation": 2},
     "model": {"type": "mlp", "sizes": [6, 2], "dropout": 0.2}, "batchSize": 32, "shards": 4,
     "epochs": 4, "steps": 21, "clip": {"type": "globalNorm", "limit": 0.5}}
    """
  static let steps = 21

  struct Killed: Error {}

  static func configuration(_ overrides: [String]) throws -> RunConfiguration {
    // A Hessian-free step stands in the optimizer's place.
    let optimizer = #"optimizer={"type": "sgd", "learningRate": 0.1, "momentum": 0.9}"#
    let isHessianFree = overrides.contains { $0.hasPrefix("hessianFree") }
    return try RunConfiguration(
      parsing: Array(base.utf8), source: "test.json",
      overrides: try ((isHessianFree ? [] : [optimizer]) + overrides).map {
        try Override(parsing: $0)
      })
  }

  /// Trains, in a directory or without one, and returns the fingerprint.
  static func train(
    _ overrides: [String], in directory: String? = nil, resume: Bool = false,
    killedAt step: Int? = nil
  ) throws -> Fingerprint? {
    let configuration = try configuration(overrides)
    let run = try ConfiguredRun(
      configuration, data: try configuration.data.load(), on: SoloCollective())
    let place = try directory.map {
      try RunDirectory(
        $0, resume: resume, configuration: configuration.resolved,
        keep: configuration.keptCheckpoints)
    }
    return try run.trainer(directory: place) { event in
      if case .step(let report, _, _) = event, report.step == step { throw Killed() }
    }.run(resume: resume).fingerprint
  }

  /// One configuration, and whether the length of the run is part of it.
  struct Case: Sendable, CustomTestStringConvertible {
    let overrides: [String]
    var followsLength = false
    var testDescription: String { overrides.joined(separator: " ") }

    init(_ overrides: String..., followsLength: Bool = false) {
      self.overrides = overrides
      self.followsLength = followsLength
    }

    static func schedule(_ keys: String, followsLength: Bool = false) -> Case {
      Case("optimizer.schedule={\(keys)}", followsLength: followsLength)
    }
  }

  static let cases: [Case] = [
    .schedule(#""type": "constant", "warmupSteps": 9"#),
    .schedule(#""type": "step", "every": 3"#),
    .schedule(#""type": "multiStep", "milestones": [4, 9, 17]"#),
    .schedule(#""type": "exponential", "factor": 0.9"#),
    .schedule(#""type": "cosine""#, followsLength: true),
    .schedule(#""type": "cosine", "warmupSteps": 5"#, followsLength: true),
    .schedule(#""type": "cosine", "steps": 30"#),
    .schedule(#""type": "cosineRestarts", "period": 6"#),
    .schedule(#""type": "oneCycle""#, followsLength: true),
    .schedule(#""type": "oneCycle", "steps": 30"#),
    .schedule(#""type": "polynomial""#, followsLength: true),
    .schedule(#""type": "polynomial", "steps": 15"#),
    .schedule(#""type": "inverseTime", "rate": 0.1"#),
    // Nothing is better than the first evaluation.
    .schedule(
      #""type": "reduceOnPlateau", "patience": 0, "comparison": "absolute", "threshold": 10"#),
    Case(
      #"optimizer.schedule={"type": "reduceOnPlateau", "patience": 0, "goal": "maximize"}"#,
      "evaluate.scoreMetric=accuracy", "evaluate.everyEpochs=2"),
    Case("average.decay=0.9"), Case(#"optimizer={"type": "adam", "learningRate": 0.01}"#),
    Case(#"optimizer={"type": "lamb", "learningRate": 0.01}"#),
    Case(#"hessianFree={"iterations": 5}"#, "model.dropout=0"),
    Case(#"clip={"type": "autoClip", "window": 7}"#),
    Case(#"clip={"type": "zClip", "warmup": 4, "threshold": 0.5}"#),
    Case(#"clip={"type": "adaptive"}"#),
    Case(#"constraints=[{"kind": "Linear", "type": "spectralNorm", "every": 4}]"#),
    // The best weights are the final ones, as often as not those of another step.
    Case(#"earlyStopping={"patience": 30}"#),
    Case(#"earlyStopping={"patience": 30}"#, "evaluate.scoreMetric=accuracy", "epochs=3"),
    Case(#"data.sampling="balanced""#, #"loss={"classWeights": "balanced"}"#),
    Case("nonFinite=skip"), Case("nonFinite=sanitize"), Case("microBatches=2"),
    Case("checkpoint.everySteps=4", "replicaGuard.everySteps=3"),
  ]

  @Test(arguments: cases)
  func aRunThatEndedEarlyGoesOnAsTheWholeRun(_ one: Case) throws {
    let whole = try #require(try Self.train(one.overrides))
    for end in [2, 7, 8, 13, 16, 20] {
      try withTemporaryDirectory { directory in
        _ = try Self.train(one.overrides + ["steps=\(end)"], in: directory)
        if one.followsLength {
          let error = #expect(throws: CheckpointError.self) {
            try Self.train(one.overrides, in: directory, resume: true)
          }
          let text = error?.description ?? ""
          #expect(text.contains("'steps' and 'epochs'"), "\(text)")
          #expect(text.contains("optimizer.schedule.steps=\(end)"), "\(text)")
          // What the message says is what helps.
          let given = one.overrides + ["optimizer.schedule.steps=\(end)"]
          #expect(try Self.train(given, in: directory, resume: true) == Self.train(given))
        } else {
          #expect(
            try Self.train(one.overrides, in: directory, resume: true) == whole,
            "ended at \(end)")
        }
      }
    }
  }

  @Test(arguments: cases)
  func aRunThatWasKilledGoesOnAsTheWholeRun(_ one: Case) throws {
    let whole = try #require(try Self.train(one.overrides))
    let saving = one.overrides + ["checkpoint.everySteps=1"]
    for end in [2, 8, 9, 17] {
      try withTemporaryDirectory { directory in
        #expect(throws: Killed.self) { try Self.train(saving, in: directory, killedAt: end) }
        let resumed = try Self.train(saving, in: directory, resume: true)
        #expect(resumed == whole, "killed at \(end)")
      }
    }
  }

  /// Every key that may differ, with another value than the configuration has.
  static let free: [(key: String, change: [String])] = [
    ("epochs", ["epochs=9"]), ("steps", []), ("threads", ["threads=2"]),
    ("inputs", ["inputs=ahead"]), ("update", ["update=replicated"]),
    ("checkpoint", ["checkpoint.everySteps=2", "checkpoint.keep=1"]),
    ("evaluate.everyEpochs", ["evaluate.everyEpochs=2"]),
    ("evaluate.batchSize", ["evaluate.batchSize=7"]),
    ("replicaGuard", ["replicaGuard.everySteps=1"]), ("bucketBytes", ["bucketBytes=4096"]),
    ("watchdog", ["watchdog.seconds=50"]), ("nonFinite", ["nonFinite=sanitize"]),
    ("log", ["log.parameterNormsEverySteps=1"]), ("maxSeconds", ["maxSeconds=1e6"]),
  ]

  @Test func whatMayDifferChangesNoBit() throws {
    let configuration = try Self.configuration([])
    // Paths of data files and of a model's may differ, too: what they hold is compared.
    let keys = configuration.mayDiffer.filter { !$0.hasPrefix("data.") && $0 != "model.file" }
    #expect(Set(Self.free.map(\.key)) == keys)
    let whole = try #require(try Self.train([]))
    for (key, change) in Self.free {
      #expect(try Self.train(change) == whole, "\(key)")
      for (before, after) in [([], change), (change, [])] {
        try withTemporaryDirectory { directory in
          _ = try Self.train(before + ["steps=13"], in: directory)
          #expect(try Self.train(after, in: directory, resume: true) == whole, "\(key)")
        }
      }
    }
  }

  /// Where the learning rate follows the evaluations, how they are made is part of the result.
  @Test(arguments: [
    "evaluate.everyEpochs=2", "evaluate.batchSize=7", "evaluate.scoreMetric=accuracy",
  ])
  func evaluationsThatTheRateFollowsMustStay(_ change: String) throws {
    let key = String(change.prefix { $0 != "=" })
    let plateau = #"optimizer.schedule={"type": "reduceOnPlateau", "patience": 0}"#
    try withTemporaryDirectory { directory in
      _ = try Self.train([plateau, "steps=13"], in: directory)
      #expect(
        throws: CheckpointError.configuration(
          path: "\(directory)/checkpoints/step-000000013.safetensors", keys: [key])
      ) { try Self.train([plateau, change], in: directory, resume: true) }
    }
  }

  /// Scores by two measures say nothing about which checkpoint is the best.
  @Test func theMeasureOfTheBestMustStay() throws {
    try withTemporaryDirectory { directory in
      _ = try Self.train(["steps=13"], in: directory)
      let error = #expect(throws: CheckpointError.self) {
        try Self.train(["evaluate.scoreMetric=accuracy"], in: directory, resume: true)
      }
      #expect(error?.description.contains("evaluate.scoreMetric") == true)
    }
  }

  @Test func fewerStepsThanAreDoneAreRefused() throws {
    for shorter in [["steps=12"], ["epochs=1"]] {
      try withTemporaryDirectory { directory in
        _ = try Self.train(["steps=13"], in: directory)
        let error = #expect(throws: CheckpointError.self) {
          try Self.train(shorter, in: directory, resume: true)
        }
        #expect(error?.description.contains("the checkpoint has 13 steps behind it") == true)
      }
    }
  }

  /// A file that was read once is not needed again, and must not be another.
  @Test func initialWeightsMayGoButNotChange() throws {
    try withTemporaryDirectory { directory in
      let given = #"initialWeights={"file": "a.safetensors"}"#
      _ = try Self.train([given, "steps=13"], in: "\(directory)/run")
      let whole = try Self.train([])
      #expect(try Self.train([], in: "\(directory)/run", resume: true) == whole)
      _ = try Self.train([given, "steps=13"], in: "\(directory)/other")
      let error = #expect(throws: CheckpointError.self) {
        try Self.train(
          [#"initialWeights={"file": "b.safetensors"}"#], in: "\(directory)/other", resume: true)
      }
      #expect(error?.description.contains("initialWeights.file") == true)
    }
  }

  /// Another teacher than the one that the run was started with teaches something else.
  @Test func theTeacherMustStay() throws {
    try withTemporaryDirectory { directory in
      func teacher(_ seed: Int) throws {
        let configuration = try Self.configuration(["steps=2", "seed=\(seed)"])
        let run = try ConfiguredRun(
          configuration, data: try configuration.data.load(), on: SoloCollective())
        try Weights(of: run.source).write("\(directory)/teacher.safetensors")
      }
      let overrides = [
        "distillation.teacher=\(directory)/teacher.safetensors",
        #"distillation.model={"type": "mlp", "sizes": [6, 2], "dropout": 0.2}"#,
      ]
      try teacher(1)
      let whole = try Self.train(overrides)
      _ = try Self.train(overrides + ["steps=13"], in: "\(directory)/run")
      #expect(whole != nil)
      #expect(try Self.train(overrides, in: "\(directory)/run", resume: true) == whole)
      _ = try Self.train(overrides + ["steps=13"], in: "\(directory)/other")
      try teacher(2)
      let error = #expect(throws: CheckpointError.self) {
        try Self.train(overrides, in: "\(directory)/other", resume: true)
      }
      #expect(error?.description.contains("other weights than the run was started with") == true)
    }
  }
}
