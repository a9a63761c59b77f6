import LockstepDatasets
import LockstepEngine
import Testing

@Suite struct DatasetTests {
  private func images() throws -> Dataset {
    try Dataset(
      name: "images", inputShape: [2, 1, 3],
      inputs: .bytes(
        [0, 51, 255, 10, 20, 30, 1, 2, 3, 4, 5, 6],
        try ByteNormalization(mean: [0, 0.5], deviation: [1, 0.25])),
      labels: .classes([1, 0], count: 2))
  }

  @Test("bytes are normalised as PyTorch does, channel by channel, in the order asked for")
  func bytes() throws {
    let data = try images()
    var output = [Float](repeating: -7, count: 19)
    try output.withUnsafeMutableBufferPointer { try data.copyInputs(of: [1, 0, 1], into: $0) }
    let second: [Float] = [1, 2, 3].map { $0 / 255 } + [4, 5, 6].map { ($0 / 255 - 0.5) / 0.25 }
    let first: [Float] = [0, 0.2, 1] + [10, 20, 30].map { ($0 / 255 - 0.5) / 0.25 }
    #expect(output == second + first + second + [-7])
  }

  @Test("floats, classes and targets are copied row by row")
  func rows() throws {
    let data = try Dataset(
      name: "rows", inputShape: [2], inputs: .floats([1, 2, 3, 4, 5, 6]),
      labels: .targets([10, 11, 20, 21, 30, 31], width: 2))
    #expect(data.count == 3)
    #expect(data.targetWidth == 2)
    #expect(data.classCount == nil)
    var inputs = [Float](repeating: 0, count: 4)
    try inputs.withUnsafeMutableBufferPointer { try data.copyInputs(of: [2, 0], into: $0) }
    #expect(inputs == [5, 6, 1, 2])
    var targets = [Float](repeating: 0, count: 4)
    try targets.withUnsafeMutableBufferPointer { try data.copyTargets(of: [2, 0], into: $0) }
    #expect(targets == [30, 31, 10, 11])
    var classes: [Int32] = [9, 9, 9]
    try images().copyClasses(of: [1, 0], into: &classes)
    #expect(classes == [0, 1, 9])
  }

  @Test("a slice of an order is copied by its own indices")
  func slices() throws {
    let data = try Dataset(
      name: "rows", inputShape: [1], inputs: .floats([0, 1, 2, 3]),
      labels: .classes([0, 1, 2, 3], count: 4))
    let order = [3, 1, 0, 2]
    var inputs = [Float](repeating: 0, count: 2)
    try inputs.withUnsafeMutableBufferPointer { try data.copyInputs(of: order[2..<4], into: $0) }
    #expect(inputs == [0, 2])
  }

  @Test("an empty shard copies nothing, even into no buffer")
  func empty() throws {
    try images().copyInputs(of: [], into: .init(start: nil, count: 0))
  }

  @Test("a subset copies what the whole would")
  func subset() throws {
    let data = try images()
    let part = try data.subset([1, 1, 0])
    #expect(part.count == 3)
    var whole = [Float](repeating: 0, count: 18)
    var parts = [Float](repeating: 0, count: 18)
    try whole.withUnsafeMutableBufferPointer { try data.copyInputs(of: [1, 1, 0], into: $0) }
    try parts.withUnsafeMutableBufferPointer { try part.copyInputs(of: [0, 1, 2], into: $0) }
    #expect(whole == parts)
    #expect(part.strata == [0, 0, 1])
    let error = #expect(throws: DatasetError.self) { try data.subset([0, 2]) }
    #expect(error?.description == "images: has no example 2; there are 2")
  }

  @Test(
    "categories are inputs beside the numbers, go with their examples, and count in the fingerprint"
  )
  func categories() throws {
    func data(_ codes: [Int32], _ inputs: [Float]) throws -> Dataset {
      try Dataset(
        name: "t", inputShape: [inputs.count / 3], inputs: .floats(inputs),
        labels: .classes([0, 1, 0], count: 2), weights: nil,
        categories: [.init(column: EmbeddedColumn(name: "c", count: 3, width: 2), codes: codes)])
    }
    let whole = try data([2, 0, 1], [5, 6, 7])
    #expect(whole.inputFields.map(\.name) == ["input", "category c"])
    func codes(_ data: Dataset, _ examples: [Int]) throws -> [Int32] {
      var values = [Int32](repeating: -1, count: examples.count)
      var span = values.mutableSpan
      try data.load(data.inputFields[1], of: examples[...], into: &span)
      return values
    }
    #expect(try codes(whole, [1, 2, 0]) == [0, 1, 2])
    #expect(try codes(whole.subset([2, 0]), [0, 1]) == [1, 2])
    #expect(try data([2, 1, 1], [5, 6, 7]).fingerprint != whole.fingerprint)
    let alone = try data([2, 0, 1], [])
    #expect(alone.inputFields.map(\.name) == ["category c"] && alone.count == 3)
  }

