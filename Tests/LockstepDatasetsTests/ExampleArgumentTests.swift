import LockstepDatasets
import LockstepEngine
import Testing

/// Arguments of sources of examples that make no sense end in an error, never in a trap.
@Suite struct ExampleArgumentTests {
  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "nothing was thrown"
  }

  private static func squares() throws -> Dataset {
    try Dataset(
      name: "squares", inputShape: [2], inputs: .floats([1, 2, 3, 4, 5, 6]),
      labels: .classes([0, 1, 0], count: 2))
  }

  @Test("the values of examples, as arrays")
  func values() throws {
    let data = try Self.squares()
    #expect(try data.inputValues(of: [2, 0]) == [5, 6, 1, 2])
    #expect(try data.classes(of: [1, 1, 0]) == [1, 1, 0])
    #expect(try data.inputValues(of: []).isEmpty)
    #expect(message { _ = try data.targets(of: [0]) }.contains("has classes for labels"))
    #expect(message { _ = try data.inputValues(of: [3]) }.contains("no example 3"))
    #expect(message { _ = try data.classes(of: [-1]) }.contains("no example -1"))
    let bytes = try Dataset(
      name: "bytes", inputShape: [1], inputs: .bytes([0, 255], .unit),
      labels: .targets([1, 2, 3, 4], width: 2))
    #expect(try bytes.inputValues(of: [1, 0]) == [1, 0])
    #expect(try bytes.targets(of: [1]) == [3, 4])
  }

  @Test("numbers of classes that are none", arguments: [0, -1, Int.min, Int.max])
  func classes(_ count: Int) {
    let text = message {
      _ = try Dataset(
        name: "d", inputShape: [1], inputs: .floats([1]), labels: .classes([0], count: count))
    }
    #expect(text.contains("has \(count) classes"))
  }

  @Test("windows of a length, and examples, that there are none of")
  func windows() throws {
    let stream = TokenStream([1, 2, 3, 4, 5] as [Int32], name: "tokens")
    for length in [0, -1, Int.min, 5, Int.max] {
      let text = message { _ = try TokenWindows(stream, length: length, vocabulary: 6) }
      #expect(text.contains("\(length)"))
    }
    let windows = try TokenWindows(stream, length: 2, vocabulary: 6)
    var values = [Int32](repeating: 0, count: 4)
    for examples in [[0, 1, 0], [2], [-1], [Int.max], [Int.min]] {
      #expect(throws: DatasetError.self) {
        var span = values.mutableSpan
        try windows.load(windows.inputFields[0], of: examples[...], into: &span)
      }
    }
    var span = values.mutableSpan
    try windows.load(windows.labelFields[0], of: [1, 0], into: &span)
    #expect(values == [4, 5, 2, 3])
  }

  @Test("a position that is restored from other data")
  func position() throws {
    let sampler = try Sampler(count: 5, batchSize: 2, seed: 1)
    guard case .integers(let position) = sampler.state[0].storage else {
      Issue.record("the position is no integers")
      return
    }
    for (epoch, batch) in [(0, 7), (0, -1), (-1, 0), (Int.max, 2), (0, Int.max)] {
      position[0] = Int64(epoch)
      position[1] = Int64(batch)
      #expect(throws: DatasetError.self) { try sampler.batch() }
      #expect(sampler.next().examples.isEmpty)
    }
  }

  @Test("a transform sees values, and scratch of the same size")
  func transforms() throws {
    struct Reversed: InputTransform {
      let description = "reversal"
      func problem(with inputShape: [Int]) -> String? { nil }
      func apply(
        to values: inout MutableSpan<Float>, of input: ExampleInput,
        random: inout CounterGenerator
      ) {
        let last = values.count - 1
        input.withScratch { scratch in
          for index in values.indices { scratch[index] = values[index] }
          for index in values.indices { values[index] = scratch[last - index] }
        }
      }
    }
    let augmentation = try Augmentation([Reversed()], for: Self.squares())
    let changed = try augmentation.applied(to: [1, 2], example: 0, epoch: 0, seed: 1)
    #expect(changed == [2, 1])
    #expect(throws: DatasetError.self) {
      try augmentation.applied(to: [1, 2, 3], example: 0, epoch: 0, seed: 1)
    }
  }
}
