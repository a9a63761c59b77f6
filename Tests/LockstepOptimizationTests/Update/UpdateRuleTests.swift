import LockstepCatalog
import LockstepEngine
import LockstepOptimization
import Testing

private let optimizers: [(name: String, chain: Chain)] =
  OptimizerCatalog.catalog.entries.map { entry in
    // The catalog's own defaults are in range, as CatalogTests shows.
    let made = try! OptimizerCatalog.catalog.make(entry.name).chain(totalSteps: 100)
    // Signs and orthogonal matrices ignore what a clip does.
    return (
      entry.name,
      ["signSGD", "muon", "scion"].contains(entry.name) ? made : Chain(ClipByGlobalNorm(3)) + made
    )
  }

/// Chains of every shape: one pass, several, with and without a fused step.
private let chains: [(name: String, chain: Chain)] =
  optimizers + [
    ("plain", Chain(ScaleByLearningRate(0.1))),
    ("empty", Chain()),
    (
      "adam, all terms",
      Chain(
        ClipByNorm(1), WeightDecay(0.02), ScaleByAdam(), DecoupledWeightDecay(0.1),
        ScaleByLearningRate(.warmup(steps: 2, start: 0.1, then: 0.01)))
    ),
    (
      "momentum, all terms",
      Chain(ClipByGlobalNorm(2, formula: .pyTorch))
        + .sgd(
          learningRate: 0.1, momentum: 0.9, dampening: 0.1, weightDecay: 0.1)
    ),
    (
      "nesterov",
      Chain(ClipByGlobalNorm(2)) + .sgd(learningRate: 0.1, momentum: 0.9, nesterov: true)
    ),
    (
      "three passes",
      Chain(ClipByValue(0.7), ClipByGlobalNorm(30), AdaptiveClip(0.5), ScaleByAdam())
        + Chain(ScaleByTrustRatio(), ScaleByLearningRate(0.1))
    ),
    ("p = 3", Chain(ClipByGlobalNorm(1, norm: .power(3))) + .adam()),
    ("p = ∞", Chain(ClipByGlobalNorm(0.5, norm: .infinity), ClipByNorm(2)) + .adamW()),
    ("autoclip", Chain(AutoClip(percentile: 25, window: 2)) + .adamW()),
    ("zclip", Chain(ZClip(threshold: 0.01, warmup: 1, maximum: 50)) + .sgd(learningRate: 0.1)),
    ("block RMS", Chain(ClipByBlockRMS(0.3)) + .adam()),
    (
      "histories of a later pass",
      Chain(
        ClipByValue(0.7), AutoClip(percentile: 30, window: 3, scope: ["*.weight"]),
        ZClip(threshold: 0.01, warmup: 1, adjustment: .mean), ZClip(warmup: 1), ClipByBlockRMS(0.2),
        ScaleByLearningRate(0.1))
    ),
    (
      "scoped",
      Chain(
        ClipByGlobalNorm(1, scope: ["*.weight"]), AdaptiveClip(0.1, scope: ["wide.*", "conv.*"]),
        ClipByValue(0.1, scope: ["long.bias"])) + .adam()
    ),
  ]

/// Constraints of every way of carrying out, for `mixedLayout`.
private let mixedConstraints: [WeightConstraint?] = [
  .maxNorm(0.9), .valueBox(-0.4, 0.3), .maxNorm(0.5, axes: .axes([2])), .maxNorm(30),
  .unitNorm(), .minMaxNorm(0.5, 1, rate: 0.5), .nonNegative,
]

/// The same with whole tensors, singular values, and projections now and then.
private let laterConstraints: [WeightConstraint?] = [
  .spectralNorm(0.7), .ball(0.5), .spectralNorm(2, iterations: 2), .ball(20).every(2),
  .ball(3), .spectralNorm(1.5).every(2), .valueBox(-0.1, 0.1).every(3),
]

