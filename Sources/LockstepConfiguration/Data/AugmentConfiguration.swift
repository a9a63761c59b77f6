import LockstepCatalog
import LockstepDatasets
import LockstepFiles
import LockstepLayers

/// The list `data.augment`: random changes to images in training, and normalisations of all images.
package struct AugmentConfiguration: Sendable {
  private var changes: [(change: ImageChange, values: Hyperparameters)] = []

  /// - Parameter list: the changes, in the order in which they are made.
  init(_ list: [Hyperparameters]) throws(ConfigurationError) {
    for values in list {
      changes.append((try AugmentationCatalog.catalog.make(values), values))
    }
  }

  private var transforms: [any InputTransform] {
    changes.compactMap { if case .random(let transform) = $0.change { transform } else { nil } }
  }

  private var ways: [ImageMix] {
    changes.compactMap { if case .mix(let way) = $0.change { way } else { nil } }
  }

  /// Whether examples are mixed with each other.
  package var mixes: Bool { !ways.isEmpty }

  /// A loss of examples that may be mixed.
  func mixing(_ loss: any LossFunction) -> any LossFunction { mixes ? MixedLabels(loss) : loss }

  /// The normalisations, as a description of data holds them.
  var described: [ArrayDescription.Normalization] {
    changes.compactMap { if case .normalization(let made) = $0.change { made } else { nil } }
  }

  /// Makes sure that everything here can be applied to inputs of a shape.
  func check(_ name: String, _ inputShape: [Int]) throws(ConfigurationError) {
    for (change, values) in changes {
      func refuse(_ reason: String) -> ConfigurationError {
        ConfigurationError(
          source: values.source, path: values.path, reason: "'\(values.path)'\(reason)")
      }
      guard inputShape.count == 3 else {
        throw refuse(
          " changes images, and the inputs of '\(name)' have the shape \(inputShape); leave "
            + "'data.augment' out (tables have 'standardize')")
      }
      switch change {
      case .random(let transform):
        if let problem = transform.problem(with: inputShape) { throw refuse(": \(problem)") }
      case .mix: break
      case .normalization(let made):
        guard [1, inputShape[0]].contains(made.mean.count) else {
          throw refuse(
            ": the normalization has \(made.mean.count) channels, the inputs have the shape "
              + "\(inputShape)")
        }
      }
    }
  }

  /// The transforms, for training on a data set; nil where there are none.
  func augmentation(for examples: any ExampleSource) throws -> Augmentation? {
    guard !transforms.isEmpty || mixes else { return nil }
    var augmentation = try Augmentation(transforms, for: examples)
    if mixes { augmentation.mixing = ExampleMixing(ways, count: examples.count) }
    return augmentation
  }
}
