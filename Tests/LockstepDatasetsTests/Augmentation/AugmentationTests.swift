import LockstepDatasets
import LockstepEngine
import LockstepTestSupport
import Testing

@Suite struct AugmentationTests {
  /// Images whose values are all different.
  static func images(_ shape: [Int], count: Int = 3, blank: [Float] = [0]) throws -> Dataset {
    let size = shape.reduce(1, *)
    return try Dataset(
      name: "images", inputShape: shape, inputs: .floats((1...size * count).map { Float($0) }),
      labels: .classes(Array(repeating: 0, count: count), count: 2), blank: blank)
  }

  static func augmented(
    _ dataset: Dataset, _ transforms: [any InputTransform], example: Int, epoch: Int = 0,
    seed: UInt64 = 1
  ) throws -> [Float] {
    let augmentation = try Augmentation(transforms, for: dataset)
    var values = [Float](repeating: .nan, count: dataset.inputSize)
    var scratch = [Float](repeating: .nan, count: dataset.inputSize)
    try values.withUnsafeMutableBufferPointer { values in
      try scratch.withUnsafeMutableBufferPointer { scratch in
        try dataset.copyInputs(of: [example], into: values)
        try augmentation.apply(
          to: try ExampleInput(
            values: values, shape: dataset.inputShape, blank: dataset.blank, scratch: scratch),
          example: example, epoch: epoch, seed: seed)
      }
    }
    return values
  }

  static func original(_ dataset: Dataset, _ example: Int) throws -> [Float] {
    try augmented(dataset, [], example: example)
  }

  /// An image moved pixel by pixel, the border told by a padded coordinate's source.
  private func moved(
    _ image: [Float], _ shape: [Int], down: Int, right: Int, blank: [Float],
    _ border: RandomCrop.Border
  ) -> [Float] {
    func source(_ index: Int, _ count: Int) -> Int? {
      if (0..<count).contains(index) { return index }
      switch border {
      case .blank: return nil
      case .edge: return min(max(index, 0), count - 1)
      case .reflect:
        let period = 2 * (count - 1)
        let place = ((index % period) + period) % period
        return place < count ? place : period - place
      }
    }
    var result: [Float] = []
    for channel in 0..<shape[0] {
      for y in 0..<shape[1] {
        for x in 0..<shape[2] {
          if let y = source(y - down, shape[1]), let x = source(x - right, shape[2]) {
            result.append(image[(channel * shape[1] + y) * shape[2] + x])
          } else {
            result.append(blank[blank.count == 1 ? 0 : channel])
          }
        }
      }
    }
    return result
  }

