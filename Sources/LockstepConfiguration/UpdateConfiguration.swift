import LockstepEngine
import LockstepFiles
import LockstepOptimization
import LockstepTraining

/// Clips, optimizer, parameter groups and constraints, as a configuration names them.
package struct UpdateConfiguration: Sendable {
  /// The optimizer and its schedule; nil where the step finds the direction itself.
  let optimizer: (choice: CatalogChoice, schedule: CatalogChoice)?
  /// The clips, first one first.
  let clips: [CatalogChoice]
  let groups: [ParameterGroup]
  let constraints: [ConstraintRule]
  let regularizers: [RegularizerRule]
  let average: WeightAverage?

  /// Whether the learning rate follows the evaluations, and whether a lower loss is what counts.
  var plateauMinimizes: Bool? {
    guard let schedule = optimizer?.schedule, schedule.name == "reduceOnPlateau" else { return nil }
    return schedule.values["goal"] != .text("maximize")
  }

  /// The length of the learning rate's schedule; nil for a schedule without one.
  ///
  /// - Parameter totalSteps: how long a schedule lasts that does not say it itself.
  func scheduleSteps(totalSteps: Int) -> Int? {
    guard let schedule = optimizer?.schedule,
      let entry = ScheduleCatalog.entries.first(where: { $0.name == schedule.name }),
      entry.parameters.contains(where: { $0.key == "steps" })
    else { return nil }
    guard case .number(let steps)? = schedule.values["steps"] else { return totalSteps }
    return Int(steps)
  }

  /// The chain of transforms for a run.
  ///
  /// - Parameter totalSteps: how long schedules last that do not say it themselves.
  /// - Throws: `HyperparameterError`.
  package func chain(totalSteps: Int) throws -> Chain {
    let clips = Chain(try clips.map { try ClipCatalog.make($0.name, values: $0.values) })
    guard let (choice, schedule) = optimizer else { return clips }
    return clips
      + (try OptimizerCatalog.make(choice.name, values: choice.values) { rate in
        try ConfigurationReader.makeSchedule(
          schedule.name, schedule.values, learningRate: rate, totalSteps: totalSteps)
      })
  }
}

// MARK: - Reading

extension ConfigurationReader {
  /// Reads `optimizer`, `clip`, `constraints`, `regularizers` and `average`.
  ///
  /// - Parameter hasOptimizer: whether there is one; else the step finds the direction itself.
  func update(hasOptimizer: Bool) throws(ConfigurationError) -> UpdateConfiguration {
    var optimizer: (choice: CatalogChoice, schedule: CatalogChoice)?
    var groups: [ParameterGroup] = []
    if hasOptimizer {
      let reader = try object("optimizer", shorthand: "type")
      let choice = try reader.choice(among: OptimizerCatalog.entries, default: "adam")
      _ = try reader.make { try OptimizerCatalog.make(choice.name, values: choice.values) }
      optimizer = (choice, try reader.object("schedule", shorthand: "type").schedule())
      groups = try reader.groups()
    }
    var clips: [CatalogChoice] = []
    try refuseNumber("clip") { ["type": "globalNorm", "limit": $0] }
    for reader in try objects("clip", required: false, shorthand: "type") {
      let choice = try reader.choice(among: ClipCatalog.entries)
      _ = try reader.make { try ClipCatalog.make(choice.name, values: choice.values) }
      clips.append(choice)
    }
    var rules: [ConstraintRule] = []
    for reader in try objects("constraints", required: false) {
      rules.append(ConstraintRule(try reader.target(), try reader.constraint()))
    }
    var penalties: [RegularizerRule] = []
    try refuseNumber("regularizers") { [["pattern": "*.weight", "type": "l2", "l2": $0]] }
    for reader in try objects("regularizers", required: false) {
      let target = try reader.target()
      let choice = try reader.choice(among: RegularizerCatalog.entries)
      penalties.append(
        RegularizerRule(
          target,
          try reader.make { try RegularizerCatalog.make(choice.name, values: choice.values) }))
    }
    var average: WeightAverage?
    try refuseNumber("average") { ["decay": $0] }
    if let reader = try optionalObject("average") {
      let values = try reader.values(of: WeightAverage.entry)
      average = try reader.make { try WeightAverage(values: values) }
    }
    return UpdateConfiguration(
      optimizer: optimizer, clips: clips, groups: groups, constraints: rules,
      regularizers: penalties, average: average)
  }

  /// Reads the parameter groups of an optimizer.
  private func groups() throws(ConfigurationError) -> [ParameterGroup] {
    var groups: [ParameterGroup] = []
    for reader in try objects("groups", required: false) {
      groups.append(
        ParameterGroup(
          try reader.string("pattern"),
          learningRate: try reader.double("learningRateFactor", default: 1, in: 0...),
          weightDecay: try reader.double("weightDecayFactor", default: 1, in: 0...),
          clipNorm: try reader.optionalDouble("clipNorm", above: 0)))
    }
    return groups
  }

  /// Reads what a rule is about: `pattern`, names of parameters, or `kind`, a kind of layers.
  private func target() throws(ConfigurationError) -> ParameterTarget {
    let pattern = try optionalString("pattern")
    let kind = try optionalString("kind")
    switch (pattern, kind) {
    case (let pattern?, nil): return .pattern(pattern)
    case (nil, let kind?): return .kernels(ofKind: kind)
    case (nil, nil):
      throw error(
        "pattern", "is missing: a rule names its parameters by 'pattern' or by 'kind' of layer")
    case (_?, _?):
      throw error("kind", "and 'pattern' both say what the rule is about; give one of the two")
    }
  }

  /// Reads a schedule; its `steps` may be left to the run.
  private func schedule() throws(ConfigurationError) -> CatalogChoice {
    let choice = try choice(
      among: ScheduleCatalog.entries, default: "constant", skipping: ["steps"])
    let entry = ScheduleCatalog.entries.first { $0.name == choice.name }!  // choice has checked it
    var values = choice.values
    if entry.parameters.contains(where: { $0.key == "steps" }),
      let steps = try optionalInteger("steps", in: 1...HyperparameterRange.largestInteger)
    {
      values["steps"] = .number(Double(steps))
    }
    // What the table accepts and the schedule does not is found before any rank computes.
    _ = try make {
      try Self.makeSchedule(choice.name, values, learningRate: 1, totalSteps: 1_000_000)
    }
    return CatalogChoice(name: choice.name, values: values, path: choice.path)
  }

  /// Makes a schedule; one whose `steps` are left to the run lasts as long as the run.
  fileprivate static func makeSchedule(
    _ name: String, _ values: [String: HyperparameterValue], learningRate: Double, totalSteps: Int
  ) throws -> Schedule {
    var values = values
    let entry = ScheduleCatalog.entries.first { $0.name == name }
    if values["steps"] == nil, entry?.parameters.contains(where: { $0.key == "steps" }) == true {
      values["steps"] = .number(Double(totalSteps))
    }
    return try ScheduleCatalog.make(name, learningRate: learningRate, values: values)
  }
}