/// The same in ways of their own, inside blocks and over the whole tensor.
private let ownConstraints: [WeightConstraint?] = [
  .init(Doubled()), .init(Doubled(), axes: .axes([0])), .init(Doubled(), axes: .axes([1, 3])),
  .init(Doubled()), .init(Doubled()).every(2), .init(Doubled()), .init(Doubled(), axes: .all),
]

/// Doubles units whose values add up to less than nothing.
private struct Doubled: UnitProjection {
  func validate(owner: String) throws {}

  func project(_ unit: inout MutableSpan<Float>) {
    var sum = 0.0
    for index in unit.indices { sum += Double(unit[index]) }
    if sum < 0 { for index in unit.indices { unit[index] *= 2 } }
  }
}

/// Gives a rank the other ranks' parts of an update as they were when the step was made before, and has it
/// transform all matrices.
private final class RepeatedExchange: MatrixExchange {
  private let parts: [Range<Int>]
  private let part: Int
  private let exchange: ([Float]) -> [[Float]?]

  /// - Parameter exchange: takes this rank's update, and gives those known of all ranks.
  init(_ parts: [Range<Int>], _ part: Int, _ exchange: @escaping ([Float]) -> [[Float]?]) {
    self.parts = parts
    self.part = part
    self.exchange = exchange
  }

  func transform(
    _ update: UnsafeMutablePointer<Float>,
    _ work: (_ slot: Int, _ values: UnsafeMutablePointer<Float>) -> Void
  ) {
    let blocks = mixedLayout.blocks()
    let known = exchange((0..<mixedLayout.count).map { update[$0] })
    for (other, values) in known.enumerated() where other != part {
      guard let values else { continue }
      for block in parts[other] { for i in blocks[block].range { update[i] = values[i] } }
    }
    for (slot, tensor) in mixedLayout.slots.enumerated() { work(slot, update + tensor.offset) }
  }
}

private let constraintSets = [mixedConstraints, laterConstraints, ownConstraints]

@Suite struct UpdateRuleTests {
  private static func trial(
    _ chain: Chain, _ constraints: [WeightConstraint?], set: InstructionSet = .detected,
    fuses: Bool = true
  ) throws -> Trial {
    try Trial(
      mixedLayout, chain, constraints: constraints,
      groups: [ParameterGroup("*.bias", learningRate: 2, weightDecay: 0)],
      average: WeightAverage(decay: 0.5), instructionSet: set, fuses: fuses)
  }

  private func run(
    _ chain: Chain, set: InstructionSet = .detected, fuses: Bool = true, steps: Int = 3,
    blocks: [Range<Int>]? = nil, constraints: [WeightConstraint?] = mixedConstraints
  ) throws -> (parameters: [UInt32], state: [UInt64], reports: [UpdateReport]) {
    let trial = try Self.trial(chain, constraints, set: set, fuses: fuses)
    let reports = try (0..<steps).map {
      try trial.step($0, randomArena(mixedLayout, seed: 100 + UInt64($0)), blocks: blocks)
    }
    return (bits(trial.parameters), trial.stateBits, reports)
  }

  @Test(arguments: chains.indices)
  func fusedStepsHaveTheBitsOfTheChain(_ index: Int) throws {
    let fused = try run(chains[index].chain)
    let plain = try run(chains[index].chain, fuses: false)
    #expect(fused == plain, "\(chains[index].name)")
  }

  @Test(arguments: chains.indices, constraintSets)
  func allInstructionSetsHaveTheSameBits(_ index: Int, _ constraints: [WeightConstraint?]) throws {
    let (name, chain) = chains[index]
    let baseline = try run(chain, set: .baseline, constraints: constraints)
    for set in InstructionSet.allCases where set <= .detected {
      #expect(try run(chain, set: set, constraints: constraints) == baseline, "\(name), \(set)")
    }
  }

