import CLockstepKernels
import LockstepEngine
import Testing

/// Winograd's kernels against the direct sum in Double, in every table and layout.
@Suite struct WinogradKernelTests {
  struct Case: CustomTestStringConvertible {
    var images = 2
    var channels = 16
    var size = [8, 8]
    var outputs = 16
    var padding = 1
    var testDescription: String {
      "\(images) × \(channels) × \(size) to \(outputs), padding \(padding)"
    }
    var result: [Int] { size.map { $0 + 2 * padding - 2 } }
  }

  static let cases: [Case] = [
    Case(),
    Case(images: 3, channels: 24, size: [7, 9], outputs: 40),
    Case(images: 5, channels: 32, size: [14, 14], outputs: 64),
    Case(channels: 16, size: [9, 6], outputs: 24, padding: 0),
    Case(channels: 40, size: [3, 5], outputs: 16, padding: 2),
    Case(images: 1, channels: 16, size: [1, 1], outputs: 16),
    Case(images: 9, channels: 128, size: [4, 4], outputs: 128),
  ]

  /// What the kernels give for one case, in planes.
  struct Results: Equatable {
    var y: [Float]
    var dx: [Float]
    var dw: [Float]
    var db: [Float]
  }

  /// The place of a value [image, channel, point] where `side` channels lie side by side.
  private static func place(
    _ image: Int, _ channel: Int, _ point: Int, _ channels: Int, _ points: Int, _ side: Int
  ) -> Int {
    ((image * channels + channel / side * side) * points) + point * side + channel % side
  }

  private static func laid(
    _ planes: [Float], _ images: Int, _ channels: Int, _ points: Int, side: Int, back: Bool = false
  ) -> [Float] {
    var result = planes
    for image in 0..<images {
      for channel in 0..<channels {
        for point in 0..<points {
          let plane = (image * channels + channel) * points + point
          let there = place(image, channel, point, channels, points, side)
          if back { result[plane] = planes[there] } else { result[there] = planes[plane] }
        }
      }
    }
    return result
  }

