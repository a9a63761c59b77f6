import CLockstepKernels
import LockstepEngine
import Testing

/// The kernels of attention: bits that depend on nothing but an example's own values.
@Suite struct AttentionKernelTests {
  private static let tables = InstructionSet.allCases.filter { $0 <= .detected }.map {
    lockstep_attention_kernels_for(lockstep_isa(rawValue: $0.rawValue)).pointee
  }

  struct Size: Sendable, CustomTestStringConvertible {
    var examples = 2
    var heads = 2
    let queries: Int
    let keys: Int
    let width: Int
    var isCausal = false
    var rate: Float = 0
    var lengths: [Int32]?
    var testDescription: String {
      "\(queries) queries, \(keys) keys, heads of \(width)"
        + (isCausal ? ", causal" : "") + (rate > 0 ? ", dropout" : "")
        + (lengths.map { ", lengths \($0)" } ?? "")
    }
    var row: Int { heads * width }
  }

  /// Around the edges of vectors, tiles, panels and blocks.
  static let sizes = [
    Size(queries: 1, keys: 1, width: 1), Size(queries: 5, keys: 17, width: 3),
    Size(queries: 13, keys: 13, width: 16, isCausal: true),
    Size(queries: 12, keys: 65, width: 20), Size(queries: 31, keys: 33, width: 32, isCausal: true),
    Size(queries: 64, keys: 64, width: 48, isCausal: true, rate: 0.2),
    Size(queries: 67, keys: 50, width: 64, isCausal: true),
    Size(heads: 1, queries: 205, keys: 130, width: 80, isCausal: true),
    Size(queries: 9, keys: 70, width: 8, rate: 0.5, lengths: [70, 13]),
    Size(queries: 30, keys: 30, width: 6, isCausal: true, lengths: [0, 1]),
    Size(queries: 4, keys: 3, width: 2, lengths: [3, 2]),
  ]

  private struct Results: Equatable {
    var y: [UInt32]
    var statistics: [UInt32]
    var gradients: [[UInt32]]
    var tangent: [UInt32]
  }

  private static func values(_ count: Int, _ phase: Int) -> [Float] {
    (0..<count).map { index in
      let place = (Double(index + 1) * 0.754877666 + Double(phase) * 0.31)
        .truncatingRemainder(dividingBy: 1)
      return Float(4 * place - 2)
    }
  }

  /// Memory of a size's values for some examples, or full of another number, with values behind it that
  /// nobody may touch.
  private struct Rows {
    private static let guardCount = 64
    private let memory: Arena<Float>
    private let garbage: Float
    var base: UnsafeMutablePointer<Float> { memory.base }

    init(_ values: [Float]) {
      garbage = 0
      memory = Arena(count: max(values.count, 1))
      for (index, value) in values.enumerated() { memory.buffer[index] = value }
    }

    init(count: Int, garbage: Float) {
      self.garbage = garbage
      memory = Arena(count: count + Self.guardCount)
      memory.buffer.update(repeating: garbage)
    }

    /// The bits of a result.
    var bits: [UInt32] {
      #expect(memory.buffer.suffix(Self.guardCount).allSatisfy { $0 == garbage })
      return memory.buffer.dropLast(Self.guardCount).map(\.bitPattern)
    }
  }