  private func strata(_ targets: [Float]) throws -> [Int] {
    try Dataset(
      name: "t", inputShape: [1], inputs: .floats(targets), labels: .targets(targets, width: 1)
    ).strata
  }

  @Test("few distinct targets are a stratum each, in order")
  func strata() throws {
    #expect(try strata([0.5, -1, 0.5, -1]) == [1, 0, 1, 0])
    // Two are a stratum each however rare one is.
    #expect(try strata([0, 1, 0, 0, 0, 0, 0]) == [0, 1, 0, 0, 0, 0, 0])
    let five = (0..<50).map { Float($0 % 5) }
    #expect(try strata(five) == (0..<50).map { $0 % 5 })
  }

  @Test("continuous targets are cut into bins of equal values together, and the seed acts")
  func bins() throws {
    let targets = (0..<200).map { Float(($0 * 73) % 200) + 0.5 }
    let bins = try strata(targets)
    #expect(Set(bins).count == 10)
    for bin in 0..<10 { #expect(bins.count { $0 == bin } == 20) }
    for (a, b) in zip(targets, bins) { #expect(b == Int(a) / 20) }
    let splits = try (0..<3).map {
      try Split.stratified(bins, testFraction: 0.2, seed: UInt64($0))
    }
    #expect(Set(splits.map(\.test)).count == 3)
    #expect(splits.allSatisfy { $0.test.count == 40 })
    // Small data is one stratum: shuffled as it is.
    #expect(Set(try strata([3, 1, 2, 5, 4])).count == 1)
  }

  @Test("what does not fit together is refused")
  func refusals() throws {
    func reason(
      _ shape: [Int], _ inputs: Dataset.Inputs, _ labels: Dataset.Labels
    ) -> String? {
      #expect(throws: DatasetError.self) {
        try Dataset(name: "d", inputShape: shape, inputs: inputs, labels: labels)
      }?.description
    }
    #expect(
      reason([2], .floats([1, 2, 3]), .classes([0], count: 1))
        == "d: has 3 input values for 1 labels; expected 2 a label")
    #expect(
      reason([1], .floats([1, 2]), .classes([0, 2], count: 2))
        == "d: the label of example 1 is 2; expected 0...1")
    #expect(
      reason([1], .floats([1]), .classes([-1], count: 2))
        == "d: the label of example 0 is -1; expected 0...1")
    #expect(
      reason([1], .floats([1]), .targets([1, 2, 3], width: 2))
        == "d: 3 target values are no rows of 2")
    #expect(reason([1], .floats([]), .classes([], count: 2)) == "d: has no examples")
    #expect(
      reason([0], .floats([]), .classes([], count: 2))
        == "d: the input shape [0] is not one of positive sizes")
    #expect(
      reason([1 << 40, 1 << 40], .floats([]), .classes([], count: 2))?
        .hasSuffix("is not one of positive sizes") == true)
    let colours = try ByteNormalization(mean: [0, 0, 0], deviation: [1, 1, 1])
    #expect(
      reason([1, 2], .bytes([1, 2], colours), .classes([0], count: 1))
        == "d: the normalization has 3 channels, the inputs have the shape [1, 2]")
  }

  @Test("normalizations that cannot be are refused")
  func normalizations() {
    for (mean, deviation) in [
      ([], []), ([0], [1, 2]), ([0], [0]), ([0], [-1]), ([.nan], [1]), ([0], [.infinity]),
    ] as [([Float], [Float])] {
      #expect(throws: DatasetError.self) {
        try ByteNormalization(mean: mean, deviation: deviation)
      }
    }
  }

  @Test("the fingerprint sees every part and nothing else")
  func fingerprints() throws {
    func print(
      _ name: String, _ shape: [Int], _ inputs: Dataset.Inputs, _ labels: Dataset.Labels
    ) throws -> String {
      try Dataset(name: name, inputShape: shape, inputs: inputs, labels: labels)
        .fingerprint.description
    }
    let bytes: [UInt8] = [1, 2]
    let all = [
      try print("a", [2], .bytes(bytes, .unit), .classes([0], count: 2)),
      try print("a", [2, 1], .bytes(bytes, .unit), .classes([0], count: 2)),
      try print("a", [2], .bytes([2, 1], .unit), .classes([0], count: 2)),
      try print("a", [2], .bytes(bytes, .mnist), .classes([0], count: 2)),
      try print("a", [2], .floats([1, 2]), .classes([0], count: 2)),
      try print("a", [2], .bytes(bytes, .unit), .classes([1], count: 2)),
      try print("a", [2], .bytes(bytes, .unit), .classes([0], count: 3)),
      try print("a", [2], .bytes(bytes, .unit), .targets([0], width: 1)),
    ]
    #expect(Set(all).count == all.count)
    #expect(try print("b", [2], .bytes(bytes, .unit), .classes([0], count: 2)) == all[0])
  }
}

