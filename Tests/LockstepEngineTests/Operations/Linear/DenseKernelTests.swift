import CLockstepKernels
import LockstepEngine
import Testing

/// The products of dense layers: their formulas in Double, and bits that depend on nothing but the
/// factors.
@Suite struct DenseKernelTests {
  private static let tables = InstructionSet.allCases.filter { $0 <= .detected }.compactMap {
    lockstep_dense_kernels_for(lockstep_isa(rawValue: $0.rawValue))?.pointee
  }

  struct Size: Sendable, CustomTestStringConvertible {
    let n: Int
    let columns: Int
    let rows: Int
    var testDescription: String { "\(n) examples, \(columns) to \(rows) features" }
  }

  /// Around the edges of tiles, vectors and blocks of the weights' rows, and whole ones.
  static let sizes = [
    Size(n: 1, columns: 1, rows: 1), Size(n: 1, columns: 17, rows: 3),
    Size(n: 5, columns: 37, rows: 23), Size(n: 15, columns: 16, rows: 8),
    Size(n: 16, columns: 48, rows: 6), Size(n: 17, columns: 49, rows: 7),
    Size(n: 31, columns: 33, rows: 15), Size(n: 32, columns: 96, rows: 64),
    Size(n: 33, columns: 64, rows: 10), Size(n: 48, columns: 79, rows: 13),
    Size(n: 130, columns: 20, rows: 12), Size(n: 7, columns: 50, rows: 300),
    Size(n: 34, columns: 4100, rows: 40), Size(n: 65, columns: 64, rows: 129),
    Size(n: 129, columns: 300, rows: 70), Size(n: 259, columns: 65, rows: 101),
    Size(n: 200, columns: 15, rows: 260), Size(n: 513, columns: 129, rows: 5),
    Size(n: 140, columns: 1030, rows: 3),
  ]

  private static func values(_ count: Int, _ phase: Int) -> [Float] {
    (0..<count).map { index in
      let place = (Double(index + 1) * 0.754877666 + Double(phase) * 0.31)
        .truncatingRemainder(dividingBy: 1)
      return Float(2 * place - 1)
    }
  }

  /// Memory for a result, with values behind it that nobody may touch.
  private struct Guarded {
    private var memory: [Float]
    private let count: Int

    init(_ values: [Float]) {
      count = values.count
      memory = values + Array(repeating: 12345, count: 64)
    }

    mutating func write(_ body: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
      memory.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
      #expect(memory[count...].allSatisfy { $0 == 12345 })
      return Array(memory[..<count])
    }
  }

  private static func scratch(_ size: Size) -> Arena<Float> {
    Arena(count: lockstep_dense_scratch(size.n, size.columns, size.rows))
  }

  /// |result − Σ a·b| ≤ terms · 2⁻²⁴ · Σ |a·b|.
  private static func expectSums(
    _ result: [Float], terms: Int, _ product: (_ index: Int, _ term: Int) -> Double
  ) {
    for (index, value) in result.enumerated() {
      let products = (0..<terms).map { product(index, $0) }
      let bound = products.reduce(0) { $0 + abs($1) } * Double(terms + 1) * 0x1p-24
      let exact = products.reduce(0, +)
      guard abs(Double(value) - exact) > bound else { continue }
      Issue.record("element \(index) is \(value), expected \(exact) to \(bound)")
      return
    }
  }

  @Test(arguments: sizes)
  func forward(_ size: Size) {
    let (n, columns, rows) = (size.n, size.columns, size.rows)
    let (x, w) = (Self.values(n * columns, 0), Self.values(rows * columns, 1))
    let bias = Self.values(rows, 2)
    let scratch = Self.scratch(size)
    var bits: Set<[UInt32]> = []
    for table in Self.tables {
      func run(_ bias: UnsafePointer<Float>?, rectifies: Bool) -> [Float] {
        var y = Guarded(Array(repeating: .nan, count: n * rows))
        return y.write {
          table.forward($0, x, w, bias, rectifies ? 1 : 0, n, columns, rows, scratch.base)
        }
      }
      let plain = run(nil, rectifies: false)
      Self.expectSums(plain, terms: columns) {
        Double(x[$0 / rows * columns + $1]) * Double(w[$0 % rows * columns + $1])
      }
      let shifted = run(bias, rectifies: false)
      #expect(shifted.indices.allSatisfy { shifted[$0] == plain[$0] + bias[$0 % rows] })
      #expect(run(bias, rectifies: true) == shifted.map { max($0, 0) })
      bits.insert(shifted.map(\.bitPattern))
    }
    #expect(bits.count <= 1)
  }

  @Test(arguments: sizes)
  func inputGradient(_ size: Size) {
    let (n, columns, rows) = (size.n, size.columns, size.rows)
    let (dy, w) = (Self.values(n * rows, 3), Self.values(rows * columns, 4))
    let scratch = Self.scratch(size)
    var bits: Set<[UInt32]> = []
    for table in Self.tables {
      var memory = Guarded(Array(repeating: .nan, count: n * columns))
      let dx = memory.write { table.input_gradient($0, dy, w, n, columns, rows, scratch.base) }
      Self.expectSums(dx, terms: rows) {
        Double(dy[$0 / columns * rows + $1]) * Double(w[$1 * columns + $0 % columns])
      }
      bits.insert(dx.map(\.bitPattern))
    }
    #expect(bits.count <= 1)
  }

