import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepTestSupport
import Testing

/// Changes to images are those of torchvision; what is drawn follows from seed, epoch and example.
@Suite struct ImageChangeTests {
  private func values(_ name: String) throws -> [Float] {
    try ArrayFile.open(imageFixture("../augmentations/\(name).npy")).numbers().map { Float($0) }
  }

  /// The image that `scripts/reference/augmentations.py` starts from, in 0...1.
  private func image() throws -> [Float] { try values("pixels").map { $0 / 255 } }

  private func expectClose(_ found: [Float], _ expected: [Float], _ what: String) {
    #expect(found.count == expected.count)
    let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? 1
    #expect(worst < 2e-6, "\(what): \(worst)")
  }

  @Test(arguments: [(0, 0, 12, 10), (2, 3, 5, 4), (1, 0, 9, 10), (0, 0, 1, 1), (4, 2, 3, 7)])
  func scaledPartsAreTorchvisions(_ top: Int, _ left: Int, _ height: Int, _ width: Int) throws {
    expectClose(
      try RandomResizedCrop.scaled(
        image(), shape: [3, 12, 10], top: top, left: left, height: height, width: width),
      try values("crop-\(top)-\(left)-\(height)-\(width)"), "crop")
  }

  private static let changes: [(ColorJitter.Kind, String)] =
    ColorJitter.Kind.allCases.flatMap { kind in
      (kind == .hue ? ["-0.5", "-0.2", "0.1", "0.4"] : ["0.3", "1.0", "1.7"]).map { (kind, $0) }
    }

  @Test(arguments: changes)
  func coloursAreTorchvisions(_ kind: ColorJitter.Kind, _ factor: String) throws {
    let expected = try values("\(kind)-\(factor)")
    let factor = try #require(Float(factor))
    expectClose(
      ColorJitter.changed(
        try image(), channels: 3, black: [0], white: [1], kind, by: factor), expected, "\(kind)")
    // Values that were normalised change as they would have before.
    let (mean, deviation): ([Float], [Float]) = ([0.5, 0.4, 0.3], [0.2, 0.25, 0.3])
    func normalized(_ values: [Float]) -> [Float] {
      values.enumerated().map { ($1 - mean[$0 / 120]) / deviation[$0 / 120] }
    }
    let changed = ColorJitter.changed(
      normalized(try image()), channels: 3, black: zip(mean, deviation).map { -$0 / $1 },
      white: zip(mean, deviation).map { (1 - $0) / $1 }, kind, by: factor)
    let worst = zip(changed, normalized(expected)).map { abs($0 - $1) }.max() ?? 1
    #expect(worst < 1e-5)
  }

  @Test func aHueOfZeroChangesNoBitAndAWholeTurnLittle() throws {
    let pixels = try image()
    func moved(_ shift: Float) -> [Float] {
      ColorJitter.changed(pixels, channels: 3, black: [0], white: [1], .hue, by: shift)
    }
    expectClose(moved(0), pixels, "no move")
    expectClose(moved(1), pixels, "a whole turn")
    #expect(ColorJitter(hue: 0.6).problem(with: [3, 4, 4]) == "its hue must be in 0...0.5")
  }

  @Test func contrastOfGreyIsTorchvisions() throws {
    expectClose(
      ColorJitter.changed(
        Array(try image()[..<120]), channels: 1, black: [0], white: [1], .contrast, by: 1.7),
      try values("grey-contrast-1.7"), "grey")
  }

  private func bytes(_ shape: [Int], count: Int) throws -> Dataset {
    let size = shape.reduce(1, *)
    return try Dataset(
      name: "bytes", inputShape: shape,
      inputs: .bytes((0..<count * size).map { UInt8(($0 * 7919 + 3) % 251) }, .unit),
      labels: .classes(Array(repeating: 0, count: count), count: 2))
  }

  private func applied(
    _ transform: any InputTransform, to dataset: Dataset, epoch: Int, example: Int = 0
  ) throws -> [Float] {
    try Augmentation([transform], for: dataset).applied(
      to: dataset.inputValues(of: [example]), example: example, epoch: epoch, seed: 3)
  }

