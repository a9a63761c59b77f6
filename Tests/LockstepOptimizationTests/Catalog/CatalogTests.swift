import LockstepEngine
import LockstepOptimization
import Testing

@Suite struct CatalogTests {
  /// Defaults of the tables are in range and make something; required keys are asked for.
  @Test func everyEntryIsMadeFromItsTable() throws {
    func values(_ entry: CatalogEntry) -> [String: HyperparameterValue] {
      var values: [String: HyperparameterValue] = [:]
      for parameter in entry.parameters where parameter.defaultValue == nil {
        values[parameter.key] =
          switch parameter.range {
          case .milestones: [2, 5]
          default: 3
          }
      }
      return values
    }
    func check(
      _ entries: [CatalogEntry], _ make: (String, [String: HyperparameterValue]) throws -> Void
    ) throws {
      for entry in entries {
        try make(entry.name, values(entry))
        for key in values(entry).keys.sorted() {
          var missing = values(entry)
          missing[key] = nil
          let error = #expect(throws: HyperparameterError.self) { try make(entry.name, missing) }
          #expect(error?.key == key && error?.owner == entry.name)
        }
      }
      #expect(Set(entries.map(\.name)).count == entries.count)
    }
    try check(OptimizerCatalog.entries) { _ = try OptimizerCatalog.make($0, values: $1) }
    try check(ClipCatalog.entries) { _ = try ClipCatalog.make($0, values: $1) }
    try check(ConstraintCatalog.entries) { _ = try ConstraintCatalog.make($0, values: $1) }
    try check(RegularizerCatalog.entries) { _ = try RegularizerCatalog.make($0, values: $1) }
    try check(ScheduleCatalog.entries) {
      _ = try ScheduleCatalog.make($0, learningRate: 1, values: $1)
    }
  }

