import LockstepDatasets
import LockstepFiles

/// The list `data.augment`: random changes to images in training, and normalisations of all images.
package struct AugmentConfiguration: Sendable {
  /// A transform and the key that asks for it.
  struct Entry: Sendable {
    let transform: any InputTransform
    let source: String
    let path: String
  }

  struct Normalization: Sendable {
    let mean: [Float]
    let deviation: [Float]
    let source: String
    let path: String
  }

  var entries: [Entry] = []
  var normalizations: [Normalization] = []

  package init() {}

  /// The normalisations, as a description of data holds them.
  var described: [ArrayDescription.Normalization] {
    normalizations.map {
      .init(mean: $0.mean.map { Double($0) }, deviation: $0.deviation.map { Double($0) })
    }
  }

  /// Makes sure that everything here can be applied to inputs of a shape.
  func check(_ name: String, _ inputShape: [Int]) throws(ConfigurationError) {
    let places =
      entries.map { ($0.source, $0.path) } + normalizations.map { ($0.source, $0.path) }
    if let (source, path) = places.first, inputShape.count != 3 {
      throw ConfigurationError(
        source: source, path: path,
        reason: "'\(path)' changes images, and the inputs of '\(name)' have the shape "
          + "\(inputShape); leave 'data.augment' out (tables have 'standardize')")
    }
    for entry in entries {
      if let problem = entry.transform.problem(with: inputShape) {
        throw ConfigurationError(
          source: entry.source, path: entry.path, reason: "'\(entry.path)': \(problem)")
      }
    }
    for entry in normalizations where ![1, inputShape[0]].contains(entry.mean.count) {
      throw ConfigurationError(
        source: entry.source, path: entry.path,
        reason:
          "'\(entry.path)': the normalization has \(entry.mean.count) channels, the inputs have "
          + "the shape \(inputShape)")
    }
  }

  /// The transforms, for training on a data set; nil where there are none.
  func augmentation(for dataset: Dataset) throws -> Augmentation? {
    entries.isEmpty ? nil : try Augmentation(entries.map(\.transform), for: dataset)
  }
}

// MARK: - Reading

extension ConfigurationReader {
  /// Reads the list `augment`.
  func augment() throws(ConfigurationError) -> AugmentConfiguration {
    var result = AugmentConfiguration()
    for reader in try objects("augment", required: false, shorthand: "type") {
      try reader.augmentation(into: &result)
    }
    return result
  }

  /// Reads one change.
  package func augmentation(into result: inout AugmentConfiguration) throws(ConfigurationError) {
    switch try string("type", oneOf: ["shift", "crop", "flip", "normalize"]) {
    case "shift":
      result.entries.append(
        entry(RandomShift(pixels: try integer("pixels", in: 1...Int(Int32.max)))))
    case "crop":
      let border = try string(
        "border", default: "blank", oneOf: RandomCrop.Border.allCases.map(\.rawValue))
      result.entries.append(
        entry(
          RandomCrop(
            padding: try integer("padding", in: 1...Int(Int32.max)),
            border: RandomCrop.Border(rawValue: border) ?? .blank)))
    case "flip":
      let axis = try string(
        "axis", default: "horizontal", oneOf: RandomFlip.Axis.allCases.map(\.rawValue))
      result.entries.append(
        entry(
          RandomFlip(
            RandomFlip.Axis(rawValue: axis) ?? .horizontal,
            probability: try double("probability", default: 0.5, in: 0...1))))
    default:
      let mean = try doubles("mean", in: float32Range).map { Float($0) }
      let deviation = try doubles("standardDeviation", in: float32Range).map { Float($0) }
      guard mean.count == deviation.count, !mean.isEmpty else {
        throw error(
          "mean",
          "has \(mean.count) values and 'standardDeviation' \(deviation.count); give one a channel "
            + "in both, or one in both")
      }
      guard deviation.allSatisfy({ $0 > 0 }) else {
        throw error("standardDeviation", "must be greater than 0; found \(deviation)")
      }
      result.normalizations.append(
        .init(mean: mean, deviation: deviation, source: source, path: path))
    }
  }

  private func entry(_ transform: any InputTransform) -> AugmentConfiguration.Entry {
    AugmentConfiguration.Entry(transform: transform, source: source, path: path)
  }
}
