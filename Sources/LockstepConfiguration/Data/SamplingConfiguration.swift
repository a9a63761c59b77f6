import LockstepCatalog
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers

/// How training examples are drawn with replacement.
package struct SamplingConfiguration: Sendable {
  /// What each class is drawn by.
  private enum Weights {
    /// All classes as often as each other.
    case balanced
    /// Each example by the weight of its class.
    case byClass(ClassWeights)
  }

  private let weights: Weights
  /// The draws of an epoch; nil for as many as there are examples.
  private let examples: Int?

  static let form = Form(
    "sampling",
    variants: [
      Form.Variant(
        "balanced", "each class as often as the others: an example by 1 / (examples of its class)",
        []),
      Form.Variant(
        "weighted", "each example by the weight of its class",
        [
          .required(
            "classWeights",
            .either(
              .namedNumbers(NumberRange(from: 0, to: 1e30)),
              .numbers(NumberRange(from: 0, to: 1e30))),
            "a weight for each class: a list in the order of their numbers, or an object by their names "
              + "(others have 1)")
        ]),
    ],
    beside: [
      .optional(
        "examples", .integer(1...1_000_000_000_000), "how many are drawn in an epoch",
        absence: "as many as there are")
    ])

  init(_ values: Hyperparameters) throws(ConfigurationError) {
    if values.name == "balanced" {
      weights = .balanced
    } else {
      weights = .byClass(values["classWeights"])
    }
    examples = values["examples"]
  }

  /// The draws from the training part.
  ///
  /// - Throws: `DatasetError` or `GraphError` where examples have no classes, or weights do not fit them.
  func draws(
    from training: any ExampleSource, _ target: TargetDescription
  ) throws -> WeightedDraws {
    let labels = try Self.classes(of: training)
    let count = (labels.max() ?? 0) + 1
    var counts = [Int](repeating: 0, count: max(count, training.labelLimit ?? 2))
    for label in labels { counts[label] += 1 }
    let ofClass: [Double]
    switch weights {
    case .balanced: ofClass = counts.map { $0 > 0 ? 1 / Double($0) : 0 }
    case .byClass(let weights):
      ofClass = try weights.values(
        of: "data.sampling", counts: counts, rows: labels.count, names: target.classes?.names
      ).map { Double($0) }
      guard ofClass.count == counts.count else {
        throw DatasetError(
          "data.sampling",
          "has \(ofClass.count) weights, and '\(training.name)' has \(counts.count) classes")
      }
    }
    return try WeightedDraws(labels.map { ofClass[$0] }, count: examples ?? labels.count)
  }

  /// The class of each example; of one target that is 0 or 1, whether it is 1.
  private static func classes(of source: any ExampleSource) throws -> [Int] {
    guard let field = source.labelFields.first, field.size == 1 else {
      throw DatasetError(
        "data.sampling",
        "draws examples by their class, and those of '\(source.name)' have none: leave it out")
    }
    var classes: [Int] = []
    try source.forEachLabels(field) { first, labels in
      switch labels {
      case .integers(let labels): classes += labels.map { Int($0) }
      case .numbers(let targets):
        for (place, target) in targets.enumerated() {
          guard target == 0 || target == 1 else {
            throw DatasetError(
              "data.sampling",
              "draws examples by their class, and the target of example \(first + place + 1) of "
                + "'\(source.name)' is \(target): leave it out")
          }
          classes.append(target == 1 ? 1 : 0)
        }
      }
    }
    return classes
  }
}
