import LockstepDatasets
import LockstepFiles
import Testing

/// Problems whose answer depends on what was seen many steps before.
@Suite struct LongLagTests {
  private func adding(_ count: Int, length: Int = 20, seed: UInt64 = 1) throws -> Dataset {
    try SyntheticData.addingProblem(count: count, length: length, seed: seed)
  }

  @Test("the target is the sum of the two marked values, one of each half", arguments: [2, 5, 100])
  func sums(_ length: Int) throws {
    let data = try adding(200, length: length)
    #expect(data.inputShape == [length, 2])
    for example in 0..<data.count {
      let input = try data.inputValues(of: [example])
      let marked = (0..<length).filter { input[2 * $0 + 1] == 1 }
      #expect(marked.count == 2)
      #expect(marked[0] < length / 2 && marked[1] >= length / 2)
      #expect((0..<length).allSatisfy { marked.contains($0) || input[2 * $0 + 1] == 0 })
      #expect((0..<length).allSatisfy { (0...1).contains(input[2 * $0]) })
      #expect(try data.targets(of: [example]) == [input[2 * marked[0]] + input[2 * marked[1]]])
    }
  }

  @Test("all places are marked, and the answer 1 has a mean squared error of 1/6")
  func statistics() throws {
    let data = try adding(20_000, length: 9)
    var marks = Array(repeating: 0, count: 9)
    let inputs = try data.inputValues(of: Array(0..<data.count))
    for place in inputs.indices where place % 2 == 1 && inputs[place] == 1 {
      marks[place / 2 % 9] += 1
    }
    // 4 places in the first half, 5 in the second; deviations of such counts are about 60.
    for (place, count) in marks.enumerated() {
      #expect(abs(count - 20_000 / (place < 4 ? 4 : 5)) < 300, "\(place)")
    }
    let targets = try data.targets(of: Array(0..<data.count))
    let error = targets.reduce(0.0) { $0 + Double(($1 - 1) * ($1 - 1)) } / 20_000
    #expect(abs(error - 1.0 / 6) < 0.005)
  }

  @Test("an example follows from the seed and its number alone")
  func addingSeeds() throws {
    let (few, many) = (try adding(5), try adding(50))
    #expect(try few.inputValues(of: [0, 1, 4]) == many.inputValues(of: [0, 1, 4]))
    #expect(try few.targets(of: [3]) == many.targets(of: [3]))
    #expect(try adding(5, seed: 2).fingerprint != few.fingerprint)
    #expect(try few.inputValues(of: [0]) != few.inputValues(of: [1]))
  }

  private func values(
    _ data: CopyMemory, _ field: ExampleField, _ examples: [Int]
  ) throws -> [Int32] {
    var values = [Int32](repeating: -1, count: examples.count * field.size)
    var span = values.mutableSpan
    try data.load(field, of: examples[...], into: &span)
    return values
  }

  @Test(
    "symbols, blanks and a marker go in; blanks and the symbols are asked for",
    arguments: [(8, 10, 100), (2, 1, 1), (3, 4, 2)])
  func copies(_ symbols: Int, _ length: Int, _ delay: Int) throws {
    let data = try CopyMemory(
      count: 40, symbols: symbols, length: length, delay: delay, seed: 3)
    let steps = delay + 2 * length
    #expect(data.inputFields == [ExampleField("input", [steps], .int32(limit: symbols + 2))])
    #expect(data.labelFields == [ExampleField("label", [steps], .int32(limit: symbols + 1))])
    let blank = Int32(symbols)
    for example in 0..<data.count {
      let input = try values(data, data.inputFields[0], [example])
      let label = try values(data, data.labelFields[0], [example])
      let said = Array(input[..<length])
      #expect(said.allSatisfy { (0..<blank).contains($0) })
      #expect(input[length...].filter { $0 != blank } == [blank + 1])
      #expect(input[length + delay - 1] == blank + 1)
      #expect(label[..<(delay + length)].allSatisfy { $0 == blank })
      #expect(Array(label[(delay + length)...]) == said)
    }
  }

  @Test("sequences do not depend on their number, on the order, or on those beside them")
  func copySeeds() throws {
    let few = try CopyMemory(count: 5, delay: 7, seed: 1)
    let many = try CopyMemory(count: 50, delay: 7, seed: 1)
    let field = few.inputFields[0]
    let three = try values(few, field, [3, 0, 3])
    #expect(three == (try values(many, field, [3, 0, 3])))
    #expect(Array(three[..<27]) == (try values(many, field, [3])))
    #expect(few.fingerprint != many.fingerprint)
    let other = try CopyMemory(count: 5, delay: 7, seed: 2)
    #expect(try values(other, field, [0]) != values(few, field, [0]))
    #expect(other.fingerprint != few.fingerprint)
    #expect(try CopyMemory(count: 5, delay: 8, seed: 1).fingerprint != few.fingerprint)
  }

  @Test("all symbols are said equally often")
  func copyStatistics() throws {
    let data = try CopyMemory(count: 2000, symbols: 5, length: 10, delay: 1, seed: 9)
    let inputs = try values(data, data.inputFields[0], Array(0..<2000))
    for symbol in Int32(0)..<5 {
      // 20,000 draws of probability 1/5: a deviation of 57.
      #expect(abs(inputs.count { $0 == symbol } - 4000) < 285)
    }
  }

  @Test("a part is read again through its description; another length is refused")
  func content() throws {
    let source = try CopyMemory(count: 10, delay: 5, seed: 1)
    let content = CopyMemoryContent(source)
    let description = try content.describe([0, 1])
    let part = try content.part([7, 2], as: description)
    #expect(part.examples.count == 2)
    #expect(part.places.text(1).contains("3"))
    var both = [Int32](repeating: 0, count: 50)
    var span = both.mutableSpan
    try part.examples.load(part.examples.inputFields[0], of: [0, 1], into: &span)
    #expect(both == (try values(source, source.inputFields[0], [7, 2])))
    #expect(try content.part(as: description).examples.fingerprint == source.fingerprint)
    let longer = CopyMemoryContent(try CopyMemory(count: 10, delay: 6, seed: 1))
    #expect(throws: DatasetError.self) { try longer.part(as: description) }
  }

  @Test("numbers out of range are refused by name")
  func refusals() throws {
    let error = #expect(throws: DatasetError.self) { try adding(3, length: 1) }
    #expect(error?.description.contains("3 examples of 1 steps") == true)
    #expect(throws: DatasetError.self) { try adding(0) }
    #expect(throws: DatasetError.self) { try adding(1 << 24, length: 1 << 20) }
    #expect(throws: DatasetError.self) { try CopyMemory(count: 0, seed: 1) }
    #expect(throws: DatasetError.self) { try CopyMemory(count: 1, symbols: 1, seed: 1) }
    #expect(throws: DatasetError.self) { try CopyMemory(count: 1, length: 0, seed: 1) }
    #expect(throws: DatasetError.self) { try CopyMemory(count: 1, delay: 0, seed: 1) }
    #expect(throws: DatasetError.self) {
      var span = MutableSpan<Int32>()
      let data = try CopyMemory(count: 1, seed: 1)
      try data.load(data.inputFields[0], of: [0], into: &span)
    }
  }
}