  /// The table's defaults are those of the functions.
  @Test func defaultsAreThoseOfThePresets() throws {
    let presets: [String: Chain] = [
      "sgd": .sgd(), "rmsprop": .rmsprop(), "adagrad": .adagrad(), "adadelta": .adadelta(),
      "adam": .adam(), "adamW": .adamW(), "nadam": .nadam(), "radam": .radam(), "lion": .lion(),
      "lars": .lars(), "lamb": .lamb(), "sgdKeras": .sgdKeras(), "rmspropKeras": .rmspropKeras(),
      "adagradKeras": .adagradKeras(), "adadeltaKeras": .adadeltaKeras(),
      "adamKeras": .adamKeras(), "adamWKeras": .adamWKeras(), "nadamKeras": .nadamKeras(),
      "lionKeras": .lionKeras(),
    ]
    #expect(presets.count == OptimizerCatalog.entries.count)
    for entry in OptimizerCatalog.entries {
      let preset = try #require(presets[entry.name])
      let made = try OptimizerCatalog.make(entry.name)
      #expect(
        made.transforms.map { "\($0)" } == preset.transforms.map { "\($0)" }, "\(entry.name)")
    }
  }

  /// Every key reaches the chain: a value other than the default makes another chain.
  @Test func everyKeyCounts() throws {
    for entry in OptimizerCatalog.entries {
      let standard = try OptimizerCatalog.make(entry.name).transforms.map { "\($0)" }
      for parameter in entry.parameters
      where parameter.key != "dampening" && parameter.key != "nesterov" {
        let value: HyperparameterValue = parameter.range == .boolean ? true : 0.375
        let other = try OptimizerCatalog.make(entry.name, values: [parameter.key: value])
        #expect(other.transforms.map { "\($0)" } != standard, "\(entry.name).\(parameter.key)")
      }
    }
    let plain = try OptimizerCatalog.make("sgd", values: ["momentum": 0.5])
    for values: [String: HyperparameterValue] in [
      ["momentum": 0.5, "dampening": 0.5], ["momentum": 0.5, "nesterov": true],
    ] {
      let other = try OptimizerCatalog.make("sgd", values: values)
      #expect(other.transforms.map { "\($0)" } != plain.transforms.map { "\($0)" })
    }
  }

  /// The same of clips, constraints, schedules and regularizers.
  @Test func everyOtherKeyCounts() throws {
    func check(
      _ entries: [CatalogEntry], _ make: (String, [String: HyperparameterValue]) throws -> Any
    ) throws {
      for entry in entries {
        var values: [String: HyperparameterValue] = [:]
        for parameter in entry.parameters where parameter.defaultValue == nil {
          values[parameter.key] = parameter.range == .milestones ? [2, 5] : 3
        }
        let standard = "\(try make(entry.name, values))"
        for parameter in entry.parameters {
          var other = values
          other[parameter.key] =
            switch parameter.range {
            case .choice(let words): .text(words.first { .text($0) != parameter.defaultValue }!)
            case .patterns: .texts(["a.*"])
            case .milestones: [3, 7]
            case .axes: [0]
            case .integer: 7
            case .boolean: true
            default: parameter.key == "lower" ? 2.5 : parameter.key == "upper" ? 3.5 : 0.375
            }
          // An axis needs its layout beside it, a layout its axes.
          if parameter.key == "axes" { other["axesLayout"] = "pytorch" }
          if parameter.key == "axesLayout" { other["axes"] = [0] }
          // The start of a warm-up needs a warm-up.
          var compared = standard
          if parameter.key == "warmupStart" {
            values["warmupSteps"] = 2
            other["warmupSteps"] = 2
            compared = "\(try make(entry.name, values))"
            values["warmupSteps"] = nil
          }
          #expect(
            "\(try make(entry.name, other))" != compared, "\(entry.name).\(parameter.key)")
        }
      }
    }
    try check(ClipCatalog.entries) { try ClipCatalog.make($0, values: $1) }
    try check(ConstraintCatalog.entries) { try ConstraintCatalog.make($0, values: $1) }
    try check(RegularizerCatalog.entries) { try RegularizerCatalog.make($0, values: $1) }
    try check(ScheduleCatalog.entries) {
      try ScheduleCatalog.make($0, learningRate: 1, values: $1)
    }
  }

  /// The tables' defaults are those of the types.
  @Test func otherDefaultsAreThoseOfTheTypes() throws {
    #expect(try ClipCatalog.make("autoClip") as? AutoClip == AutoClip())
    #expect(try ClipCatalog.make("zClip") as? ZClip == ZClip())
    #expect(try ClipCatalog.make("blockRMS") as? ClipByBlockRMS == ClipByBlockRMS())
    #expect(try ClipCatalog.make("adaptive") as? AdaptiveClip == AdaptiveClip())
    #expect(
      try ConstraintCatalog.make("spectralNorm", values: ["limit": 2]) == .spectralNorm(2))
    #expect(
      try ConstraintCatalog.make("ball", values: ["limit": 2, "every": 5])
        == WeightConstraint.ball(2).every(5))
    #expect(try ConstraintCatalog.make("nonNegative") == .nonNegative)
    #expect(
      try ScheduleCatalog.make("reduceOnPlateau", learningRate: 0.5)
        == .reduceOnPlateau(ReduceOnPlateau(), of: 0.5))
    #expect(try RegularizerCatalog.make("l1") == WeightRegularizer(l1: 0.01))
    #expect(try RegularizerCatalog.make("l2") == WeightRegularizer(l2: 0.01))
    #expect(try RegularizerCatalog.make("l1l2") == WeightRegularizer())
  }

  @Test func schedulesStartFromTheLearningRate() throws {
    let chain = try OptimizerCatalog.make("adam", values: ["learningRate": 0.5]) { rate in
      try ScheduleCatalog.make("exponential", learningRate: rate, values: ["factor": 0.5])
    }
    #expect(
      chain.transforms.last as? ScaleByLearningRate
        == ScaleByLearningRate(.exponential(initial: 0.5, factor: 0.5)))
  }

  @Test func unknownNamesKeysAndTypesAreNamed() throws {
    func expect(_ key: String, _ text: String, _ body: () throws -> Void) {
      let error = #expect(throws: HyperparameterError.self, performing: body)
      #expect(error?.key == key)
      #expect(error?.description.contains(text) == true, "\(String(describing: error))")
    }
    expect("name", "adamW") { _ = try OptimizerCatalog.make("adamw") }
    expect("beta", "beta1, beta2") { _ = try OptimizerCatalog.make("adam", values: ["beta": 0.9]) }
    expect("beta1", "below 1") { _ = try OptimizerCatalog.make("adam", values: ["beta1": 1]) }
    expect("beta1", "\"a lot\"") {
      _ = try OptimizerCatalog.make("adam", values: ["beta1": "a lot"])
    }
    expect("amsgrad", "true or false") {
      _ = try OptimizerCatalog.make("adam", values: ["amsgrad": 1])
    }
    expect("nesterov", "momentum") {
      _ = try OptimizerCatalog.make("sgd", values: ["nesterov": true])
    }
    expect("limit", "above 0") { _ = try ClipCatalog.make("norm", values: ["limit": -1]) }
    expect("limit", "must be given") { _ = try ClipCatalog.make("norm") }
    expect("norm", "one of") {
      _ = try ClipCatalog.make("globalNorm", values: ["limit": 1, "norm": "9"])
    }
    expect("scope", "patterns") { _ = try ClipCatalog.make("zClip", values: ["scope": "a.*"]) }
    expect("scope", "empty") { _ = try ClipCatalog.make("zClip", values: ["scope": .texts([""])]) }
    expect("percentile", "between 0.0 and 100.0") {
      _ = try ClipCatalog.make("autoClip", values: ["percentile": 101])
    }
    expect("percentile", "between") {
      _ = try ClipCatalog.make("autoClip", values: ["percentile": .number(.nan)])
    }
    expect("adjustment", "reciprocal, threshold, mean") {
      _ = try ClipCatalog.make("zClip", values: ["adjustment": "none"])
    }
    expect("every", "at least 1") {
      _ = try ConstraintCatalog.make("unitNorm", values: ["every": 0])
    }
    expect("limit", "above 0") {
      _ = try ConstraintCatalog.make("spectralNorm", values: ["limit": .number(.nan)])
    }
    expect("limit", "above 0") { _ = try ConstraintCatalog.make("ball", values: ["limit": -3]) }
    expect("l2", "at least 0") { _ = try RegularizerCatalog.make("l2", values: ["l2": -1]) }
    expect("l1", "too large") { _ = try RegularizerCatalog.make("l1", values: ["l1": 1e39]) }
    expect("goal", "minimize, maximize") {
      _ = try ScheduleCatalog.make(
        "reduceOnPlateau", learningRate: 1, values: ["goal": "smallest"])
    }
    expect("axes", "axesLayout") {
      _ = try ConstraintCatalog.make("maxNorm", values: ["axes": [0]])
    }
    expect("minimum", "maximum") {
      _ = try ConstraintCatalog.make("minMaxNorm", values: ["minimum": 3, "maximum": 2])
    }
    expect("steps", "whole number") {
      _ = try ScheduleCatalog.make("cosine", learningRate: 1, values: ["steps": 1.5])
    }
    expect("milestones", "growing") {
      _ = try ScheduleCatalog.make("multiStep", learningRate: 1, values: ["milestones": [3, 3]])
    }
  }
}
