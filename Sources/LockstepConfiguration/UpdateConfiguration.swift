import LockstepEngine
import LockstepFiles
import LockstepOptimization

/// Clips, optimizer, parameter groups and constraints, as a configuration names them.
public struct UpdateConfiguration: Sendable {
  let optimizer: CatalogChoice
  let schedule: CatalogChoice
  /// The clips, first one first.
  let clips: [CatalogChoice]
  let groups: [ParameterGroup]
  let constraints: [ConstraintRule]

  /// Constrains all trainable tensors whose name matches.
  struct ConstraintRule: Sendable {
    let pattern: String
    let constraint: WeightConstraint
    let path: String
  }

  /// The chain of transforms for a run.
  ///
  /// - Parameter totalSteps: how long schedules last that do not say it themselves.
  /// - Throws: `HyperparameterError`.
  public func chain(totalSteps: Int) throws -> Chain {
    let clips = try clips.map { try ClipCatalog.make($0.name, values: $0.values) }
    let optimizer = try OptimizerCatalog.make(optimizer.name, values: optimizer.values) { rate in
      var values = schedule.values
      let entry = ScheduleCatalog.entries.first { $0.name == schedule.name }
      if values["steps"] == nil, entry?.parameters.contains(where: { $0.key == "steps" }) == true {
        values["steps"] = .number(Double(totalSteps))
      }
      return try ScheduleCatalog.make(schedule.name, learningRate: rate, values: values)
    }
    return Chain(clips) + optimizer
  }

  /// The update of a model's trainable parameters.
  ///
  /// - Parameters:
  ///   - layout: the trainable parameters.
  ///   - specifications: what they are, in the layout's order; their own constraints hold where no
  ///     rule of the configuration names them.
  /// - Throws: `HyperparameterError`, `UpdateError`, ``ConfigurationError`` where a pattern matches
  ///   nothing.
  public func rule(
    layout: FlatLayout, specifications: [ParameterSpecification], totalSteps: Int,
    isa: InstructionSet
  ) throws -> UpdateRule {
    var constraints = zip(layout.slots, specifications).map { $1.constraint }
    var owner = [Int?](repeating: nil, count: layout.slots.count)
    for (index, rule) in self.constraints.enumerated() {
      let group = ParameterGroup(rule.pattern)
      let slots = layout.slots.indices.filter { group.contains(layout.slots[$0].name) }
      guard !slots.isEmpty else { throw UpdateError.unmatchedPattern(rule.pattern) }
      for slot in slots {
        if let other = owner[slot] {
          throw ConfigurationError(
            source: "constraints", path: rule.path,
            reason: "'\(rule.path)' and 'constraints.\(other)' both constrain "
              + "'\(layout.slots[slot].name)'; a tensor has one constraint")
        }
        owner[slot] = index
        constraints[slot] = rule.constraint
      }
    }
    return try UpdateRule(
      layout: layout, chain: try chain(totalSteps: totalSteps), constraints: constraints,
      groups: groups, instructionSet: isa)
  }
}

// MARK: - Reading

extension ConfigurationReader {
  /// Reads `optimizer`, `clip` and `constraints`.
  func update() throws(ConfigurationError) -> UpdateConfiguration {
    let optimizer = try object("optimizer")
    let choice = try optimizer.choice(among: OptimizerCatalog.entries, default: "adam")
    let schedule = try optimizer.object("schedule").schedule()
    var groups: [ParameterGroup] = []
    for reader in try optimizer.objects("groups", required: false) {
      groups.append(
        ParameterGroup(
          try reader.string("pattern"),
          learningRate: try reader.double("learningRateFactor", default: 1, in: 0...),
          weightDecay: try reader.double("weightDecayFactor", default: 1, in: 0...)))
    }
    var clips: [CatalogChoice] = []
    for reader in try oneOrMore("clip") {
      clips.append(try reader.choice(among: ClipCatalog.entries))
    }
    var rules: [UpdateConfiguration.ConstraintRule] = []
    for reader in try objects("constraints", required: false) {
      rules.append(
        .init(
          pattern: try reader.string("pattern"), constraint: try reader.constraint(),
          path: reader.path))
    }
    let update = UpdateConfiguration(
      optimizer: choice, schedule: schedule, clips: clips, groups: groups, constraints: rules)
    // What the tables accept and the transforms do not is found before any rank computes.
    _ = try make { try update.chain(totalSteps: 1_000_000) }
    return update
  }

  /// Reads a schedule; its `steps` may be left to the run.
  private func schedule() throws(ConfigurationError) -> CatalogChoice {
    let choice = try choice(
      among: ScheduleCatalog.entries, default: "constant", skipping: ["steps"])
    let entry = ScheduleCatalog.entries.first { $0.name == choice.name }!  // choice has checked it
    var values = choice.values
    if entry.parameters.contains(where: { $0.key == "steps" }),
      let steps = try optionalInteger("steps", in: 1...)
    {
      values["steps"] = .number(Double(steps))
    }
    return CatalogChoice(name: choice.name, values: values, path: choice.path)
  }

  /// An array of objects, or a single one, or none.
  private func oneOrMore(_ key: String) throws(ConfigurationError) -> [ConfigurationReader] {
    if case .object? = peek(key) { return [try object(key)] }
    if peek(key) == .null {
      _ = try optionalObject(key)
      return []
    }
    return try objects(key, required: false)
  }
}