  @Test(arguments: chains.indices, constraintSets)
  func anyGroupingAndOrderOfBlocksHasTheSameBits(
    _ index: Int, _ constraints: [WeightConstraint?]
  ) throws {
    let (name, chain) = chains[index]
    let whole = try run(chain, constraints: constraints)
    let count = mixedLayout.blocks().count
    #expect(count >= 20)
    let single = (0..<count).reversed().map { $0..<$0 + 1 }
    #expect(try run(chain, blocks: single, constraints: constraints) == whole, "\(name)")
    #expect(
      try run(chain, blocks: [11..<count, 0..<4, 4..<11], constraints: constraints) == whole,
      "\(name)")
  }

  /// Two rules, each with a part of the blocks, exchange sums like ranks with a sharded update.
  @Test(arguments: chains.indices, constraintSets)
  func shardedUpdatesHaveTheSameBits(_ index: Int, _ constraints: [WeightConstraint?]) throws {
    let whole = try run(chains[index].chain, constraints: constraints)
    let blocks = mixedLayout.blocks()
    // The first cut lies inside a unit of wide.weight.
    let wide = blocks.firstIndex { $0.slot == 3 }! + 1
    let parts = [0..<wide, wide..<blocks.count - 3, blocks.count - 3..<blocks.count]
    let trials = try parts.map { _ in try Self.trial(chains[index].chain, constraints) }
    for step in 0..<3 {
      let gradient = randomArena(mixedLayout, seed: 100 + UInt64(step))
      // Each part's tables, call by call: later parts need those of earlier ones and the other
      // way round, so the step is repeated from a copy until all tables are known.
      let start = trials.map { ($0.parameters, snapshot($0.rule.state)) }
      var tables: [[[Double]]] = parts.map { _ in [] }
      var calls = -1
      var reports: [UpdateReport] = []
      var updates: [[Float]?] = parts.map { _ in nil }
      while true {
        reports = []
        var made: [[[Double]]] = []
        for (part, trial) in trials.enumerated() {
          trial.rule.matrixExchange = RepeatedExchange(parts, part) { mine in
            let known = updates
            updates[part] = mine
            return known
          }
          trial.parameters = start[part].0
          restore(trial.rule.state, start[part].1)
          var call = 0
          var own: [[Double]] = []
          let report = try trial.step(step, gradient, blocks: [parts[part]]) { table, width in
            own.append(Array(table))
            for other in parts.indices where other != part && call < tables[other].count {
              for row in parts[other] {
                for column in row * width..<(row + 1) * width {
                  table[column] = tables[other][call][column]
                }
              }
            }
            call += 1
          }
          reports.append(report)
          made.append(own)
        }
        tables = made
        calls += 1
        if calls > (tables.first?.count ?? 0) + 2 { break }
      }
      #expect(reports.allSatisfy { $0 == whole.reports[step] }, "\(chains[index].name)")
      // The ranks gather parameters.
      var gathered = trials[0].parameters
      for (part, trial) in trials.enumerated() {
        for block in parts[part] {
          gathered.replaceSubrange(blocks[block].range, with: trial.parameters[blocks[block].range])
        }
      }
      for trial in trials {
        trial.parameters = gathered
        #expect(trial.rule.projectsAfterGather)
        try trial.parameters.withUnsafeMutableBufferPointer {
          try trial.rule.projectGathered(parameters: $0)
        }
      }
    }
    #expect(bits(trials[0].parameters) == whole.parameters, "\(chains[index].name)")
    // State of blocks is with their owners, all other state on every rank.
    var gathered: [UInt64] = []
    for (number, entry) in trials[0].rule.state.enumerated() {
      let all = trials.map { bits([$0.rule.state[number]]) }
      var values = all[0]
      if case .arena(_, let layout) = entry.storage {
        for (part, own) in all.enumerated() {
          for block in parts[part] {
            guard let range = place(of: blocks[block], in: layout) else { continue }
            values.replaceSubrange(range, with: own[range])
          }
        }
      } else {
        #expect(all.allSatisfy { $0 == all[0] }, "\(chains[index].name), \(entry.name)")
      }
      gathered += values
    }
    #expect(gathered == whole.state, "\(chains[index].name)")
  }

  /// Where the values of a block of the mixed layout lie in a layout of some of its tensors.
  private func place(of block: Block, in layout: FlatLayout) -> Range<Int>? {
    let whole = mixedLayout.slots[block.slot]
    guard let slot = layout.slots.first(where: { $0.name == whole.name }), slot.shape == whole.shape
    else { return nil }
    let start = slot.offset + block.offset - whole.offset
    return start..<start + block.count
  }

  private func snapshot(_ state: [StateEntry]) -> [[Double]] {
    state.map { entry in
      switch entry.storage {
      case .arena(let buffer, _): buffer.map(Double.init)
      case .floats(let buffer): buffer.map(Double.init)
      case .doubles(let buffer): Array(buffer)
      case .integers(let buffer): buffer.map(Double.init)
      }
    }
  }

  private func restore(_ state: [StateEntry], _ saved: [[Double]]) {
    for (entry, values) in zip(state, saved) {
      switch entry.storage {
      case .arena(let buffer, _): for i in values.indices { buffer[i] = Float(values[i]) }
      case .floats(let buffer): for i in values.indices { buffer[i] = Float(values[i]) }
      case .doubles(let buffer): for i in values.indices { buffer[i] = values[i] }
      case .integers(let buffer): for i in values.indices { buffer[i] = Int64(values[i]) }
      }
    }
  }

  /// State restored into a new rule goes on with the same bits.
  @Test(arguments: chains.indices, constraintSets)
  func stateIsAllThatAStepDependsOn(_ index: Int, _ constraints: [WeightConstraint?]) throws {
    let whole = try run(chains[index].chain, steps: 4, constraints: constraints)
    let make = { try Self.trial(chains[index].chain, constraints) }
    let first = try make()
    for step in 0..<2 {
      try first.step(step, randomArena(mixedLayout, seed: 100 + UInt64(step)))
    }
    let second = try make()
    #expect(second.rule.state.map(\.name) == first.rule.state.map(\.name))
    #expect(Set(first.rule.state.map(\.name)).count == first.rule.state.count)
    restore(second.rule.state, snapshot(first.rule.state))
    second.parameters = first.parameters
    for step in 2..<4 {
      try second.step(step, randomArena(mixedLayout, seed: 100 + UInt64(step)))
    }
    #expect(bits(second.parameters) == whole.parameters)
    #expect(second.stateBits == whole.state)
  }

  @Test(arguments: chains.indices, constraintSets)
  func paddingStaysZero(_ index: Int, _ constraints: [WeightConstraint?]) throws {
    let trial = try Self.trial(chains[index].chain, constraints)
    for step in 0..<3 { try trial.step(step, randomArena(mixedLayout, seed: UInt64(step))) }
    func check(_ values: some Sequence<Float>, _ layout: FlatLayout) {
      var isPadding = [Bool](repeating: true, count: layout.count)
      for slot in layout.slots { for i in slot.range { isPadding[i] = false } }
      #expect(zip(values, isPadding).allSatisfy { !$0.1 || $0.0.bitPattern == 0 })
    }
    check(trial.parameters, mixedLayout)
    for case .arena(let buffer, let layout) in trial.rule.state.map(\.storage) {
      check(buffer, layout)
    }
  }

  @Test func stateAdvancesOnceAStepAndOnlyWhenApplied() throws {
    let trial = try Trial(mixedLayout, .adam())
    let gradient = randomArena(mixedLayout, seed: 5)
    let before = (trial.parameters, trial.stateBits)
    try trial.rule.prepare(step: 0, blockSums: trial.blockSums(gradient))
    try trial.rule.prepare(step: 0, blockSums: trial.blockSums(gradient))
    #expect(trial.parameters == before.0 && trial.stateBits == before.1)
    try trial.apply(gradient)
    #expect(trial.rule.updateCount == 1)
    let after = (trial.parameters, trial.stateBits)
    #expect(after.0 != before.0)
    #expect(throws: UpdateError.notPrepared) { try trial.apply(gradient) }
    #expect(trial.parameters == after.0 && trial.stateBits == after.1)
  }

  /// Steps that were never applied (a skipped non-finite gradient) do not move bias corrections.
  @Test func skippedStepsDoNotCount() throws {
    let skipping = try Trial(mixedLayout, .adam())
    let steady = try Trial(mixedLayout, .adam())
    for step in 0..<3 {
      let gradient = randomArena(mixedLayout, seed: UInt64(step))
      try steady.step(step, gradient)
      try skipping.rule.prepare(step: 2 * step, blockSums: skipping.blockSums(gradient))
      try skipping.step(2 * step + 1, gradient)
    }
    #expect(skipping.parameters == steady.parameters)
    #expect(skipping.stateBits == steady.stateBits)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func nonFiniteGradientsAreNamedAndChangeNothing(_ value: Float) throws {
    let trial = try Trial(mixedLayout, Chain(ClipByGlobalNorm(1)) + .adamW())
    try trial.step(0, randomArena(mixedLayout, seed: 1))
    let before = (bits(trial.parameters), trial.stateBits)
    for slot in mixedLayout.slots {
      var gradient = randomArena(mixedLayout, seed: 2)
      gradient[slot.range.upperBound - 1] = value
      let sums = trial.blockSums(gradient)
      let error = #expect(throws: NonFiniteGradient.self) {
        try trial.rule.prepare(step: 1, blockSums: sums)
      }
      #expect(error?.name == slot.name)
      #expect(error?.step == 1)
      if let error {
        #expect(trial.rule.blocks[error.block].range.contains(slot.range.upperBound - 1))
      }
      #expect(throws: UpdateError.notPrepared) { try trial.apply(gradient) }
    }
    #expect(bits(trial.parameters) == before.0 && trial.stateBits == before.1)
  }

  @Test func groupsMultiplyLearningRateAndDecay() throws {
    let layout = FlatLayout([
      ("trunk.weight", [3, 4]), ("head.weight", [2, 4]), ("head.bias", [2]),
    ])
    let groups = [
      ParameterGroup("*.bias", weightDecay: 0), ParameterGroup("head.*", learningRate: 0.5),
      ParameterGroup("trunk.?eight", learningRate: 0),
    ]
    let trial = try Trial(
      layout, .sgd(learningRate: 0.25, weightDecay: 0.5), groups: groups)
    let before = trial.parameters
    let gradient = randomArena(layout, seed: 9)
    try trial.step(0, gradient)
    for (slot, (rate, decay)) in zip(
      layout.slots, [(Float(0), Float(0.5)), (0.125, 0.5), (0.25, 0)])
    {
      for i in slot.range {
        #expect(trial.parameters[i] == before[i] - (gradient[i] + before[i] * decay) * rate)
      }
    }
    #expect(throws: UpdateError.self) {
      try UpdateRule(layout: layout, chain: .sgd(), groups: [ParameterGroup("tail.*")])
    }
  }

  @Test func callsThatDoNotFitAreErrors() throws {
    let trial = try Trial(mixedLayout, Chain(ClipByValue(1), ClipByGlobalNorm(1)) + .sgd())
    let gradient = randomArena(mixedLayout, seed: 1)
    #expect(throws: UpdateError.self) { try trial.rule.prepare(step: 0, blockSums: [1]) }
    try trial.rule.prepare(step: 0, blockSums: trial.blockSums(gradient))
    #expect(throws: UpdateError.needsGather) { try trial.apply(gradient, blocks: [0..<1]) }
    #expect(throws: UpdateError.badBlocks([0..<2, 1..<3])) {
      try trial.apply(gradient, blocks: [0..<2, 1..<3])
    }
    #expect(throws: UpdateError.self) { try trial.apply([1, 2]) }
    #expect(throws: UpdateError.self) {
      try UpdateRule(layout: mixedLayout, chain: .sgd(), constraints: [nil])
    }
    // None of that used the prepared step up.
    try trial.apply(gradient)
  }

  @Test func anEmptyLayoutSteps() throws {
    let trial = try Trial(FlatLayout([]), Chain(ClipByGlobalNorm(1)) + .adam())
    let report = try trial.step(0, [])
    #expect(report.gradientNorm == 0 && !report.clipped)
  }
}