  fileprivate struct Operands {
    let x: [Float]
    let w: [Float]
    let b: [Float]
    let dy: [Float]

    init(_ of: Case) {
      var random = CounterGenerator(seed: UInt64(of.channels * of.size[1]), .synthesis)
      func values(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float(2 * random.nextUniform() - 1) }
      }
      x = values(of.images * of.channels * of.size[0] * of.size[1])
      w = values(of.outputs * of.channels * 9)
      b = values(of.outputs)
      dy = values(of.images * of.outputs * of.result[0] * of.result[1])
    }
  }

  private func run(
    _ of: Case, _ given: Operands, _ kernels: lockstep_winograd_kernels, side: Int,
    rectifies: Bool = false
  ) -> Results {
    let (inputSide, outputSide) = (min(side, of.channels), min(side, of.outputs))
    let (points, results) = (of.size[0] * of.size[1], of.result[0] * of.result[1])
    var shape = lockstep_winograd(
      images: of.images, channels: of.channels, height: of.size[0], width: of.size[1],
      input_side: inputSide, outputs: of.outputs, rows: of.result[0], columns: of.result[1],
      output_side: outputSide, padding_top: of.padding, padding_left: of.padding)
    var reverse = lockstep_winograd(
      images: of.images, channels: of.outputs, height: of.result[0], width: of.result[1],
      input_side: outputSide, outputs: of.channels, rows: of.size[0], columns: of.size[1],
      output_side: inputSide, padding_top: 2 - of.padding, padding_left: 2 - of.padding)
    func room(_ count: Int) -> [Float] { [Float](repeating: .nan, count: count) }
    let x = Self.laid(given.x, of.images, of.channels, points, side: inputSide)
    let dy = Self.laid(given.dy, of.images, of.outputs, results, side: outputSide)
    var scratch = room(
      max(lockstep_winograd_scratch(&shape), lockstep_winograd_scratch(&reverse)))
    var (turned, back) = (
      room(lockstep_winograd_weights(&shape)), room(lockstep_winograd_weights(&reverse))
    )
    kernels.weights(&turned, given.w, 0, &shape)
    kernels.weights(&back, given.w, 1, &reverse)
    var (y, dx) = (room(given.dy.count), room(given.x.count))
    var (dw, db) = (room(given.w.count), room(given.b.count))
    kernels.forward(&y, x, turned, given.b, rectifies ? 1 : 0, &scratch, &shape)
    kernels.forward(&dx, dy, back, nil, 0, &scratch, &reverse)
    kernels.weight_gradient(&dw, &db, x, dy, &scratch, &shape)
    return Results(
      y: Self.laid(y, of.images, of.outputs, results, side: outputSide, back: true),
      dx: Self.laid(dx, of.images, of.channels, points, side: inputSide, back: true),
      dw: dw, db: db)
  }

  /// The direct sums in Double, and the sums of magnitudes that their errors are measured by.
  private func expected(_ of: Case, _ given: Operands) -> (values: [[Double]], sizes: [[Double]]) {
    let (height, width, rows, columns) = (of.size[0], of.size[1], of.result[0], of.result[1])
    let counts = [given.dy.count, given.x.count, given.w.count, given.b.count]
    var values = counts.map { [Double](repeating: 0, count: $0) }
    var sizes = values
    func add(_ term: Float, _ factor: Float, _ kind: Int, _ place: Int) {
      values[kind][place] += Double(term) * Double(factor)
      sizes[kind][place] += abs(Double(term) * Double(factor))
    }
    for image in 0..<of.images {
      for output in 0..<of.outputs {
        for point in 0..<rows * columns {
          let y = (image * of.outputs + output) * rows * columns + point
          add(given.b[output], 1, 0, y)
          add(given.dy[y], 1, 3, output)
          for channel in 0..<of.channels {
            for tap in 0..<9 {
              let row = point / columns + tap / 3 - of.padding
              let column = point % columns + tap % 3 - of.padding
              guard (0..<height).contains(row), (0..<width).contains(column) else { continue }
              let x = ((image * of.channels + channel) * height + row) * width + column
              let w = (output * of.channels + channel) * 9 + tap
              add(given.x[x], given.w[w], 0, y)
              add(given.dy[y], given.w[w], 1, x)
              add(given.dy[y], given.x[x], 2, w)
            }
          }
        }
      }
    }
    return (values, sizes)
  }

  private static var tables: [(set: InstructionSet, kernels: lockstep_winograd_kernels)] {
    InstructionSet.allCases.filter { $0 <= .detected }.compactMap { set in
      lockstep_winograd_kernels_for(lockstep_isa(rawValue: set.rawValue)).map {
        (set, $0.pointee)
      }
    }
  }

  @Test("is the direct sum", arguments: cases)
  func isTheDirectSum(_ of: Case) throws {
    let given = Operands(of)
    let (values, sizes) = expected(of, given)
    for (set, kernels) in Self.tables {
      let found = run(of, given, kernels, side: 8)
      for (kind, results) in [found.y, found.dx, found.dw, found.db].enumerated() {
        let largest = sizes[kind].max() ?? 0
        let error = zip(results, values[kind]).map { abs(Double($0) - $1) }.max() ?? 0
        // Some units of the last place of the sum of magnitudes.
        #expect(error <= 4 * 0x1p-24 * largest, "\(set), result \(kind): \(error) of \(largest)")
      }
    }
  }

  @Test("has the same bits in every table and layout", arguments: cases)
  func sameBits(_ of: Case) throws {
    let given = Operands(of)
    guard let first = Self.tables.first else { return }
    let expected = run(of, given, first.kernels, side: 8)
    for (set, kernels) in Self.tables {
      for side in [8, 16, .max]
      where side == .max || of.channels % side == 0 && of.outputs % side == 0 {
        #expect(run(of, given, kernels, side: side) == expected, "\(set), \(side) side by side")
      }
    }
  }

  @Test("an image has the same bits in any company", arguments: cases)
  func sameBitsInCompany(_ of: Case) throws {
    let given = Operands(of)
    for (_, kernels) in Self.tables {
      let all = run(of, given, kernels, side: 8)
      var last = of
      last.images = 1
      let (size, result) = (given.x.count / of.images, given.dy.count / of.images)
      let own = Operands(
        x: Array(given.x.suffix(size)), w: given.w, b: given.b, dy: Array(given.dy.suffix(result)))
      let alone = run(last, own, kernels, side: 8)
      #expect(Array(all.y.suffix(result)) == alone.y)
      #expect(Array(all.dx.suffix(size)) == alone.dx)
    }
  }

  @Test("rectifies, and leaves not-a-numbers")
  func rectifies() throws {
    let of = Case()
    var given = Operands(of)
    for (_, kernels) in Self.tables {
      let plain = run(of, given, kernels, side: 8).y
      #expect(run(of, given, kernels, side: 8, rectifies: true).y == plain.map { max($0, 0) })
    }
    given = Operands(x: [.nan] + given.x.dropFirst(), w: given.w, b: given.b, dy: given.dy)
    for (_, kernels) in Self.tables {
      #expect(run(of, given, kernels, side: 8, rectifies: true).y[0].isNaN)
    }
  }
}

extension WinogradKernelTests.Operands {
  fileprivate init(x: [Float], w: [Float], b: [Float], dy: [Float]) {
    (self.x, self.w, self.b, self.dy) = (x, w, b, dy)
  }
}