  @Test(arguments: sizes)
  func weightGradient(_ size: Size) {
    let (n, columns, rows) = (size.n, size.columns, size.rows)
    let (x, dy) = (Self.values(n * columns, 5), Self.values(n * rows, 6))
    let before = Self.values(rows * columns, 7)
    let scratch = Self.scratch(size)
    var bits: Set<[UInt32]> = []
    for table in Self.tables {
      func run(adds: Bool) -> [Float] {
        var memory = Guarded(adds ? before : Array(repeating: .nan, count: rows * columns))
        return memory.write {
          table.weight_gradient($0, dy, x, adds ? 1 : 0, n, 1, columns, rows, scratch.base)
        }
      }
      let dw = run(adds: false)
      Self.expectSums(dw, terms: n) {
        Double(dy[$1 * rows + $0 / columns]) * Double(x[$1 * columns + $0 % columns])
      }
      // Adding rounds once more, like adding what was written.
      #expect(run(adds: true) == zip(before, dw).map { $0 + $1 })
      bits.insert(dw.map(\.bitPattern))
    }
    #expect(bits.count <= 1)
  }

  /// Weights that are laid once give the same products, with any number of examples.
  @Test(arguments: sizes)
  func laidWeights(_ size: Size) {
    let (n, columns, rows) = (size.n, size.columns, size.rows)
    let (x, dy) = (Self.values(n * columns, 0), Self.values(n * rows, 3))
    let w = Self.values(rows * columns, 1)
    let scratch = Self.scratch(size)
    let room = lockstep_dense_panels(columns, rows)
    for table in Self.tables {
      func run(
        _ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void
      ) -> [UInt32] {
        var memory = Guarded(Array(repeating: .nan, count: count))
        return memory.write(body).map(\.bitPattern)
      }
      var panels = Guarded(Array(repeating: .nan, count: room))
      let outputs = panels.write { table.lay_outputs($0, w, columns, rows) }
      let inputs = panels.write { table.lay_inputs($0, w, columns, rows) }
      #expect(
        run(n * rows) { table.multiply($0, x, outputs, n, columns, rows) }
          == run(n * rows) { table.forward($0, x, w, nil, 0, n, columns, rows, scratch.base) })
      #expect(
        run(n * columns) { table.multiply($0, dy, inputs, n, rows, columns) }
          == run(n * columns) {
            table.input_gradient($0, dy, w, n, columns, rows, scratch.base)
          })
    }
  }

  /// The gradients of several shards at once are those of one after the other, added by the tree.
  @Test(arguments: [2, 4, 8, 32])
  func weightGradientOfSeveralShards(_ shards: Int) {
    for size in Self.sizes where size.n < 40 {
      let (n, columns, rows) = (size.n, size.columns, size.rows)
      let (x, dy) = (
        Self.values(shards * n * columns, 5), Self.values(shards * n * rows, 6)
      )
      let before = Self.values(rows * columns, 7)
      let scratch = Arena<Float>(count: lockstep_dense_scratch(shards * n, columns, rows))
      for table in Self.tables {
        var leaves = (0..<shards).map { shard in
          var dw = Array(repeating: Float.nan, count: rows * columns)
          table.weight_gradient(
            &dw, Array(dy[(shard * n * rows)...]), Array(x[(shard * n * columns)...]), 0, n, 1,
            columns, rows, scratch.base)
          return dw
        }
        while leaves.count > 1 {
          leaves = stride(from: 0, to: leaves.count, by: 2).map { index in
            zip(leaves[index], leaves[index + 1]).map { $0 + $1 }
          }
        }
        for adds in [false, true] {
          var memory = Guarded(adds ? before : Array(repeating: .nan, count: rows * columns))
          let dw = memory.write {
            table.weight_gradient(
              $0, dy, x, adds ? 1 : 0, n, shards, columns, rows, scratch.base)
          }
          #expect(dw == (adds ? zip(before, leaves[0]).map { $0 + $1 } : leaves[0]))
        }
      }
    }
  }

  /// Factors that are laid in parts, and rows that are made in runs, give the gradient's bits.
  @Test(arguments: sizes, [1, 4])
  func weightGradientInParts(_ size: Size, shards: Int) {
    let (n, columns, rows) = (size.n, size.columns, size.rows)
    let all = n * shards
    let (x, dy) = (Self.values(all * columns, 5), Self.values(all * rows, 6))
    let before = Self.values(rows * columns, 7)
    let scratch = Arena<Float>(count: lockstep_dense_scratch(all, columns, rows))
    for table in Self.tables {
      for adds in [Int32(0), 1] {
        var whole = before
        table.weight_gradient(&whole, dy, x, adds, n, shards, columns, rows, scratch.base)
        var laidColumns = Guarded(
          Array(repeating: .nan, count: lockstep_dense_columns(all, columns)))
        var laidRows = Guarded(Array(repeating: .nan, count: lockstep_dense_rows(all, rows)))
        var (a, b): ([Float], [Float]) = ([], [])
        for part in [all / 3..<all, 0..<all / 3] where !part.isEmpty {
          a = laidColumns.write {
            table.lay_columns(
              $0, Array(x[(part.lowerBound * columns)...]), part.lowerBound, part.count, all,
              columns)
          }
          b = laidRows.write {
            table.lay_rows(
              $0, Array(dy[(part.lowerBound * rows)...]), part.lowerBound, part.count, all, rows)
          }
        }
        let small = Arena<Float>(count: lockstep_dense_gradient_scratch())
        var parts: [Float] = []
        for run in [0..<rows / 3, rows / 3..<rows] where !run.isEmpty {
          let values = run.lowerBound * columns..<run.upperBound * columns
          var memory = Guarded(Array(before[values]))
          parts += memory.write {
            table.weight_rows(
              $0, b, a, adds, 8, n, shards, columns, run.lowerBound, run.count, small.base)
          }
        }
        #expect(parts.map(\.bitPattern) == whole.map(\.bitPattern))
      }
    }
  }

  /// The nearest number of 8 bits, ties to even.
  private static func rounded(_ value: Float) -> Float {
    let bits = value.bitPattern
    return Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
  }

  /// Sums of a level and those above it but the last are rounded as soon as they are made.
  @Test(arguments: [1, 2, 8], [0, 1, 2, 3])
  func sumsAreRoundedByTheTree(shards: Int, from level: Int) {
    for size in Self.sizes where size.n < 40 {
      let (n, columns, rows) = (size.n, size.columns, size.rows)
      let all = n * shards
      let (x, dy) = (Self.values(all * columns, 5), Self.values(all * rows, 6))
      let scratch = Arena<Float>(count: lockstep_dense_gradient_scratch())
      for table in Self.tables {
        func gradient(_ part: Range<Int>, shards: Int, rounded: Int) -> [Float] {
          var a = Array(
            repeating: Float.nan, count: lockstep_dense_columns(part.count, columns))
          var b = Array(repeating: Float.nan, count: lockstep_dense_rows(part.count, rows))
          table.lay_columns(
            &a, Array(x[(part.lowerBound * columns)...]), 0, part.count, part.count, columns)
          table.lay_rows(
            &b, Array(dy[(part.lowerBound * rows)...]), 0, part.count, part.count, rows)
          var dw = Array(repeating: Float.nan, count: rows * columns)
          table.weight_rows(
            &dw, b, a, 0, rounded, part.count / shards, shards, columns, 0, rows, scratch.base)
          return dw
        }
        var sums = (0..<shards).map { gradient($0 * n..<($0 + 1) * n, shards: 1, rounded: 0) }
        var height = 0
        while sums.count > 1 {
          if height >= level { sums = sums.map { $0.map(Self.rounded) } }
          sums = stride(from: 0, to: sums.count, by: 2).map { index in
            zip(sums[index], sums[index + 1]).map { $0 + $1 }
          }
          height += 1
        }
        let made = gradient(0..<all, shards: shards, rounded: level)
        #expect(made.map(\.bitPattern) == sums[0].map(\.bitPattern))
      }
    }
  }

  /// An example's result is the same in whatever company it is computed.
  @Test func resultsDoNotDependOnTheNumberOfExamples() throws {
    let table = try #require(Self.tables.last)
    let size = Size(n: 300, columns: 53, rows: 19)
    let (x, w) = (Self.values(size.n * size.columns, 8), Self.values(size.rows * size.columns, 9))
    let scratch = Self.scratch(size)
    var all = Array(repeating: Float(0), count: size.n * size.rows)
    table.forward(&all, x, w, nil, 0, size.n, size.columns, size.rows, scratch.base)
    let dy = Self.values(size.n * size.rows, 10)
    var gradients = Array(repeating: Float(0), count: size.n * size.columns)
    table.input_gradient(&gradients, dy, w, size.n, size.columns, size.rows, scratch.base)
    for n in [1, 16, 17, 33, 64, 128, 129, 150] {
      var some = Array(repeating: Float(0), count: n * size.rows)
      table.forward(&some, x, w, nil, 0, n, size.columns, size.rows, scratch.base)
      #expect(some[...] == all[..<(n * size.rows)])
      var dx = Array(repeating: Float(0), count: n * size.columns)
      table.input_gradient(&dx, dy, w, n, size.columns, size.rows, scratch.base)
      #expect(dx[...] == gradients[..<(n * size.columns)])
    }
  }

  /// Not-a-numbers pass through ReLU, as through PyTorch's.
  @Test func notANumbersStay() throws {
    let table = try #require(Self.tables.last)
    let scratch = Arena<Float>(count: lockstep_dense_scratch(2, 3, 2))
    var y = Array(repeating: Float(0), count: 4)
    table.forward(&y, [1, .nan, 1, 1, 1, 1], [1, 1, 1, -1, -1, -1], nil, 1, 2, 3, 2, scratch.base)
    #expect(y[0].isNaN && y[1].isNaN && y[2] == 3 && y[3] == 0)
  }
}