  /// What a table computes for some examples of a size's values, in memory full of other numbers.
  private static func run(
    _ table: lockstep_attention_kernels, _ size: Size, examples: Range<Int>, garbage: Float
  ) -> Results {
    let count = examples.count
    func inputs(_ rows: Int, _ phase: Int) -> Rows {
      let values = Self.values(size.examples * rows * size.row, phase)
      let part =
        examples.lowerBound * rows * size.row..<examples.upperBound * rows * size.row
      return Rows(Array(values[part]))
    }
    func room(_ values: Int) -> Rows { Rows(count: values, garbage: garbage) }
    var shape = lockstep_attention(
      examples: count, heads: size.heads, queries: size.queries, keys: size.keys,
      width: size.width, query_stride: size.row, key_stride: size.row,
      causal: size.isCausal ? 1 : 0, scale: 1 / Float(size.width).squareRoot())
    let own = (inputs(size.queries, 0), inputs(size.keys, 1), inputs(size.keys, 2))
    let moved = (inputs(size.queries, 3), inputs(size.keys, 4), inputs(size.keys, 5))
    let dy = inputs(size.queries, 6)
    let (queries, keys) = (count * size.queries * size.row, count * size.keys * size.row)
    let (y, tangent, statistics) = (
      room(queries), room(queries), room(2 * count * size.heads * size.queries)
    )
    let gradients = [room(queries), room(keys), room(keys)]
    var drawn = lockstep_dropout(
      key_low: 5, key_high: 6, step_low: 7, step_high: 0,
      first_example: UInt32(10 + examples.lowerBound),
      threshold: UInt32(Double(size.rate) * 0x1p32), scale: 1 / (1 - size.rate))
    let lengths = size.lengths.map { Array($0[examples]) }
    let scratch = room(lockstep_attention_scratch(&shape))
    var values = lockstep_attention_inputs(q: own.0.base, k: own.1.base, v: own.2.base)
    var movement = lockstep_attention_inputs(q: moved.0.base, k: moved.1.base, v: moved.2.base)
    var targets = lockstep_attention_gradients(
      q: gradients[0].base, k: gradients[1].base, v: gradients[2].base)
    withUnsafePointer(to: &drawn) { drawn in
      let mask = size.rate > 0 ? drawn : nil
      table.forward(&shape, y.base, statistics.base, &values, lengths, mask, scratch.base)
      table.gradient(
        &shape, &targets, dy.base, y.base, statistics.base, &values, lengths, mask, scratch.base)
      table.tangent(
        &shape, tangent.base, statistics.base, &values, &movement, lengths, mask, scratch.base)
    }
    #expect(scratch.bits.count > 0)
    return withExtendedLifetime((own, moved, dy)) {
      Results(
        y: y.bits, statistics: statistics.bits, gradients: gradients.map(\.bits),
        tangent: tangent.bits)
    }
  }

  @Test("all instruction sets give the same bits, whatever memory held before", arguments: sizes)
  func sameBits(_ size: Size) {
    let all = Self.tables.enumerated().map { index, table in
      Self.run(table, size, examples: 0..<size.examples, garbage: Float(index * 1000) + 0.5)
    }
    for other in all.dropFirst() { #expect(other == all[0]) }
    #expect(all[0].y.contains { $0 != 0 })
    #expect(all[0].gradients.joined().allSatisfy { Float(bitPattern: $0).isFinite })
  }

  @Test("an example has the same bits beside any others", arguments: sizes)
  func sameBitsAlone(_ size: Size) {
    let table = Self.tables[Self.tables.count - 1]
    let all = Self.run(table, size, examples: 0..<size.examples, garbage: 1)
    let ones = (0..<size.examples).map {
      Self.run(table, size, examples: $0..<$0 + 1, garbage: 2)
    }
    #expect(all.y == ones.flatMap(\.y))
    #expect(all.statistics == ones.flatMap(\.statistics))
    #expect(all.tangent == ones.flatMap(\.tangent))
    for part in 0..<3 { #expect(all.gradients[part] == ones.flatMap { $0.gradients[part] }) }
  }

  @Test("a length that is none gives its example no number, and others theirs")
  func impossibleLength() {
    for length: Int32 in [-1, 5, .max, .min] {
      let size = Size(queries: 3, keys: 4, width: 2, lengths: [length, 4])
      let results = Self.run(Self.tables[0], size, examples: 0..<2, garbage: 1)
      let numbers = [results.y, results.gradients[0], results.tangent].map {
        $0.map { Float(bitPattern: $0) }
      }
      for values in numbers {
        #expect(values[..<(values.count / 2)].contains { $0.isNaN })
        #expect(values[(values.count / 2)...].allSatisfy { $0.isFinite })
      }
    }
  }

  /// The emulated multiplication and addition rounds once: a table without the instruction is held to those
  /// with it by the test of bits; values that are no numbers pass all of them.
  @Test("what is no number stays none")
  func notANumber() {
    for table in Self.tables {
      var shape = lockstep_attention(
        examples: 1, heads: 1, queries: 1, keys: 2, width: 1, query_stride: 1, key_stride: 1,
        causal: 0, scale: 1)
      let scratch = Arena<Float>(count: lockstep_attention_scratch(&shape))
      for bad in [Float.nan, .infinity] {
        let (q, k, v) = (Rows([1]), Rows([bad, 1]), Rows([1, 2]))
        var own = lockstep_attention_inputs(q: q.base, k: k.base, v: v.base)
        var (y, statistics): ([Float], [Float]) = ([0], [0, 0])
        withExtendedLifetime((q, k, v)) {
          table.forward(&shape, &y, &statistics, &own, nil, nil, scratch.base)
        }
        #expect(y[0].isNaN)
      }
    }
  }
}
