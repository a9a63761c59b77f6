import CLockstepKernels
import LockstepEngine
import Testing

/// Max pooling's kernels by themselves, in every layout, against the reference in Double.
@Suite struct MaximumKernelTests {
  private static let tables = InstructionSet.allCases.filter { $0 <= .detected }.map {
    lockstep_pooling_kernels_for(lockstep_isa(rawValue: $0.rawValue)).pointee
  }

  struct Case: CustomTestStringConvertible {
    let size: [Int]
    let window: Window
    var testDescription: String {
      "\(size), \(window.kernel) by \(window.strides), padding \(window.paddingLow)"
    }
  }

  static let cases: [Case] = [
    Case(size: [8, 8], window: Window(kernel: [2, 2], strides: [2, 2])),
    Case(size: [7, 9], window: Window(kernel: [2, 2], strides: [2, 2])),
    Case(size: [7, 6], window: Window(kernel: [2, 2], strides: [2, 2], padding: [1, 1])),
    Case(size: [9, 10], window: Window(kernel: [3, 3], strides: [2, 2], padding: [1, 1])),
    Case(size: [6, 7], window: Window(kernel: [3, 2])),
    Case(size: [6, 7], window: Window(kernel: [4, 5], padding: [2, 2])),
    Case(size: [11, 8], window: Window(kernel: [2, 1], strides: [3, 4])),
    Case(size: [5, 16], window: Window(kernel: [1, 4], strides: [1, 3], padding: [0, 2])),
    Case(size: [16, 17], window: Window(kernel: [16, 16])),
    Case(size: [4, 5], window: .same(kernel: [2, 2])),
  ]

  /// Few different whole numbers: there are ties, and sums in any order are exact.
  private static func values(_ count: Int, _ phase: Int) -> [Float] {
    (0..<count).map { Float(($0 * 7919 + phase) % 1009 % 6) - 3 }
  }

  /// What one table makes of x and dy, both [N, C, H, W], channels by `side` in memory.
  private static func run(
    _ table: lockstep_pooling_kernels, _ x: HostTensor, _ dy: HostTensor, _ window: Window,
    side: Int
  ) -> (y: HostTensor, dx: HostTensor) {
    let groups = (x.shape[1] + side - 1) / side
    var shape = lockstep_pooling(
      planes: x.shape[0] * groups, height: x.shape[2], width: x.shape[3], rows: dy.shape[2],
      columns: dy.shape[3], kernel_height: window.kernel[0], kernel_width: window.kernel[1],
      stride_down: window.strides[0], stride_across: window.strides[1],
      padding_top: window.paddingLow[0], padding_left: window.paddingLow[1])
    let (source, gradient) = (laid(x, side), laid(dy, side))
    var y = [Float](repeating: -99, count: gradient.count)
    var places = [UInt8](repeating: 255, count: gradient.count)
    var dx = [Float](repeating: -99, count: source.count)
    table.maximum(&y, &places, source, side, &shape)
    table.maximum_gradient(&dx, gradient, places, side, &shape)
    return (taken(y, dy.shape, side), taken(dx, x.shape, side))
  }

  /// Where a value of [N, C, points] lies.
  private static func place(_ index: Int, _ shape: [Int], _ side: Int) -> Int {
    let points = shape[2] * shape[3]
    let (n, c, point) = (
      index / points / shape[1], index / points % shape[1], index % points
    )
    let groups = (shape[1] + side - 1) / side
    return ((n * groups + c / side) * points + point) * side + c % side
  }
  private static func laid(_ x: HostTensor, _ side: Int) -> [Float] {
    let padded = (x.shape[1] + side - 1) / side * side
    var result = [Float](repeating: 0, count: x.shape[0] * padded * x.shape[2] * x.shape[3])
    for (index, value) in x.values.enumerated() {
      result[place(index, x.shape, side)] = Float(value)
    }
    return result
  }
  private static func taken(_ values: [Float], _ shape: [Int], _ side: Int) -> HostTensor {
    HostTensor(
      shape, (0..<shape.reduce(1, *)).map { Double(values[place($0, shape, side)]) })
  }

  /// The operation's and its gradient's values in Double.
  private static func reference(
    _ x: HostTensor, _ dy: HostTensor, _ window: Window
  ) throws -> [HostTensor] {
    let graph = Graph(batchCount: x.shape[0], training: true)
    let (value, weights) = (graph.input("x", x.shape), graph.input("dy", dy.shape))
    let y = value.maxPooled(window)
    let gradients = graph.gradients(from: [(y, weights)], by: [value])
    return try ReferenceEvaluator(graph).evaluate(
      [y, try #require(gradients[0])], .init(inputs: ["x": x, "dy": dy]))
  }

  @Test("values and gradients are the reference's in every layout and table", arguments: cases)
  func equalsReference(_ pooling: Case) throws {
    for channels in [1, 3, 8, 12, 16, 20] {
      let shape = [2, channels] + pooling.size
      let size = try pooling.window.outputSize(shape)
      let (count, results) = (shape.reduce(1, *), 2 * channels * size[0] * size[1])
      let x = HostTensor(shape, Self.values(count, 5).map(Double.init))
      let dy = HostTensor([2, channels] + size, Self.values(results, 3).map(Double.init))
      let expected = try Self.reference(x, dy, pooling.window)
      for side in Set([1, 8, 16, channels]) {
        for table in Self.tables {
          let found = Self.run(table, x, dy, pooling.window, side: side)
          #expect(found.y == expected[0], "\(channels) channels by \(side)")
          #expect(found.dx == expected[1], "\(channels) channels by \(side)")
        }
      }
    }
  }

  @Test("all tables add overlapping windows in the same order", arguments: [1, 8, 12])
  func sameBits(side: Int) {
    let window = Window(kernel: [3, 4], padding: [1, 2])
    let x = HostTensor([1, 12, 9, 9], Self.values(12 * 81, 1).map(Double.init))
    let dy = HostTensor(
      [1, 12, 9, 10], (0..<1080).map { Double(Float(1) / Float($0 % 97 + 3)) })
    let results = Self.tables.map { Self.run($0, x, dy, window, side: side) }
    for result in results {
      #expect(result.y == results[0].y)
      #expect(result.dx == results[0].dx)
    }
  }

  @Test("of equal values the first one has the gradient, of several NaNs the last")
  func tiesAndNaNs() {
    let window = Window(kernel: [2, 2], strides: [2, 2])
    for (values, winner) in [
      ([1, 1, 1, 1], 0), ([0, 1, 1, 1], 1), ([-1, -1, 0, 0], 2), ([0.0, -0.0, 0.0, 0.0], 0),
      ([.nan, 1, 2, 3], 0), ([3, .nan, 9, 1], 1), ([.nan, 1, .nan, 5], 2),
      ([-.infinity, -.infinity, -.infinity, -.infinity], 0), ([1, 2, .infinity, .nan], 3),
    ] as [([Double], Int)] {
      for side in [1, 8] {
        let x = HostTensor([1, side, 2, 2], Array(repeating: values, count: side).flatMap { $0 })
        let dy = HostTensor([1, side, 1, 1], Array(repeating: 2.5, count: side))
        for table in Self.tables {
          let found = Self.run(table, x, dy, window, side: side)
          for channel in 0..<side {
            let y = found.y.values[channel]
            #expect(y == values[winner] || (y.isNaN && values[winner].isNaN), "\(values)")
            for tap in 0..<4 {
              #expect(found.dx.values[4 * channel + tap] == (tap == winner ? 2.5 : 0), "\(values)")
            }
          }
        }
      }
    }
  }
}
