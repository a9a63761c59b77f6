import LockstepEngine
import LockstepOptimization

/// A small generator with a fixed sequence (SplitMix64).
struct FixedGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func values(_ count: Int, scale: Float = 1) -> [Float] {
    (0..<count).map { _ in Float.random(in: -1...1, using: &self) * scale }
  }
}

/// Parameters of one layout under one rule, stepped with gradients given as arenas.
final class Trial {
  let rule: UpdateRule
  let layout: FlatLayout
  var parameters: [Float]

  init(
    _ layout: FlatLayout, _ chain: Chain, constraints: [WeightConstraint?] = [],
    groups: [ParameterGroup] = [], average: WeightAverage? = nil,
    instructionSet: InstructionSet = .detected, fuses: Bool = true,
    seed: UInt64 = 1
  ) throws {
    self.layout = layout
    rule = try UpdateRule(
      layout: layout, chain: chain, constraints: constraints, groups: groups, average: average,
      instructionSet: instructionSet, fuses: fuses)
    parameters = randomArena(layout, seed: seed)
  }

  func blockSums(_ gradient: [Float]) -> [Double] {
    gradient.withUnsafeBufferPointer { g in
      rule.blocks.indices.map { rule.measure(block: $0, in: g) }
    }
  }

  /// Measure, prepare, apply.
  @discardableResult
  func step(
    _ number: Int, _ gradient: [Float], blocks: [Range<Int>]? = nil,
    gather: UpdateRule.Gather? = nil
  ) throws -> UpdateReport {
    try rule.prepare(step: number, blockSums: blockSums(gradient))
    return try apply(gradient, blocks: blocks, gather: gather)
  }

  @discardableResult
  func apply(
    _ gradient: [Float], blocks: [Range<Int>]? = nil, gather: UpdateRule.Gather? = nil
  ) throws -> UpdateReport {
    try gradient.withUnsafeBufferPointer { g in
      try parameters.withUnsafeMutableBufferPointer { p in
        try rule.apply(gradient: g, parameters: p, blocks: blocks, gather: gather)
      }
    }
  }

  /// All state as bits.
  var stateBits: [UInt64] { bits(rule.state) }

  func values(_ slot: Int) -> [Float] { Array(parameters[layout.slots[slot].range]) }
}

/// Random values in the slots of an arena, zeros in its padding.
func randomArena(_ layout: FlatLayout, seed: UInt64, scale: Float = 1) -> [Float] {
  var generator = FixedGenerator(seed: seed)
  var arena = [Float](repeating: 0, count: layout.count)
  for slot in layout.slots {
    arena.replaceSubrange(slot.range, with: generator.values(slot.count, scale: scale))
  }
  return arena
}

func bits(_ entries: [StateEntry]) -> [UInt64] {
  entries.flatMap { entry -> [UInt64] in
    switch entry.storage {
    case .arena(let buffer, _): buffer.map { UInt64($0.bitPattern) }
    case .floats(let buffer): buffer.map { UInt64($0.bitPattern) }
    case .doubles(let buffer): buffer.map { $0.bitPattern }
    case .integers(let buffer): buffer.map { UInt64(bitPattern: $0) }
    }
  }
}

func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

/// The Euclidean norm in Double.
func norm(_ values: some Sequence<Float>) -> Double {
  var sum = 0.0
  for value in values { sum += Double(value) * Double(value) }
  return sum.squareRoot()
}

/// Tensors of every kind of block: whole units, several blocks, units larger than a block, vectors
/// longer than a block, odd lengths.
let mixedLayout = FlatLayout([
  ("small.weight", [5, 7]), ("small.bias", [5]), ("conv.weight", [40, 13, 3, 3]),
  ("wide.weight", [3, 9001]), ("long.bias", [8205]), ("table.weight", [260, 33]), ("scale", []),
])

/// The values of each unit of a tensor, by the definition: all that agree on the axes kept.
func units(_ slot: FlatLayout.Slot, reducing axes: Set<Int>) -> [[Int]] {
  var units: [[Int]: [Int]] = [:]
  var order: [[Int]] = []
  for i in 0..<slot.count {
    var rest = i
    var place = [Int](repeating: 0, count: slot.shape.count)
    for axis in slot.shape.indices.reversed() {
      place[axis] = rest % slot.shape[axis]
      rest /= slot.shape[axis]
    }
    let key = place.indices.filter { !axes.contains($0) }.map { place[$0] }
    if units[key] == nil { order.append(key) }
    units[key, default: []].append(slot.offset + i)
  }
  return order.map { units[$0]! }
}
