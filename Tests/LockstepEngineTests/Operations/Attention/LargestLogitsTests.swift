import LockstepEngine
import LockstepTestSupport
import Testing

/// The largest logit of each head, read off what an attention leaves of its rows.
@Suite struct LargestLogitsTests {
  /// An attention [N, T, 3 · heads · D] to itself.
  private struct Case {
    var examples = 5
    var positions = 7
    var heads = 2
    var width = 3
    var isCausal = false
    var lengths: [Int]?
    var values: [Double]?
    var present = Int.max
    var isa = InstructionSet.detected

    var row: Int { 3 * heads * width }
    var x: [Double] {
      values
        ?? (0..<examples * positions * row).map { index in
          let place = (Double(index + 1) * 0.754877666).truncatingRemainder(dividingBy: 1)
          return Double(Float(4 * place - 2))
        }
    }

    /// What a plan finds, and what the reference does.
    func run() throws -> (found: [Float], reference: [Double]) {
      let graph = Graph(batchCount: examples, training: true)
      let x = graph.input("x", [examples, positions, row])
      let seen = lengths.map { _ in graph.input("lengths", [examples], .int32) }
      let y = x.selfAttention(heads: heads, isCausal: isCausal, lengths: seen)
      let logits = graph.largestLogits()
      try graph.check()
      let program = try Program(evaluating: graph, scalars: logits, outputs: [y])
      var leaves = ReferenceEvaluator.Leaves()
      leaves.inputs["x"] = HostTensor([examples, positions, row], self.x)
      if let lengths {
        leaves.inputs["lengths"] = HostTensor([examples], lengths.map(Double.init))
      }
      let reference = try ReferenceEvaluator(graph).evaluate(logits, leaves).map { $0.values[0] }
      let (lane, memory) = try lane(running: program, leaves, isa: isa)
      try withExtendedLifetime(memory) {
        var context = RunContext(seed: 1)
        context.presentExamples = present
        try lane.run(context)
      }
      return (logits.indices.map { lane.scalar($0) }, reference)
    }

    /// The definition: q · k / √D of every pair that counts.
    func definition() -> [Double] {
      (0..<heads).map { head in
        var largest = -Double.infinity
        for example in 0..<min(examples, present) {
          let length = lengths?[example] ?? positions
          for query in 0..<length {
            for key in 0..<(isCausal ? min(query + 1, length) : length) {
              var sum = 0.0
              for column in 0..<width {
                let place = { (position: Int, part: Int) in
                  (example * positions + position) * row + part * heads * width + head * width
                    + column
                }
                sum += x[place(query, 0)] * x[place(key, 1)]
              }
              largest = max(largest, sum / Double(width).squareRoot())
            }
          }
        }
        return largest
      }
    }
  }

