import LockstepCatalog
import LockstepEngine
import LockstepFiles
import LockstepOptimization
import LockstepTestSupport
import Testing

@Suite struct CatalogTests {
  /// Entries are made from their required keys alone; without one of these they are not.
  @Test func everyEntryIsMadeFromItsTable() throws {
    func check<Product>(_ catalog: Catalog<Product>) throws {
      for entry in catalog.entries {
        let values = catalog.form.example(entry.name)
        _ = try catalog.make(entry.name, values)
        for key in values.keys where key != "type" {
          var missing = values
          missing[key] = nil
          let error = #expect(throws: ConfigurationError.self) {
            try catalog.make(entry.name, missing)
          }
          #expect(error?.path == key && error?.source == entry.name)
        }
      }
      #expect(Set(catalog.entries.map(\.name)).count == catalog.entries.count)
    }
    try check(OptimizerCatalog.catalog)
    try check(ClipCatalog.catalog)
    try check(ConstraintCatalog.catalog)
    try check(RegularizerCatalog.catalog)
    try check(ScheduleCatalog.catalog)
  }

  /// The table's defaults are those of the functions.
  @Test func defaultsAreThoseOfThePresets() throws {
    let presets: [String: Chain] = [
      "sgd": .sgd(), "rmsprop": .rmsprop(), "adagrad": .adagrad(), "adadelta": .adadelta(),
      "adam": .adam(), "adamW": .adamW(), "nadam": .nadam(), "radam": .radam(), "lion": .lion(),
      "lars": .lars(), "lamb": .lamb(), "sgdKeras": .sgdKeras(), "rmspropKeras": .rmspropKeras(),
      "adagradKeras": .adagradKeras(), "adadeltaKeras": .adadeltaKeras(),
      "adamKeras": .adamKeras(), "adamWKeras": .adamWKeras(), "nadamKeras": .nadamKeras(),
      "lionKeras": .lionKeras(), "adEMAMix": .adEMAMix(), "signSGD": .signSGD(),
      "signum": .signum(), "muon": .muon(), "adan": .adan(), "prodigy": .prodigy(),
      "adafactor": .adafactor(), "shampoo": .shampoo(), "soap": .soap(),
      "spam": .spam(), "stableSPAM": .stableSPAM(),
      "scheduleFreeSGD": .scheduleFreeSGD(), "scheduleFreeAdamW": .scheduleFreeAdamW(),
      "scion": .scion(
        learningRate: 1e-3, momentum: 0.9, radius: 1, outputRadius: 1, constrained: false,
        iterations: NewtonSchulz(), signParameters: []),
    ]
    #expect(presets.count == OptimizerCatalog.catalog.entries.count)
    for entry in OptimizerCatalog.catalog.entries {
      let preset = try #require(presets[entry.name])
      let made = try chain(entry.name)
      #expect(
        made.transforms.map { "\($0)" } == preset.transforms.map { "\($0)" }, "\(entry.name)")
    }
  }

  /// Every key reaches the chain: a value other than the default makes another chain.
  @Test func everyKeyCounts() throws {
    for entry in OptimizerCatalog.catalog.entries {
      let standard = try chain(entry.name).transforms.map { "\($0)" }
      for parameter in entry.hyperparameters
      where parameter.key != "dampening" && parameter.key != "nesterov" {
        var values: JSONObject = [:]
        values[parameter.key] = another(parameter)
        let other = try chain(entry.name, values)
        #expect(other.transforms.map { "\($0)" } != standard, "\(entry.name).\(parameter.key)")
      }
    }
    let plain = try chain("sgd", ["momentum": 0.5])
    for values: JSONObject in [
      ["momentum": 0.5, "dampening": 0.5], ["momentum": 0.5, "nesterov": true],
    ] {
      let other = try chain("sgd", values)
      #expect(other.transforms.map { "\($0)" } != plain.transforms.map { "\($0)" })
    }
  }

  /// The same of clips, constraints, schedules and regularizers.
  @Test func everyOtherKeyCounts() throws {
    func check<Product>(
      _ catalog: Catalog<Product>, _ text: (Product) throws -> String = { "\($0)" }
    ) throws {
      for entry in catalog.entries {
        let values = catalog.form.example(entry.name)
        for parameter in entry.hyperparameters {
          var (plain, other) = (values, values)
          other[parameter.key] = another(parameter)
          // An axis needs its layout beside it, a layout its axes.
          if parameter.key == "axes" { other["axesLayout"] = "pytorch" }
          if parameter.key == "axesLayout" { other["axes"] = [0] }
          // The start of a warm-up needs a warm-up.
          if parameter.key == "warmupStart" {
            plain["warmupSteps"] = 2
            other["warmupSteps"] = 2
          }
          #expect(
            try text(catalog.make(entry.name, other)) != text(catalog.make(entry.name, plain)),
            "\(entry.name).\(parameter.key)")
        }
      }
    }
    try check(ClipCatalog.catalog)
    try check(ConstraintCatalog.catalog)
    try check(RegularizerCatalog.catalog)
    try check(ScheduleCatalog.catalog) { "\(try $0.make(1, 100))" }
  }

  /// A value that is neither the default nor the example.
  private func another(_ parameter: Hyperparameter) -> JSONValue {
    switch parameter.kind {
    case .choice(let words): .string(words.first { .string($0) != parameter.defaultValue }!)
    case .integers: parameter.key == "axes" ? [0] : [3, 7]
    case .integer: 7
    case .boolean: true
    case .texts: ["a.*"]
    case .numbers: [3, 2, 1]
    case _ where parameter.key == "beta2Decay": -0.5
    default: parameter.key == "lower" ? 2.5 : parameter.key == "upper" ? 3.5 : 0.375
    }
  }

  /// The tables' defaults are those of the types.
  @Test func otherDefaultsAreThoseOfTheTypes() throws {
    #expect(try ClipCatalog.catalog.make("autoClip") as? AutoClip == AutoClip())
    #expect(try ClipCatalog.catalog.make("zClip") as? ZClip == ZClip())
    #expect(try ClipCatalog.catalog.make("adaGC") as? AdaGC == AdaGC())
    #expect(try ClipCatalog.catalog.make("centralize") as? Centralize == Centralize())
    #expect(
      try ClipCatalog.catalog.make("noise", ["variance": 2]) as? GradientNoise
        == GradientNoise(variance: 2))
    #expect(try ClipCatalog.catalog.make("blockRMS") as? ClipByBlockRMS == ClipByBlockRMS())
    #expect(try ClipCatalog.catalog.make("adaptive") as? AdaptiveClip == AdaptiveClip())
    #expect(
      try ConstraintCatalog.catalog.make("spectralNorm", ["limit": 2]) == .spectralNorm(2))
    #expect(
      try ConstraintCatalog.catalog.make("ball", ["limit": 2, "every": 5])
        == WeightConstraint.ball(2).every(5))
    #expect(try ConstraintCatalog.catalog.make("nonNegative") == .nonNegative)
    #expect(
      try schedule("reduceOnPlateau", 0.5)
        == .reduceOnPlateau(ReduceOnPlateau(), of: 0.5))
    #expect(try RegularizerCatalog.catalog.make("l1") == WeightRegularizer(l1: 0.01))
    #expect(try RegularizerCatalog.catalog.make("l2") == WeightRegularizer(l2: 0.01))
    #expect(try RegularizerCatalog.catalog.make("l1l2") == WeightRegularizer())
  }

  @Test func schedulesStartFromTheLearningRate() throws {
    let chain = try chain(
      "adam", ["learningRate": 0.5, "schedule": ["type": "exponential", "factor": 0.5]])
    #expect(
      chain.transforms.last as? ScaleByLearningRate
        == ScaleByLearningRate(.exponential(initial: 0.5, factor: 0.5)))
  }

  /// The length counts the warm-up, so that the decay ends with the run where none is given.
  @Test func stableDecayEndsWithTheRun() throws {
    let recipe = try ScheduleCatalog.catalog.make("stableDecay", ["warmupSteps": 10, "decay": 0.5])
    #expect(
      try recipe.make(2, 50)
        == .warmup(
          steps: 10, start: 0, then: .stableDecay(initial: 2, stableSteps: 15, decaySteps: 25)))
    let short = try ScheduleCatalog.catalog.make("stableDecay", ["warmupSteps": 9, "decay": 1])
    #expect(
      try short.make(2, 5)
        == .warmup(
          steps: 9, start: 0, then: .stableDecay(initial: 2, stableSteps: 0, decaySteps: 1)))
    let given = try ScheduleCatalog.catalog.make("stableDecay", ["steps": 10, "shape": "root"])
    #expect(
      try given.make(2, 50)
        == .stableDecay(initial: 2, stableSteps: 8, decaySteps: 2, shape: .root))
  }

  @Test func unknownNamesKeysAndTypesAreNamed() throws {
    func expect(_ key: String, _ text: String, _ body: () throws -> Void) {
      let error = #expect(throws: ConfigurationError.self, performing: body)
      #expect(error?.path == key)
      #expect(error?.description.contains(text) == true, "\(String(describing: error))")
    }
    expect("type", "did you mean 'adamW'?") { _ = try chain("adamw") }
    expect("beta", "did you mean 'beta1'?") { _ = try chain("adam", ["beta": 0.9]) }
    expect("beta1", "from 0 to 1 and less than 1") { _ = try chain("adam", ["beta1": 1]) }
    expect("beta1", "\"a lot\"") {
      _ = try chain("adam", ["beta1": "a lot"])
    }
    expect("amsgrad", "true or false") {
      _ = try chain("adam", ["amsgrad": 1])
    }
    expect("nesterov", "momentum") {
      _ = try chain("sgd", ["nesterov": true])
    }
    expect("limit", "greater than 0") { _ = try ClipCatalog.catalog.make("norm", ["limit": -1]) }
    expect("limit", "is missing") { _ = try ClipCatalog.catalog.make("norm") }
    expect("norm", "one of") {
      _ = try ClipCatalog.catalog.make("globalNorm", ["limit": 1, "norm": "9"])
    }
    expect("scope", "array of strings") { _ = try ClipCatalog.catalog.make("zClip", ["scope": 3]) }
    expect("scope", "empty") { _ = try ClipCatalog.catalog.make("zClip", ["scope": [""]]) }
    expect("percentile", "from 0 to 100") {
      _ = try ClipCatalog.catalog.make("autoClip", ["percentile": 101])
    }
    expect("percentile", "must be a number") {
      _ = try ClipCatalog.catalog.make("autoClip", ["percentile": .number(.nan)])
    }
    expect("adjustment", "'reciprocal', 'threshold', 'mean'") {
      _ = try ClipCatalog.catalog.make("zClip", ["adjustment": "none"])
    }
    expect("every", "from 1") {
      _ = try ConstraintCatalog.catalog.make("unitNorm", ["every": 0])
    }
    expect("limit", "greater than 0") {
      _ = try ConstraintCatalog.catalog.make("spectralNorm", ["limit": .number(.nan)])
    }
    expect("limit", "greater than 0") {
      _ = try ConstraintCatalog.catalog.make("ball", ["limit": -3])
    }
    expect("l2", "at least 0") { _ = try RegularizerCatalog.catalog.make("l2", ["l2": -1]) }
    expect("l1", "too large") { _ = try RegularizerCatalog.catalog.make("l1", ["l1": 1e39]) }
    expect("goal", "'minimize', 'maximize'") {
      _ = try schedule("reduceOnPlateau", 1, ["goal": "smallest"])
    }
    expect("axes", "axesLayout") {
      _ = try ConstraintCatalog.catalog.make("maxNorm", ["axes": [0]])
    }
    expect("minimum", "maximum") {
      _ = try ConstraintCatalog.catalog.make("minMaxNorm", ["minimum": 3, "maximum": 2])
    }
    expect("steps", "an integer") {
      _ = try schedule("cosine", 1, ["steps": 1.5])
    }
    expect("milestones", "growing") {
      _ = try schedule("multiStep", 1, ["milestones": [3, 3]])
    }
  }

  private func chain(_ name: String, _ values: JSONObject = [:]) throws -> Chain {
    try OptimizerCatalog.catalog.make(name, values).chain(totalSteps: 100)
  }
}

/// A schedule of the catalog, for a run of three steps.
func schedule(_ name: String, _ learningRate: Double, _ values: JSONObject = [:]) throws -> Schedule
{
  try ScheduleCatalog.catalog.make(name, values).make(learningRate, 3)
}
