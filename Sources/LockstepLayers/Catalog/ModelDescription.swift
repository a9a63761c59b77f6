/// A model as a configuration gives it: a preset's name and hyperparameters, or a list of layers.
public enum ModelDescription: Sendable, Equatable {
  /// A model that ``PresetCatalog`` makes.
  case preset(TypedDescription)
  /// Layers that ``LayerCatalog`` makes, one behind the other; at least one.
  case layers([TypedDescription])

  /// Makes the model.
  ///
  /// - Parameter path: where the description stands in the configuration, for errors.
  public func make(path: String = "model") throws(DescriptionError) -> any Model {
    switch self {
    case .preset(let description):
      return try PresetCatalog.catalog.make(description, path: path)
    case .layers(let layers):
      guard !layers.isEmpty else {
        throw DescriptionError(path: joined(path, "layers"), reason: "must hold at least one layer")
      }
      return try LayerCatalog.sequential(layers, path: joined(path, "layers"))
    }
  }
}

/// The models that a configuration can name.
public enum PresetCatalog {
  private static let positive = 1...Int(Int32.max)
  private static let rate = 0...Double(Float(1).nextDown)

  private static let classes = LayerHyperparameter.with(
    "classes", .integer(positive), default: .integer(10), "the number of outputs")

  private static func resNet(_ depth: Int) -> Catalog<any Model>.Entry {
    .init(
      "resnet\(depth)", "the residual network of \(depth) layers for 32×32 images",
      [
        classes,
        .with(
          "width", .integer(positive), default: .integer(16), "the first stage's channels"),
        .with(
          "shortcut", .text(ResNet.Shortcut.names), default: .text("padded"),
          "option A (padded) or B (projection) of the paper"),
        LayerCatalog.statistics,
      ]
    ) { values in
      ResNet(
        depth: depth, classes: values.integer("classes"), width: values.integer("width"),
        shortcut: values.choice("shortcut", ResNet.Shortcut.self),
        statistics: values.choice("statistics", BatchStatistics.self))
    }
  }

  /// The models, by the names that configurations use.
  public static let catalog = Catalog<any Model>(
    noun: "a model",
    entries: [
      .init(
        "mlp", "a multilayer perceptron",
        [
          .required(
            "sizes", .integers(positive, minimumCount: 1), "the units of each layer, outputs last"),
          .with(
            "activation", .text(ActivationName.names), default: .text("relu"),
            "the function between layers"),
          .with(
            "dropout", .number(rate), default: .number(0), "the rate behind each activation"),
        ]
      ) { values in
        Sequential.multilayerPerceptron(
          sizes: values.integers("sizes"),
          activation: values.choice("activation", ActivationName.self),
          dropout: values.float("dropout"))
      },
      .init(
        "digits-cnn", "a small convolutional network for images of digits",
        [
          .with(
            "channels", .integers(positive, minimumCount: 2), default: .integers([32, 64]),
            "the filters of the two convolutions"),
          .with("units", .integer(positive), default: .integer(128), "the dense layer's units"),
          classes,
          .with("dropout", .number(rate), default: .number(0.5), "the rate before the outputs"),
          LayerCatalog.statistics,
        ]
      ) { values throws(DescriptionError) in
        let channels = values.integers("channels")
        guard channels.count == 2 else {
          throw DescriptionError(
            path: joined(values.path, "channels"),
            reason: "must be two integers; found \(channels)")
        }
        return Sequential.digitsCNN(
          channels: (channels[0], channels[1]), units: values.integer("units"),
          classes: values.integer("classes"), dropout: values.float("dropout"),
          statistics: values.choice("statistics", BatchStatistics.self))
      },
      resNet(20), resNet(32), resNet(56),
    ])
}