  @Test(arguments: [false, true])
  func theyAreTheLargestThatCount(isCausal: Bool) throws {
    for lengths in [nil, [7, 0, 1, 5, 3], [0, 0, 0, 0, 2]] {
      var attention = Case(isCausal: isCausal, lengths: lengths)
      for present in [Int.max, 3, 1] {
        attention.present = present
        let (found, reference) = try attention.run()
        for (value, expected) in zip(found, attention.definition()) {
          #expect(
            value == Float(expected) || abs(Double(value) - expected) < 1e-6,
            "\(lengths ?? []), \(present)")
        }
        if present == .max {
          for (value, expected) in zip(reference, attention.definition()) {
            #expect(value == expected || abs(value - expected) < 1e-6)
          }
        }
      }
    }
  }

  /// Where no query sees a key there is no largest logit.
  @Test func nothingIsMinusInfinity() throws {
    let (found, reference) = try Case(lengths: [0, 0, 0, 0, 0]).run()
    #expect(found == [-.infinity, -.infinity] && reference == [-.infinity, -.infinity])
  }

  /// Logits below 0 are the largest where there are no others: padding's zeros do not count.
  @Test func logitsMayAllBeNegative() throws {
    var attention = Case(examples: 2, positions: 3, heads: 1, width: 1, lengths: [2, 1])
    // Queries of 2, keys of −1.
    attention.values = (0..<18).map { [2, -1, 0.5][$0 % 3] }
    for query in [2, 4, 5] { for part in 0..<2 { attention.values?[3 * query + part] = 0 } }
    let (found, _) = try attention.run()
    #expect(found == [-2])
  }

  @Test func whatIsNoNumberShows() throws {
    var attention = Case()
    var values = attention.x
    // A key of the second head.
    values[3 * attention.row + 6 + 4] = .nan
    attention.values = values
    let found = try attention.run().found
    #expect(!found[0].isNaN && found[1].isNaN)
  }

  @Test func allInstructionSetsGiveTheSameBits() throws {
    let best = try Case(width: 19).run().found
    for isa in InstructionSet.allCases where isa < .detected {
      #expect(try Case(width: 19, isa: isa).run().found == best)
    }
  }

  // MARK: Whose rows they are

  /// The rows of weights and biases that make queries and keys of `attend`'s attention.
  private func rows(
    _ attend: (_ x: Tensor, _ weight: (String, Int) -> Tensor, _ bias: (String, Int) -> Tensor) ->
      Tensor
  ) throws -> [String: [HeadRows]] {
    let graph = Graph(batchCount: 2, training: true)
    func parameter(_ name: String, _ shape: [Int]) -> Tensor {
      graph.parameter(
        ParameterSpecification(name: name, shape: shape, initializer: Zeros()))
    }
    _ = attend(
      graph.input("x", [2, 4, 6]), { parameter($0, [$1, 6]) }, { parameter($0, [$1]) })
    try graph.check()
    return Dictionary(
      uniqueKeysWithValues: zip(graph.parameters.map(\.name), graph.headRows()))
  }

  @Test func packedMapsHaveQueriesAndKeys() throws {
    let packed = [
      HeadRows(.queries, firstRow: 0, heads: 2, width: 3, firstHead: 0),
      HeadRows(.keys, firstRow: 6, heads: 2, width: 3, firstHead: 0),
    ]
    #expect(
      try rows { x, weight, bias in x.linear(weight("w", 18), bias("b", 18)).selfAttention(heads: 2)
      }
        == ["w": packed, "b": packed])
    let turned = try rows { x, weight, _ in
      x.linear(weight("w", 12 + 6)).rotated(headWidth: 6, columns: 12).selfAttention(heads: 1)
    }
    #expect(turned["w"]?.map(\.width) == [6, 6])
  }

  @Test func separateMapsHaveOneEach() throws {
    let found = try rows { x, weight, bias in
      let shared = weight("kv", 12)
      let keys = x.linear(shared.sliced(axis: 0, 0..<6))
      let first = x.linear(weight("q", 6), bias("bq", 6)).attention(
        keys: keys, values: x.linear(shared.sliced(axis: 0, 6..<12)), heads: 3)
      return first.linear(weight("q", 6)).attention(keys: keys, values: keys, heads: 3)
    }
    #expect(found["q"]?.map(\.part) == [.queries, .queries])
    #expect(found["q"]?.map(\.firstHead) == [0, 3])
    #expect(found["bq"]?.map(\.part) == [.queries])
    #expect(found["kv"]?.map(\.firstRow) == [0, 0] && found["kv"]?.map(\.part) == [.keys, .keys])
  }

  /// Scaling the rows would not scale the logits there.
  @Test func somethingElseInBetweenHasNone() throws {
    for change in [{ (x: Tensor) in x.tanh() }, { $0 * $0 }] {
      let found = try rows { x, weight, _ in
        change(x.linear(weight("w", 18))).selfAttention(heads: 2)
      }
      #expect(found == ["w": []])
    }
    // Pairs of two heads are turned together.
    let found = try rows { x, weight, _ in
      x.linear(weight("w", 18)).rotated(headWidth: 6, columns: 12).selfAttention(heads: 2)
    }
    #expect(found == ["w": []])
  }
}
