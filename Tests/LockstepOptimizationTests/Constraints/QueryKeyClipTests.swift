import LockstepEngine
import LockstepOptimization
import Testing

/// The rows of heads are scaled by what a step tells of their logits, and nothing else is.
@Suite struct QueryKeyClipTests {
  /// 2 heads of 24 rows for queries, then as many for keys, then values: rows of 48 values, so that a block ends
  /// within a head's rows.
  private static let width = 48
  private static let packed = [
    HeadRows(.queries, firstRow: 0, heads: 2, width: 24, firstHead: 0),
    HeadRows(.keys, firstRow: 48, heads: 2, width: 24, firstHead: 0),
  ]
  private static let layout = FlatLayout(
    [("in_proj_weight", [144, 48]), ("in_proj_bias", [144]), ("other", [3, 4])], constraints: [],
    roles: [.kernel, .other, .output], heads: [packed, packed, []])

  private static func values() -> [Float] {
    (0..<layout.count).map { Float(($0 * 37 + $0 * $0 % 19) % 101) / 50 - 1 }
  }

  private static func rule(
    _ constraints: [WeightConstraint?] = [.qkClip(10), .qkClip(10), nil],
    layout: FlatLayout = layout, owning owned: Range<Int>? = nil,
    chain: Chain = .sgd(learningRate: 0)
  ) throws -> UpdateRule {
    try UpdateRule(layout: layout, chain: chain, constraints: constraints, owning: owned)
  }

  /// The parameters after an update with these logits, and the share of the heads that were clipped.
  private func update(
    _ rule: UpdateRule, _ logits: [Double], from start: [Float] = values()
  ) throws -> (values: [Float], clipped: Double?) {
    let (parameters, gradient) = (
      Arena<Float>(count: rule.layout.count), Arena<Float>(count: rule.layout.count)
    )
    _ = parameters.buffer.update(fromContentsOf: start)
    logits.withUnsafeBufferPointer { rule.tell(largestLogits: $0) }
    try rule.prepare(step: 0, blockSums: rule.blocks.map { _ in 0 })
    let whole = rule.owned == rule.blocks.indices
    let report = try rule.apply(
      gradient: UnsafeBufferPointer(gradient.buffer), parameters: parameters.buffer,
      gather: whole ? nil : { _, _ in })
    return (
      withExtendedLifetime(parameters) { Array(parameters.buffer) }, report.headClip?.fraction
    )
  }

  /// The definition, in Double.
  private func expected(_ factors: [(queries: Double, keys: Double)]) -> [Float] {
    var values = Self.values()
    for (slot, size) in [(0, 48), (1, 1)] {
      let start = Self.layout.slots[slot].offset
      for (head, factor) in factors.enumerated() {
        for row in 0..<24 {
          for column in 0..<size {
            for (part, factor) in [factor.queries, factor.keys].enumerated() {
              let place = start + (part * 48 + head * 24 + row) * size + column
              values[place] = Float(Double(values[place]) * Double(Float(factor)))
            }
          }
        }
      }
    }
    return values
  }

  @Test func headsAboveTheThresholdAreScaledAndOthersKeepTheirBits() throws {
    let (values, clipped) = try update(try Self.rule(), [40, 9.99])
    #expect(values == expected([(0.5, 0.5), (1, 1)]) && clipped == 0.5)
    let (uneven, all) = try update(
      try Self.rule([.qkClip(10, alpha: 0.25), .qkClip(10, alpha: 0.25), nil]), [160, 2560])
    #expect(uneven == expected([(0.5, 0.125), (0.25, 0.015625)]) && all == 1)
    let (keys, _) = try update(
      try Self.rule([.qkClip(10, alpha: 0), .qkClip(10, alpha: 0), nil]), [20, 1])
    #expect(keys == expected([(1, 0.5), (1, 1)]))
  }

  /// Nothing is divided by a logit that is not above the threshold, or none.
  @Test(arguments: [0, -1e9, -.infinity, .nan, 10, .infinity, 1e-300, -0.0])
  func otherLogitsChangeNothing(logit: Double) throws {
    let (values, clipped) = try update(try Self.rule(), [logit, logit])
    #expect(values == Self.values() && clipped == 0)
  }

  /// A head's rows may lie in slices of two owners: both know the factor.
  @Test func anyOwnersOfBlocksGiveTheSameBits() throws {
    let whole = try update(try Self.rule(), [77, 123])
    let blocks = Self.layout.blocks()
    #expect(blocks.count == 4 && blocks[0].count % (24 * 48) != 0)
    #expect(try Self.rule().projectsAfterGather == false)
    for cut in 0...blocks.count {
      var joined = Self.values()
      for owned in [0..<cut, cut..<blocks.count] {
        let part = try update(try Self.rule(owning: owned), [77, 123])
        for block in owned {
          joined.replaceSubrange(blocks[block].range, with: part.values[blocks[block].range])
        }
        #expect(part.clipped == 1)
      }
      #expect(joined == whole.values)
    }
    // Walked block by block, and in parts of blocks.
    let walked = try UpdateRule(
      layout: Self.layout, chain: .sgd(learningRate: 0),
      constraints: [.qkClip(10), .qkClip(10), nil], groups: [],
      average: WeightAverage(decay: 0.5))
    #expect(try update(walked, [77, 123]).values == whole.values)
  }

