import LockstepEngine

/// The layers that a configuration can name, with PyTorch's names.
public enum LayerCatalog {
  private static let positive = 1...Int(Int32.max)
  private static let rate = 0...Double(Float(1).nextDown)
  private static let small = 1e-30...1e30
  private static let any = -1e30...1e30

  private static let parameters: [LayerHyperparameter] = [
    .with("bias", .boolean, default: .boolean(true), "whether a bias is added"),
    .optional("weightInitializer", .initializer, "draws the weight; PyTorch's default if absent"),
    .optional("biasInitializer", .initializer, "draws the bias; PyTorch's default if absent"),
    constraint, trainable,
  ]
  private static let constraint = LayerHyperparameter.optional(
    "constraint", .constraint, "what the weight is projected onto after every update")
  private static let trainable = LayerHyperparameter.with(
    "trainable", .boolean, default: .boolean(true), "whether the parameters are updated")

  static let statistics = LayerHyperparameter.with(
    "statistics", .text(BatchStatistics.names), default: .text("perShard"),
    "whose mean and variance batch normalisation uses in training: each shard's or the batch's")

  private static let normalization: [LayerHyperparameter] = [
    .optional(
      "features", .integer(positive), "the number of channels, taken from the input if absent"),
    .with("epsilon", .number(small), default: .number(1e-5), "added to the variance"),
    .with(
      "momentum", .number(0...1), default: .number(0.1),
      "the weight of the new observation (Keras's momentum is 1 minus this)"),
    .with("affine", .boolean, default: .boolean(true), "whether a learned scale and shift follow"),
    statistics,
    .with("frozen", .boolean, default: .boolean(false), "whether running statistics are fixed"),
    constraint, trainable,
  ]

  private static let pooling: [LayerHyperparameter] = [
    .required("kernel", .pair(positive), "the window's size"),
    .optional("stride", .pair(positive), "the window's step, its size if absent"),
    .with("padding", .padding, default: .text("valid"), "what is added around the input"),
  ]

  private static let linear = Catalog<any Model>.Entry(
    "Linear", "y = x · wᵀ + b over the last axis",
    [
      .required("outFeatures", .integer(positive), "the number of outputs"),
      .optional("inFeatures", .integer(positive), "taken from the input if absent"),
    ] + parameters
  ) { values throws(DescriptionError) in
    Linear(
      values.optionalInteger("inFeatures"), values.integer("outFeatures"),
      bias: values.boolean("bias"),
      weightInitializer: try values.made("weightInitializer", InitializerCatalog.catalog),
      biasInitializer: try values.made("biasInitializer", InitializerCatalog.catalog),
      constraint: values.constraint("constraint"),
      trainable: values.boolean("trainable"))
  }

  private static let convolution = Catalog<any Model>.Entry(
    "Conv2d", "the 2-D convolution of [N, C, H, W]",
    [
      .required("outChannels", .integer(positive), "the number of filters"),
      .required("kernel", .pair(positive), "the filters' size"),
      .optional("inChannels", .integer(positive), "taken from the input if absent"),
      .with("stride", .pair(positive), default: .integer(1), "the filters' step"),
      .with("padding", .padding, default: .text("valid"), "the zeros around the input"),
      .with("dilation", .pair(positive), default: .integer(1), "the distance of a filter's taps"),
      .with("groups", .integer(positive), default: .integer(1), "parts of the channels"),
    ] + parameters
  ) { values throws(DescriptionError) in
    Conv2d(
      values.optionalInteger("inChannels"), values.integer("outChannels"),
      kernel: values.pair("kernel"), stride: values.pair("stride"),
      padding: values.padding("padding"), dilation: values.pair("dilation"),
      groups: values.integer("groups"), bias: values.boolean("bias"),
      weightInitializer: try values.made("weightInitializer", InitializerCatalog.catalog),
      biasInitializer: try values.made("biasInitializer", InitializerCatalog.catalog),
      constraint: values.constraint("constraint"),
      trainable: values.boolean("trainable"))
  }

  private static let plain: [Catalog<any Model>.Entry] = [
    .init("ReLU", "max(x, 0)") { _ in ReLU() },
    .init(
      "LeakyReLU", "max(x, 0) + slope · min(x, 0)",
      [.with("slope", .number(any), default: .number(0.01), "the slope below zero")]
    ) { values in LeakyReLU(values.float("slope")) },
    .init(
      "ELU", "x above zero, alpha · (eˣ − 1) below",
      [.with("alpha", .number(any), default: .number(1), "minus the limit at −∞")]
    ) { values in ELU(values.float("alpha")) },
    .init("Sigmoid", "1 / (1 + e⁻ˣ)") { _ in Sigmoid() },
    .init("Tanh", "the hyperbolic tangent") { _ in Tanh() },
    .init("GELU", "x · Φ(x)") { _ in GELU() },
    .init("SiLU", "x · sigmoid(x)") { _ in SiLU() },
    .init("Softplus", "log(1 + eˣ)") { _ in Softplus() },
    .init("Softmax", "the softmax over the last axis") { _ in Softmax() },
    .init("Flatten", "all axes behind the batch joined") { _ in Flatten() },
    .init(
      "Reshape", "another shape of each example",
      [
        .required(
          "shape", .integers(-1...Int(Int32.max), minimumCount: 1), "one example's; one may be −1")
      ]
    ) { values in Reshape(values.integers("shape")) },
    .init("Identity", "x itself") { _ in Identity() },
  ]