  @Test func movingByNothingAndNeverFlippingIsTheIdentity() throws {
    let dataset = try Self.images([2, 5, 4])
    for transform: any InputTransform in [
      RandomShift(pixels: 0), RandomCrop(padding: 0), RandomFlip(probability: 0),
    ] {
      for example in 0..<3 {
        #expect(
          try Self.augmented(dataset, [transform], example: example)
            == Self.original(dataset, example))
      }
    }
  }

  @Test(arguments: RandomFlip.Axis.allCases)
  func flippingTwiceIsTheIdentity(_ axis: RandomFlip.Axis) throws {
    let dataset = try Self.images([2, 5, 4])
    let flip = RandomFlip(axis, probability: 1)
    let once = try Self.augmented(dataset, [flip], example: 1)
    let image = try Self.original(dataset, 1)
    #expect(try Self.augmented(dataset, [flip, flip], example: 1) == image)
    for channel in 0..<2 {
      for y in 0..<5 {
        for x in 0..<4 {
          let (fromY, fromX) = axis == .horizontal ? (y, 3 - x) : (4 - y, x)
          #expect(once[(channel * 5 + y) * 4 + x] == image[(channel * 5 + fromY) * 4 + fromX])
        }
      }
    }
  }

  @Test(arguments: RandomCrop.Border.allCases)
  func aMovedImageIsTheOriginalElsewhere(_ border: RandomCrop.Border) throws {
    let shape = [2, 6, 5]
    let dataset = try Self.images(shape, count: 40, blank: [-1, -2])
    var seen: Set<[Int]> = []
    for example in 0..<40 {
      let image = try Self.original(dataset, example)
      let result = try Self.augmented(
        dataset, [RandomCrop(padding: 3, border: border)], example: example)
      let moves = (-3...3).flatMap { down in (-3...3).map { [down, $0] } }.filter {
        moved(image, shape, down: $0[0], right: $0[1], blank: dataset.blank, border) == result
      }
      #expect(moves.count == 1, "example \(example)")
      seen.formUnion(moves)
    }
    #expect(seen.count > 15)
  }

  @Test func everyMoveIsEquallyLikely() throws {
    let shape = [1, 7, 7]
    let count = 5000
    let dataset = try Dataset(
      name: "points", inputShape: shape,
      inputs: .floats((0..<count).flatMap { _ in (0..<49).map { $0 == 24 ? 1 : 0 } }),
      labels: .classes(Array(repeating: 0, count: count), count: 2))
    var places: [Int: Int] = [:]
    for example in 0..<count {
      let result = try Self.augmented(dataset, [RandomShift(pixels: 2)], example: example)
      let place = try #require(result.firstIndex(of: 1))
      #expect((1...5).contains(place / 7) && (1...5).contains(place % 7))
      places[place, default: 0] += 1
    }
    // χ² with 24 degrees of freedom is above 51 once in a thousand times.
    let expected = Double(count) / 25
    let deviation = places.values.reduce(0) {
      $0 + (Double($1) - expected) * (Double($1) - expected)
    }
    #expect(places.count == 25)
    #expect(deviation / expected < 51)

    let flips = try (0..<count).filter {
      try Self.augmented(Self.row, [RandomFlip(probability: 0.3)], example: $0 % 3, epoch: $0)
        != Self.original(Self.row, $0 % 3)
    }.count
    #expect(abs(Double(flips) / Double(count) - 0.3) < 0.025)
  }

  private static let row = try! images([1, 1, 4])  // its counts fit

  @Test func changesAreFixedBySeedEpochAndExample() throws {
    let dataset = try Self.images([1, 9, 9], count: 30)
    let transforms: [any InputTransform] = [RandomShift(pixels: 4), RandomFlip()]
    func all(epoch: Int, seed: UInt64) throws -> [[Float]] {
      try (0..<30).map {
        try Self.augmented(dataset, transforms, example: $0, epoch: epoch, seed: seed)
      }
    }
    let first = try all(epoch: 3, seed: 1)
    #expect(try all(epoch: 3, seed: 1) == first)
    for other in [try all(epoch: 4, seed: 1), try all(epoch: 3, seed: 2)] {
      #expect(zip(first, other).filter { $0 != $1 }.count > 20)
    }
    // Examples move differently, and so do two transforms of one example.
    let moves = Set(
      first.enumerated().map { example, values in
        values.map { $0 == 0 ? 0 : $0 - Float(example * 81) }
      })
    #expect(moves.count > 20)
    let twice = try (0..<30).filter {
      try Self.augmented(dataset, [RandomFlip(), RandomFlip()], example: $0)
        != Self.original(dataset, $0)
    }
    #expect((5...25).contains(twice.count))
  }

  @Test func normalisingAndMovingCommute() throws {
    let bytes = (0..<2 * 3 * 16).map { UInt8($0 * 5 % 256) }
    let raw = try ByteNormalization(mean: [0.2], deviation: [0.5])
    let images = try Dataset(
      name: "bytes", inputShape: [3, 4, 4], inputs: .bytes(bytes, raw),
      labels: .classes([0, 1], count: 2))
    let floats = try Dataset(
      name: "floats", inputShape: [3, 4, 4],
      inputs: .floats(bytes.map { (Float($0) / 255 - 0.2) / 0.5 }),
      labels: .classes([0, 1], count: 2), blank: [(0 - 0.2) / 0.5])
    let (mean, deviation): ([Float], [Float]) = ([0.1, -0.2, 0.3], [2, 0.25, 3])
    for dataset in [images, floats] {
      let normalized = try dataset.normalized(mean: mean, deviation: deviation)
      for example in 0..<2 {
        let shifted = try Self.augmented(dataset, [RandomShift(pixels: 3)], example: example)
        let expected = shifted.enumerated().map { index, value in
          (value - mean[index / 16]) / deviation[index / 16]
        }
        #expect(
          try Self.augmented(normalized, [RandomShift(pixels: 3)], example: example) == expected)
      }
      #expect(normalized.fingerprint != dataset.fingerprint)
      #expect(try normalized.subset([1]).blank == normalized.blank)
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let images = try Self.images([1, 5, 4])
    let table = try Self.images([6])
    for (transform, dataset, text) in [
      (RandomShift(pixels: 4), images, "images of 5×4 can be shifted by 0 to 3 pixels"),
      (RandomCrop(padding: 4), images, "images of 5×4 can be padded by 0 to 3 pixels"),
      (RandomFlip(probability: 1.5), images, "the probability 1.5 is not in 0...1"),
      (RandomFlip(), table, "it is for images"),
      (RandomShift(pixels: 1), table, "and the inputs have the shape [6]"),
    ] as [(any InputTransform, Dataset, String)] {
      let error = #expect(throws: DatasetError.self) { try Augmentation([transform], for: dataset) }
      #expect(error?.reason.contains(text) == true, "\(String(describing: error))")
    }
    #expect(throws: DatasetError.self) {
      try images.normalized(mean: [0, 1], deviation: [1, 1])
    }
    #expect(throws: DatasetError.self) { try images.normalized(mean: [0], deviation: [0]) }
  }
}
