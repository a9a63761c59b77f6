import LockstepEngine
import LockstepTestSupport
import Testing

/// A trace of one position behind others gives the bits that a trace of the whole sequence gives.
@Suite struct ContinuationTests {
  private static let context = 9
  private static let width = 8

  /// x [N, T, 3 · width] through all that knows positions.
  private static func attended(_ x: Tensor) -> Tensor {
    x.addingSinusoidalPositions(base: 50)
      .rotated(headWidth: 4, columns: 2 * width, base: 100, pairing: .halves)
      .rotated(headWidth: 4, columns: width, base: 30)
      .selfAttention(heads: 2, isCausal: true)
  }

  private static func graph(_ examples: Int, _ continuation: Continuation) -> Graph {
    Graph(
      batchCount: examples, training: false, freezing: Freezing(), continuation: continuation)
  }

  private static func values(_ count: Int) -> [Double] {
    (0..<count).map { index -> Double in
      let place = Double(index + 1) * 0.754877666
      return 3 * place.truncatingRemainder(dividingBy: 1) - 1.5
    }
  }

  private static let sets = InstructionSet.allCases.filter { $0 <= .detected }

  /// The rows of all examples at a position of values [N, T, row].
  private func rows(_ values: [Float], _ examples: Int, at position: Int) -> [Float] {
    let row = values.count / examples / Self.context
    var all: [Float] = []
    for example in 0..<examples {
      let start = (example * Self.context + position) * row
      all += values[start..<start + row]
    }
    return all
  }

  @Test("position by position, from the first one or behind a beginning", arguments: sets, [1, 3])
  func positions(_ isa: InstructionSet, _ examples: Int) throws {
    let row = 3 * Self.width
    let x = Self.values(examples * Self.context * row)
    let input = HostTensor([examples, Self.context, row], x)
    func whole(_ continuation: Continuation) throws -> (results: [[Float]], names: [String]) {
      let graph = Self.graph(examples, continuation)
      let y = Self.attended(graph.input("x", input.shape))
      let program = try Program(
        evaluating: graph, scalars: [], outputs: [y] + graph.keptRows.map(\.rows))
      let lane = try PlannedLane(program, .init(inputs: ["x": input]), isa: isa)
      return (try lane.run(), graph.keptRows.map(\.name))
    }
    let expected = try whole(.none).results
    #expect(expected.count == 1)
    let beginning = try whole(.beginning)
    #expect(beginning.results[0] == expected[0])
    #expect(beginning.names.count == 2)

    let graph = Self.graph(examples, .next(context: Self.context))
    let y = Self.attended(graph.input("x", [examples, 1, row]))
    let program = try Program(evaluating: graph, scalars: [], outputs: [y])
    #expect(graph.keptRows.map(\.name) == beginning.names)
    for known in [0, 4] {
      let planned = try PlannedLane(program, .init(), isa: isa)
      let lane = planned.lane
      func fill<Value>(_ name: String, _ values: [Value]) throws {
        let bytes = try #require(lane.input(name))
        #expect(bytes.count == values.count * MemoryLayout<Value>.stride)
        for (index, value) in values.enumerated() {
          bytes.bindMemory(to: Value.self)[index] = value
        }
      }
      // What nobody may look at yet.
      for (index, name) in beginning.names.enumerated() {
        var rows = beginning.results[index + 1]
        for place in rows.indices where place / Self.width % Self.context >= known {
          rows[place] = .nan
        }
        try fill(name, rows)
      }
      for position in known..<Self.context {
        try fill("x", rows(x.map { Float($0) }, examples, at: position))
        try fill(
          Continuation.position, [Int32](repeating: Int32(position), count: examples))
        try fill(
          Continuation.length, [Int32](repeating: Int32(position + 1), count: examples))
        let found = try planned.run()[0].map(\.bitPattern)
        let wanted = rows(expected[0], examples, at: position).map(\.bitPattern)
        #expect(found == wanted, "\(position)")
      }
    }
  }

  @Test("the plan agrees with the meaning in Double, and a place outside gives not-a-numbers")
  func reference() throws {
    let graph = Self.graph(2, .next(context: Self.context))
    let y = Self.attended(graph.input("x", [2, 1, 3 * Self.width]))
    let all = [2, Self.context, Self.width]
    func leaves(_ positions: [Double]) -> ReferenceEvaluator.Leaves {
      var inputs = [
        "x": HostTensor([2, 1, 3 * Self.width], Self.values(6 * Self.width)),
        Continuation.position: HostTensor([2, 1], positions),
        Continuation.length: HostTensor([2], positions.map { $0 + 1 }),
      ]
      for (index, rows) in graph.keptRows.enumerated() {
        inputs[rows.name] = HostTensor(
          all, Self.values(2 * all[1] * all[2] + index).suffix(2 * all[1] * all[2]))
      }
      return .init(inputs: inputs)
    }
    let program = try Program(evaluating: graph, scalars: [], outputs: [y])
    for positions in [[0.0, 8], [5, 3]] {
      let expected = try ReferenceEvaluator(graph).evaluate([y], leaves(positions))[0]
      let found = try PlannedLane(program, leaves(positions)).run()[0]
      for (found, expected) in zip(found, expected.values) {
        #expect(abs(Double(found) - expected) < 1e-5)
      }
    }
    let found = try PlannedLane(program, leaves([9, 2])).run()[0]
    let outside = found[..<Self.width].count { $0.isNaN }
    let inside = found[Self.width...].count { $0.isFinite }
    #expect(outside > 0 && inside == Self.width)
  }

  @Test("more than one position behind others, and rows that are no input, are refused")
  func refusals() throws {
    let graph = Self.graph(1, .next(context: 4))
    _ = graph.input("x", [1, 2, 12]).selfAttention(heads: 1, isCausal: true)
    let error = #expect(throws: GraphError.self) { try graph.check() }
    #expect(error?.description == "place rows: expects one row [1, 1, 4], got [1, 2, 4]")

    let other = Self.graph(1, .none)
    let rows = other.apply(
      PlaceRows(),
      [
        other.input("x", [1, 3, 2]).exp(), other.input("row", [1, 1, 2]),
        other.input("place", [1, 1], .int32),
      ])
    let program = try Program(evaluating: other, scalars: [], outputs: rows)
    let refusal = #expect(throws: GraphError.self) { _ = try PlannedLane(program, .init()) }
    #expect(refusal?.description.contains("only an input keeps its rows") == true)
  }
}