  @Test func itHoldsAfterEveryUpdateThatItSays() throws {
    let rule = try Self.rule([.qkClip(10).every(2), .qkClip(10).every(2), nil])
    #expect(try update(rule, [40, 40]).values == Self.values())
    #expect(try update(rule, [40, 40]).values == expected([(0.5, 0.5), (0.5, 0.5)]))
  }

  /// Several attentions may take their queries from the same rows: the largest of their logits counts.
  @Test func sharedRowsFollowTheLargestLogit() throws {
    let queries = [0, 2].map { HeadRows(.queries, firstRow: 0, heads: 2, width: 3, firstHead: $0) }
    let keys = [0, 2].map { HeadRows(.keys, firstRow: 0, heads: 2, width: 3, firstHead: $0) }
    let layout = FlatLayout(
      [("q", [6, 4]), ("k", [6, 4]), ("k2", [6, 4])], constraints: [], roles: [],
      heads: [queries, [keys[0]], [keys[1]]])
    let rule = try Self.rule([.qkClip(10), .qkClip(10), .qkClip(10)], layout: layout)
    let start = [Float](repeating: 1, count: layout.count)
    let (values, clipped) = try update(rule, [40, 5, 160, 5], from: start)
    let found = layout.slots.map { [values[$0.offset], values[$0.offset + 12]] }
    #expect(found == [[0.25, 1], [0.5, 1], [0.25, 1]] && clipped == 0.5)
  }

  // MARK: Refusals

  private func message(
    _ constraints: [WeightConstraint?], layout: FlatLayout = layout
  ) -> String {
    do {
      _ = try Self.rule(constraints, layout: layout)
      return ""
    } catch { return "\(error)" }
  }

  @Test func whatMakesNoHeadsIsRefused() {
    #expect(
      message([nil, nil, .qkClip(10)])
        == "constraint on other: type = qkClip is for weights and biases that make queries or keys of an "
        + "attention by a linear map, with nothing but rotary positions behind it: these do: in_proj_weight, "
        + "in_proj_bias")
    let plain = FlatLayout([("weight", [3, 4])])
    #expect(message([.qkClip(10)], layout: plain).hasSuffix("the model has none that move"))
  }

  @Test func halfOfTheHeadsTensorsIsRefused() {
    for constraints in [[.qkClip(10), nil, nil], [.qkClip(10), .qkClip(11), nil]]
      as [[WeightConstraint?]]
    {
      let found = message(constraints)
      #expect(
        found.contains("constraint on in_proj_weight")
          && found.contains("must hold for in_proj_bias in the same way"))
    }
    let tied = FlatLayout(
      [("w", [6, 4])], constraints: [], roles: [],
      heads: [
        [
          HeadRows(.queries, firstRow: 0, heads: 2, width: 3, firstHead: 0),
          HeadRows(.keys, firstRow: 0, heads: 2, width: 3, firstHead: 0),
        ]
      ])
    #expect(message([.qkClip(10)], layout: tied).contains("queries and keys at once"))
  }

  /// Tensors that begin to move one after the other would be scaled one without the other.
  @Test func headsThatBeginToMoveOneAfterTheOtherAreRefused() throws {
    let both: [WeightConstraint?] = [.qkClip(10), .qkClip(10), nil]
    try QueryKeyClip.check(both, Self.layout, starts: [5, 5, 0])
    let error = #expect(throws: HyperparameterError.self) {
      try QueryKeyClip.check(both, Self.layout, starts: [5, 0, 0])
    }
    #expect(error?.problem.contains("and in_proj_bias begins to move with another step") == true)
    // What has no heads in common may move when it wants.
    try QueryKeyClip.check([nil, nil, .maxNorm(1)], Self.layout, starts: [5, 0, 3])
  }

  @Test func whereTheHeadsAreIsSaid() {
    let (none, heads) = (FlatLayout([("weight", [3, 4])]), Self.layout)
    for (frozen, words) in [
      (none, "the model has none (attentions of ONNX files are not recognised)"),
      (heads, "the model's are frozen: in_proj_weight, in_proj_bias"),
    ] {
      let error = #expect(throws: HyperparameterError.self) {
        try QueryKeyClip.check([.qkClip(10)], none, frozen: frozen)
      }
      #expect(error?.problem.hasSuffix(words) == true)
    }
  }

  @Test func hyperparametersAreChecked() {
    #expect(message([.qkClip(0), .qkClip(0), nil]).contains("threshold = 0.0 must be"))
    #expect(message([.qkClip(1, alpha: 2), .qkClip(1, alpha: 2), nil]).contains("alpha = 2.0"))
  }

  /// A loop that forgets the logits, or tells those of too few heads, is not silently unclipped.
  @Test func aStepWithoutLogitsIsRefused() throws {
    let rule = try Self.rule()
    #expect(throws: UpdateError.needsLogits(heads: 2)) {
      try rule.prepare(step: 0, blockSums: rule.blocks.map { _ in 0 })
    }
    #expect(throws: UpdateError.needsLogits(heads: 2)) { try update(rule, [40]) }
    _ = try update(rule, [40, 40])
    #expect(throws: UpdateError.needsLogits(heads: 2)) {
      try rule.prepare(step: 1, blockSums: rule.blocks.map { _ in 0 })
    }
  }
}