extension Dataset {
  /// Copies classes into an array.
  fileprivate func copyClasses(of indices: ArraySlice<Int>, into output: inout [Int32]) throws {
    try output.withUnsafeMutableBufferPointer { try copyClasses(of: indices, into: $0) }
  }
}

/// Copies and transforms that do not fit are errors.
@Suite struct DatasetMisuseTests {
  private static func data(_ shape: [Int] = [1, 4, 4]) throws -> Dataset {
    let size = shape.reduce(1, *)
    return try Dataset(
      name: "squares", inputShape: shape, inputs: .floats((0..<3 * size).map(Float.init)),
      labels: .targets([1, 2, 3], width: 1))
  }

  @Test("copying what is not there, or to where it does not fit")
  func copies() throws {
    let data = try Self.data()
    var (values, classes) = ([Float](repeating: 0, count: 32), [Int32](repeating: 0, count: 3))
    values.withUnsafeMutableBufferPointer { values in
      for indices in [[3], [-1], [0, .max]] {
        #expect(throws: DatasetError.self) {
          try data.copyInputs(of: indices[...], into: values)
        }
        #expect(throws: DatasetError.self) {
          try data.copyTargets(of: indices[...], into: values)
        }
      }
      #expect(throws: DatasetError.self) { try data.copyInputs(of: [0, 1, 2], into: values) }
      let one = UnsafeMutableBufferPointer(rebasing: values[..<1])
      #expect(throws: DatasetError.self) { try data.copyTargets(of: [0, 1], into: one) }
    }
    classes.withUnsafeMutableBufferPointer { classes in
      let error = #expect(throws: DatasetError.self) {
        try data.copyClasses(of: [0], into: classes)
      }
      #expect(error?.description == "squares: has targets for labels, not classes")
    }
  }

  @Test("an augmentation for other inputs, and inputs of one's own that do not fit")
  func augmentations() throws {
    let (values, scratch) = (Arena<Float>(count: 16), Arena<Float>(count: 15))
    #expect(throws: DatasetError.self) {
      try ExampleInput(
        values: values.buffer, shape: [1, 4, 4], blank: [0], scratch: scratch.buffer)
    }
    #expect(throws: DatasetError.self) {
      try ExampleInput(values: values.buffer, shape: [1, 4, 5], blank: [0], scratch: values.buffer)
    }
    let flat = try ExampleInput(
      values: values.buffer, shape: [16], blank: [0], scratch: values.buffer)
    let augmentation = try Augmentation([RandomShift(pixels: 1)], for: Self.data())
    #expect(throws: DatasetError.self) {
      try augmentation.apply(to: flat, example: 0, epoch: 0, seed: 1)
    }
    var random = CounterGenerator(seed: 1, .augmentation)
    let image = try ExampleInput(
      values: values.buffer, shape: [1, 4, 4], blank: [0],
      scratch: values.buffer)
    let senseless: [any InputTransform] = [
      RandomShift(pixels: -1), RandomShift(pixels: .max), RandomCrop(padding: 4),
      RandomFlip(probability: 2),
    ]
    for transform in senseless {
      #expect(throws: DatasetError.self) { try image.change(by: transform, random: &random) }
    }
    for transform in [RandomFlip(.vertical), RandomFlip()] {
      #expect(throws: DatasetError.self) { try flat.change(by: transform, random: &random) }
    }
  }
}