  @Test func whatDrawsNothingChangesNothing() throws {
    let dataset = try bytes([3, 8, 6], count: 2)
    let plain = try dataset.inputValues(of: [0])
    #expect(
      try applied(RandomResizedCrop(scale: 1...1, ratio: 0.75...0.75), to: dataset, epoch: 0)
        == plain)
    #expect(try applied(ColorJitter(), to: dataset, epoch: 0) == plain)
    #expect(try applied(RandomErasing(probability: 0), to: dataset, epoch: 0) == plain)
  }

  @Test func erasedPartsAreRectanglesOfTheRightSize() throws {
    let dataset = try Dataset(
      name: "ones", inputShape: [1, 20, 20], inputs: .floats(Array(repeating: 1, count: 400)),
      labels: .classes([0], count: 2))
    var shares: [Double] = []
    for epoch in 0..<400 {
      let values = try applied(RandomErasing(probability: 1), to: dataset, epoch: epoch)
      let changed = values.indices.filter { values[$0] == 0 }
      if changed.isEmpty { continue }
      let rows = Set(changed.map { $0 / 20 })
      let columns = Set(changed.map { $0 % 20 })
      #expect(rows.count == rows.max()! - rows.min()! + 1)
      #expect(changed.count == rows.count * columns.count)
      shares.append(Double(changed.count) / 400)
    }
    #expect(shares.count > 380)
    let mean = shares.reduce(0, +) / Double(shares.count)
    #expect(abs(mean - 0.175) < 0.03, "\(mean)")
    #expect(shares.min()! >= 0.01 && shares.max()! < 0.4)
  }

  @Test func cutoutsLieAnywhere() throws {
    let dataset = try Dataset(
      name: "ones", inputShape: [2, 9, 9], inputs: .floats(Array(repeating: 1, count: 162)),
      labels: .classes([0], count: 2))
    var sizes: Set<Int> = []
    for epoch in 0..<200 {
      let values = try applied(Cutout(size: 4), to: dataset, epoch: epoch)
      #expect(Array(values[..<81]) == Array(values[81...]))
      sizes.insert(values[..<81].count { $0 == 0 })
    }
    // Whole inside, cut by a border, cut by a corner.
    #expect(sizes.contains(16) && sizes.contains(8) && sizes.contains(4))
  }

  @Test func coloursNeedBytes() throws {
    let dataset = try Dataset(
      name: "floats", inputShape: [3, 2, 2], inputs: .floats(Array(repeating: 1, count: 12)),
      labels: .classes([0], count: 2))
    let error = #expect(throws: DatasetError.self) {
      try Augmentation([ColorJitter(brightness: 1)], for: dataset)
    }
    #expect(error?.reason.contains("it is not known what white is") == true)
  }

  @Test(arguments: [0.2, 1.0, 2.0]) func sharesAreOfTheBetaDistribution(_ alpha: Double) throws {
    let mixing = ExampleMixing([.mixup(alpha: alpha)], count: 50)
    let draws = (0..<20_000).map { mixing.draw($0, epoch: 1, seed: 2, shape: [1, 4, 4]) }
    let shares = draws.map { Double($0.share) }
    let mean = shares.reduce(0, +) / 20_000
    let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
    // The variance of Beta(α, α) is 1 / (4 (2α + 1)).
    #expect(abs(mean - 0.5) < 0.01)
    #expect(abs(variance - 1 / (4 * (2 * alpha + 1))) < 0.01)
    #expect(Set(draws.map(\.partner)).count == 50)
    #expect(draws[7] == mixing.draw(7, epoch: 1, seed: 2, shape: [1, 4, 4]))
    #expect(draws[7] != mixing.draw(7, epoch: 2, seed: 2, shape: [1, 4, 4]))
  }

  @Test func mixturesHaveTheSharesTheyTell() throws {
    let mixing = ExampleMixing([.cutMix(alpha: 1), .mixup(alpha: 1)], count: 9)
    var ways: Set<Bool> = []
    for example in 0..<300 {
      let draw = mixing.draw(example, epoch: 0, seed: 5, shape: [2, 10, 8])
      var values = [Float](repeating: 1, count: 160)
      let other = [Float](repeating: 0, count: 160)
      values.withUnsafeMutableBufferPointer { values in
        other.withUnsafeBufferPointer {
          mixing.mix(values, with: $0.baseAddress!, draw, shape: [2, 10, 8])
        }
      }
      #expect(abs(values.reduce(0, +) / 160 - draw.share) < 1e-5)
      ways.insert(values.contains { $0 != 0 && $0 != 1 })
    }
    #expect(ways.count == 2)
  }
}