  private static let axes = LayerHyperparameter.optional(
    "shape", .integers(positive, minimumCount: 1),
    "the sizes of the last axes that are normalised together; the last one's if absent")
  private static let affine = LayerHyperparameter.with(
    "affine", .boolean, default: .boolean(true), "whether a learned scale and shift follow")

  private static func epsilon(_ value: Double) -> LayerHyperparameter {
    .with("epsilon", .number(small), default: .number(value), "added to the mean of squares")
  }

  private static let rowNormalizations: [Catalog<any Model>.Entry] = [
    .init(
      "LayerNorm", "the last axes by their own mean and variance",
      [
        axes, epsilon(1e-5), affine,
        .with("bias", .boolean, default: .boolean(true), "whether there is a shift"),
      ]
    ) { values in
      LayerNorm(
        values.optionalIntegers("shape"), epsilon: values.float("epsilon"),
        affine: values.boolean("affine"), bias: values.boolean("bias"))
    },
    .init(
      "RMSNorm", "the last axes by the root of their mean square",
      [axes, epsilon(0x1p-23), affine]
    ) { values in
      RMSNorm(
        values.optionalIntegers("shape"), epsilon: values.float("epsilon"),
        affine: values.boolean("affine"))
    },
    .init(
      "GroupNorm", "groups of channels of [N, C, …] by their own mean and variance",
      [
        .required("groups", .integer(positive), "their number, which divides C"),
        epsilon(1e-5), affine,
      ]
    ) { values in
      GroupNorm(
        values.integer("groups"), epsilon: values.float("epsilon"),
        affine: values.boolean("affine"))
    },
  ]

  private static let structures: [Catalog<any Model>.Entry] = [
    .init(
      "Sequential", "layers one behind the other",
      [.required("layers", .layers, "the layers")]
    ) { values throws(DescriptionError) in
      try sequential(values.descriptions("layers"), path: joined(values.path, "layers"))
    },
    .init(
      "Residual", "body(x) + shortcut(x)",
      [
        .required("layers", .layers, "the body's layers"),
        .optional("shortcut", .layer, "x itself if absent"),
      ]
    ) { values throws(DescriptionError) in
      Residual(
        try sequential(values.descriptions("layers"), path: joined(values.path, "layers")),
        shortcut: try values.made("shortcut", catalog))
    },
  ]

  /// The layers, by the names that configurations use.
  public static let catalog = Catalog<any Model>(
    noun: "a layer",
    entries: [
      linear, convolution,
      .init("MaxPool2d", "the maximum over a sliding window", pooling) { values in
        MaxPool2d(
          values.pair("kernel"), stride: values.optionalPair("stride"),
          padding: values.padding("padding"))
      },
      .init(
        "AvgPool2d", "the mean over a sliding window",
        pooling + [
          .with(
            "countsPadding", .boolean, default: .boolean(true), "whether padding enters the mean")
        ]
      ) { values in
        AvgPool2d(
          values.pair("kernel"), stride: values.optionalPair("stride"),
          padding: values.padding("padding"), countsPadding: values.boolean("countsPadding"))
      },
      .init("GlobalAveragePool2d", "the mean over each channel's plane") { _ in
        GlobalAveragePool2d()
      },
      .init("BatchNorm1d", "batch normalisation of [N, C] or [N, C, L]", normalization) {
        values throws(DescriptionError) in
        BatchNorm1d(
          values.optionalInteger("features"), epsilon: values.float("epsilon"),
          momentum: values.float("momentum"), affine: values.boolean("affine"),
          statistics: values.choice("statistics", BatchStatistics.self),
          frozen: values.boolean("frozen"),
          constraint: values.constraint("constraint"),
          trainable: values.boolean("trainable"))
      },
      .init("BatchNorm2d", "batch normalisation of [N, C, H, W]", normalization) {
        values throws(DescriptionError) in
        BatchNorm2d(
          values.optionalInteger("features"), epsilon: values.float("epsilon"),
          momentum: values.float("momentum"), affine: values.boolean("affine"),
          statistics: values.choice("statistics", BatchStatistics.self),
          frozen: values.boolean("frozen"),
          constraint: values.constraint("constraint"),
          trainable: values.boolean("trainable"))
      },
      .init(
        "Dropout", "zeros a part of the elements in training",
        [.with("rate", .number(rate), default: .number(0.5), "the probability of a zero")]
      ) { values in Dropout(values.float("rate")) },
    ] + rowNormalizations + plain + structures)

  /// Makes one layer of a type's name and hyperparameters.
  public static func make(
    type: String, values: [String: DescriptionValue] = [:], path: String = ""
  ) throws(DescriptionError) -> any Model {
    try catalog.make(TypedDescription(type, values), path: path)
  }

  /// Layers one behind the other. A layer may have a `name`; otherwise its index names it.
  public static func sequential(
    _ layers: [TypedDescription], path: String = "layers"
  ) throws(DescriptionError) -> Sequential {
    var named: [(name: String, model: any Model)] = []
    for (index, layer) in layers.enumerated() {
      let place = joined(path, "\(index)")
      var name = "\(index)"
      if let given = layer.values["name"] {
        guard case .text(let text) = given, !text.isEmpty, !text.contains(".") else {
          throw DescriptionError(
            path: joined(place, "name"), reason: "must be a text without dots; found \(given.kind)")
        }
        name = text
      }
      guard !named.contains(where: { $0.name == name }) else {
        throw DescriptionError(
          path: joined(place, "name"), reason: "'\(name)' is the name of another layer already")
      }
      named.append((name, try catalog.make(layer, path: place, also: ["name"])))
    }
    return Sequential(named: named)
  }
}
