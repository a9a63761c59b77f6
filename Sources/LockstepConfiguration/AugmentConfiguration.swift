import LockstepDatasets
import LockstepFiles

/// The list `data.augment`: random changes to images in training, and normalisations of all images.
struct AugmentConfiguration: Sendable {
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

  /// The data set with its values normalised.
  func normalize(_ dataset: Dataset) throws -> Dataset {
    var dataset = dataset
    for normalization in normalizations {
      do {
        dataset = try dataset.normalized(
          mean: normalization.mean, deviation: normalization.deviation)
      } catch {
        throw ConfigurationError(
          source: normalization.source, path: normalization.path,
          reason: "'\(normalization.path)': \(error.reason)")
      }
    }
    return dataset
  }

  /// Makes sure that all transforms can be applied to a data set.
  func check(_ dataset: Dataset) throws {
    let places =
      entries.map { ($0.source, $0.path) } + normalizations.map { ($0.source, $0.path) }
    if let (source, path) = places.first, dataset.inputShape.count != 3 {
      throw ConfigurationError(
        source: source, path: path,
        reason: "'\(path)' changes images, and the inputs of '\(dataset.name)' have the shape "
          + "\(dataset.inputShape); leave 'data.augment' out (tables have 'standardize')")
    }
    for entry in entries {
      if let problem = entry.transform.problem(with: dataset.inputShape) {
        throw ConfigurationError(
          source: entry.source, path: entry.path, reason: "'\(entry.path)': \(problem)")
      }
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
    for reader in try objects("augment", required: false) {
      switch try reader.string("type", oneOf: ["shift", "crop", "flip", "normalize"]) {
      case "shift":
        result.entries.append(
          reader.entry(RandomShift(pixels: try reader.integer("pixels", in: 1...))))
      case "crop":
        let border = try reader.string(
          "border", default: "blank", oneOf: RandomCrop.Border.allCases.map(\.rawValue))
        result.entries.append(
          reader.entry(
            RandomCrop(
              padding: try reader.integer("padding", in: 1...),
              border: RandomCrop.Border(rawValue: border) ?? .blank)))
      case "flip":
        let axis = try reader.string(
          "axis", default: "horizontal", oneOf: RandomFlip.Axis.allCases.map(\.rawValue))
        result.entries.append(
          reader.entry(
            RandomFlip(
              RandomFlip.Axis(rawValue: axis) ?? .horizontal,
              probability: try reader.double("probability", default: 0.5, in: 0...1))))
      default:
        let mean = try reader.doubles("mean", in: float32Range).map { Float($0) }
        let deviation = try reader.doubles("standardDeviation", in: float32Range).map {
          Float($0)
        }
        guard mean.count == deviation.count, !mean.isEmpty else {
          throw reader.error(
            "mean",
            "has \(mean.count) values and 'standardDeviation' \(deviation.count); give one a channel "
              + "in both, or one in both")
        }
        guard deviation.allSatisfy({ $0 > 0 }) else {
          throw reader.error("standardDeviation", "must be greater than 0; found \(deviation)")
        }
        result.normalizations.append(
          .init(mean: mean, deviation: deviation, source: reader.source, path: reader.path))
      }
    }
    return result
  }

  private func entry(_ transform: any InputTransform) -> AugmentConfiguration.Entry {
    AugmentConfiguration.Entry(transform: transform, source: source, path: path)
  }
}
