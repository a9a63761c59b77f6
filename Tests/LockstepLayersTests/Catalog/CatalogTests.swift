import LockstepCatalog
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepOptimization
import LockstepTestSupport
import Testing

/// The model of an object, as under the key `model` of a configuration.
private func model(_ object: JSONValue) throws -> any Model {
  let reader = try ConfigurationReader(["model": object])
  let values = try ModelCatalog.form.read(reader.object("model"))
  try reader.finish()
  return try ModelCatalog.make(values)
}

private func refusal(_ object: JSONValue) -> String? {
  do {
    _ = try model(object)
    return nil
  } catch {
    return (error as? ConfigurationError)?.reason
  }
}

private func layers(_ layers: JSONValue...) -> JSONValue { ["layers": .array(layers)] }

@Suite struct CatalogTests {
  @Test("every layer of the catalog is made from its required hyperparameters, and runs")
  func everyLayer() throws {
    var shapes = [
      "BatchNorm1d": [8], "Softmax": [8], "Embedding": [2], "SinusoidalPositions": [2, 4],
    ]
    for name in [
      "Conv1d", "MaxPool1d", "AvgPool1d", "AdaptiveAvgPool1d", "GlobalAveragePool1d", "RNN", "GRU",
      "LSTM",
      "MultiheadAttention", "TransformerEncoderLayer", "TransformerEncoder", "LearnedPositions",
      "SequencePooling",
    ] { shapes[name] = [2, 3] }
    let catalog = LayerCatalog.catalog
    for entry in catalog.entries {
      var values = catalog.form.example(entry.name)
      if values["groups"] != nil { values["groups"] = 2 }
      if entry.name == "Reshape" { values["shape"] = [2, 4] }
      if values["kernel"] != nil { values["kernel"] = 2 }
      if values["layers"] != nil { values["layers"] = ["ReLU"] }
      let model = try catalog.make(entry.name, values)
      _ = try trace(
        model, inputShape: shapes[entry.name] ?? [2, 2, 2], batchCount: 3, training: true,
        scalar: entry.name == "Embedding" ? .int32 : .float32)
    }
  }

  @Test("defaults are right for their hyperparameters, and keys are unique")
  func defaults() throws {
    func check<Product>(_ catalog: Catalog<Product>) throws {
      #expect(Set(catalog.entries.map(\.name)).count == catalog.entries.count)
      for entry in catalog.entries {
        let keys = entry.hyperparameters.map(\.key)
        #expect(Set(keys).count == keys.count)
        #expect(!keys.contains("type") && !keys.contains("name"))
        for hyperparameter in entry.hyperparameters {
          guard let value = hyperparameter.defaultValue else { continue }
          #expect(!hyperparameter.isRequired)
          // A default that is written out is accepted.
          var values = catalog.form.example(entry.name)
          values[hyperparameter.key] = value
          #expect(throws: Never.self) { try catalog.make(entry.name, values) }
        }
      }
    }
    try check(LayerCatalog.catalog)
    try check(InitializerCatalog.catalog)
    try check(LossCatalog.catalog)
    try check(MetricCatalog.catalog)
    try check(ModelCatalog.catalog)
  }

  @Test("hyperparameters reach the layer")
  func values() throws {
    let conv = try #require(
      try LayerCatalog.catalog.make(
        "Conv2d",
        [
          "outChannels": 8, "kernel": [3, 5], "stride": 2,
          "padding": [1, 2], "dilation": 2, "groups": 2,
          "bias": false, "inChannels": 4, "trainable": false,
          "weightInitializer": ["type": "he", "mode": "fanOut", "distribution": "uniform"],
          "constraint": ["type": "maxNorm", "limit": 0.5, "mode": "keras"],
        ]) as? Conv2d)
    #expect(conv.inChannels == 4)
    #expect(conv.outChannels == 8)
    #expect(conv.kernel == [3, 5])
    #expect(conv.stride == 2)
    #expect(conv.padding == .explicit([1, 2]))
    #expect(conv.dilation == 2)
    #expect(conv.groups == 2)
    #expect(!conv.bias)
    #expect(!conv.trainable)
    #expect(conv.weightInitializer as? VarianceScaling == .he(.uniform, mode: .fanOut))
    #expect(conv.constraint == .maxNorm(0.5, mode: .keras))

    let norm = try #require(
      try LayerCatalog.catalog.make(
        "BatchNorm2d",
        ["momentum": 1, "frozen": true, "affine": false])
        as? BatchNorm2d)
    #expect(norm.options.momentum == 1)
    #expect(norm.options.frozen)
    #expect(!norm.options.affine)
    #expect(norm.options.epsilon == 1e-5)
    let pool = try #require(
      try LayerCatalog.catalog.make("MaxPool2d", ["kernel": 3]) as? MaxPool2d)
    #expect(pool.stride == 3)
    let same = try #require(
      try LayerCatalog.catalog.make(
        "Conv2d",
        ["outChannels": 1, "kernel": 3, "padding": "same"])
        as? Conv2d)
    #expect(same.padding == .same)
  }

  @Test("initialisers are made as described")
  func initializers() throws {
    let initializer = try InitializerCatalog.catalog.make(
      "truncatedNormal", ["standardDeviation": 0.5, "upper": 1])
    #expect(
      initializer as? TruncatedNormalInitializer
        == TruncatedNormalInitializer(standardDeviation: 0.5, upper: 1))
  }

  @Test("nested layers get nested names, or the names they are given")
  func nesting() throws {
    let description = layers(
      ["type": "Linear", "outFeatures": 4, "name": "stem"],
      [
        "type": "Residual", "layers": [["type": "Linear", "outFeatures": 3], "ReLU"],
        "shortcut": ["type": "Linear", "outFeatures": 3, "bias": false],
      ])
    let trace = try trace(
      try model(description), inputShape: [5], batchCount: 2, training: true)
    #expect(
      trace.graph.parameters.map(\.name) == [
        "stem.weight", "stem.bias", "1.body.0.weight", "1.body.0.bias", "1.shortcut.weight",
      ])
  }

  @Test(
    "what is wrong is named by its path, with what would be right",
    arguments: [
      (
        layers("ReLU", ["type": "Linear"]),
        "'model.layers.1.outFeatures' is missing; it must be an integer from 1 to 2147483647"
      ),
      (
        layers(["type": "Linear", "outFeatures": 2.5]),
        "'model.layers.0.outFeatures' must be an integer from 1 to 2147483647; found a number, 2.5"
      ),
      (
        layers(["type": "MaxPool2d", "kernal": 2]),
        "unknown key 'kernal' in 'model.layers.0'; did you mean 'kernel'?"
      ),
      (
        layers(["type": "ReLU", "slope": 2]),
        "unknown key 'slope' in 'model.layers.0'; it is a key of the type 'LeakyReLU'"
      ),
      (
        layers(["type": "MaxPool2d", "kernel": [1, 2, 3]]),
        "'model.layers.0.kernel' must be an integer or [rows, columns] from 1 to 2147483647; found "
          + "an array, [1,2,3]"
      ),
      (
        layers(["type": "Dropout", "rate": 1]),
        "'model.layers.0.rate' must be a number from 0 to 0.99"
      ),
      (layers(["type": "Dense"]), "'model.layers.0.type' must be one of 'Linear', 'Conv2d', "),
      (layers("dense"), "found 'dense'; did you mean 'Linear'?"),
      (
        layers(["type": "Linear", "outFeatures": 1, "constraint": 2]),
        "'model.layers.0.constraint' must be an object; found 2; did you mean "
          + #"{"type":"maxNorm","limit":2}?"#
      ),
      (
        layers(["type": "Linear", "outFeatures": 1, "weightInitializer": "xavier"]),
        "'model.layers.0.weightInitializer.type' must be one of 'glorot', 'he'"
      ),
      (
        layers([
          "type": "Linear", "outFeatures": 1,
          "weightInitializer": ["type": "truncatedNormal", "lower": 1, "upper": 0],
        ]), "'model.layers.0.weightInitializer.lower' must be less than 'upper'"
      ),
      (
        layers(["type": "ReLU", "name": "1"], "ReLU"),
        "'model.layers.1.name' '1' is the name of another layer already"
      ),
      (
        layers(["type": "ReLU", "name": "a.b"]),
        "'model.layers.0.name' must be a text without dots; found 'a.b'"
      ),
      (
        layers(["type": "Residual", "layers": ["ReLU", ["type": "ELU", "alpha": "x"]]]),
        "'model.layers.0.layers.1.alpha' must be a number"
      ),
      (["layers": []], "'model.layers' must hold at least one layer"),
      (
        ["type": "mlp", "layers": []],
        "'model.type' names a preset, and 'layers' stands beside it; give one of the two"
      ),
      (
        ["type": "mlp", "sizes": [3], "activation": "rellu"],
        "'model.activation' must be one of 'relu', 'leakyReLU'"
      ),
      (
        ["type": "digits-cnn", "channels": [1, 2, 3]],
        "'model.channels' must be an array of 2 integers from 1 to 2147483647; found an array, [1,2,3]"
      ),
    ] as [(JSONValue, String)])
  func errors(_ object: JSONValue, _ message: String) {
    let found = refusal(object)
    #expect(found?.contains(message) == true, "\(found ?? "accepted")")
  }

  @Test(
    "presets of sequences and codes can be traced, and give what they say",
    arguments: [
      (["type": "characterLSTM", "vocabulary": 7], [5], .int32, [2, 5, 7]),
      (
        ["type": "gpt", "vocabulary": 7, "context": 6, "width": 12, "layers": 2, "heads": 3], [5],
        .int32, [2, 5, 7]
      ),
      (["type": "gruClassifier", "vocabulary": 7, "classes": 3], [5], .int32, [2, 3]),
      (
        ["type": "gruClassifier", "bidirectional": false, "layers": 2], [5, 4], .float32, [2, 10]
      ),
      (["type": "conv1dClassifier", "classes": 4], [3, 40], .float32, [2, 4]),
      (["type": "leNet"], [1, 28, 28], .float32, [2, 10]),
      (["type": "leNet", "activation": "relu", "classes": 3], [3, 32, 32], .float32, [2, 3]),
      (
        ["type": "autoencoder", "shape": [1, 4, 4], "sizes": [8, 3]], [1, 4, 4], .float32,
        [2, 1, 4, 4]
      ),
    ] as [(JSONValue, [Int], ScalarType, [Int])])
  func sequencePresets(
    _ object: JSONValue, _ input: [Int], _ scalar: ScalarType, _ output: [Int]
  ) throws {
    let trace = try trace(
      try model(object), inputShape: input, batchCount: 2, training: true, scalar: scalar)
    #expect(trace.output.shape == output)
    #expect(!trace.graph.parameters.isEmpty)
  }

  @Test("a transformer that classifies tokens is written in layers")
  func transformerOfLayers() throws {
    let description = layers(
      ["type": "Embedding", "count": 9, "width": 8], "SinusoidalPositions",
      [
        "type": "TransformerEncoder", "count": 2, "width": 8, "heads": 2, "feedForward": 16,
        "norm": true, "rotary": ["pairing": "halves"],
      ],
      "SequencePooling", ["type": "Linear", "outFeatures": 3])
    let trace = try trace(
      try model(description), inputShape: [6], batchCount: 2, training: true, scalar: .int32)
    #expect(trace.output.shape == [2, 3])
    let names = trace.graph.parameters.map(\.name)
    #expect(names.contains("2.layers.1.self_attn.in_proj_weight"))
    #expect(names.contains("2.norm.weight"))
  }

  @Test("keys of losses reach them")
  func losses() throws {
    let catalog = LossCatalog.catalog
    let softmax = try #require(
      try catalog.make(
        "softmaxCrossEntropy",
        ["ignoreIndex": -100, "classWeights": [1, 2], "labelSmoothing": 0.5])
        as? SoftmaxCrossEntropy)
    #expect(softmax.ignoreIndex == -100)
    #expect(softmax.classWeights == [1, 2])
    #expect(softmax.labelSmoothing == 0.5)
    let binary = try catalog.make("binaryCrossEntropy", ["positiveWeights": 3])
    #expect((binary as? BinaryCrossEntropy)?.positiveWeights == [3])
    #expect((try catalog.make("huber", ["delta": 2]) as? Huber)?.delta == 2)
    #expect((try catalog.make("smoothL1", ["beta": 0]) as? SmoothL1)?.beta == 0)
    let quantile = try catalog.make("quantile", ["levels": [0.25, 0.75]])
    #expect((quantile as? Quantile)?.levels == [0.25, 0.75])
    let focal = try #require(
      try catalog.make("focal", ["alpha": "none", "gamma": 1]) as? Focal)
    #expect(focal.alpha == nil)
    #expect(focal.gamma == 1)
    let standard = try #require(try catalog.make("focal") as? Focal)
    #expect(standard.alpha == Focal().alpha)
    #expect(standard.gamma == Focal().gamma)
    for entry in catalog.entries { #expect(try catalog.make(entry.name).name == entry.name) }
  }

  @Test("presets are the models they name")
  func presets() throws {
    func parameters(_ object: JSONValue, _ shape: [Int]) throws -> [String] {
      let model = try model(object)
      let trace = try trace(model, inputShape: shape, batchCount: 2, training: true)
      return trace.graph.parameters.map { "\($0.name) \($0.shape)" }
    }
    #expect(
      try parameters(
        ["type": "mlp", "sizes": [32, 16, 10], "dropout": 0.2], [1, 4, 4])
        == [
          "1.weight [32, 16]", "1.bias [32]", "4.weight [16, 32]", "4.bias [16]",
          "7.weight [10, 16]", "7.bias [10]",
        ])
    #expect(
      try parameters(["type": "digits-cnn"], [1, 28, 28])
        == [
          "0.weight [32, 1, 3, 3]", "0.bias [32]", "1.weight [32]", "1.bias [32]",
          "4.weight [64, 32, 3, 3]", "4.bias [64]", "5.weight [64]", "5.bias [64]",
          "9.weight [128, 3136]", "9.bias [128]", "12.weight [10, 128]", "12.bias [10]",
        ])
    for depth in [20, 32, 56] {
      let names = try parameters(["type": .string("resnet\(depth)")], [3, 32, 32])
      // A convolution of each layer but the last, three tensors with its norm; the dense layer.
      #expect(names.count == 3 * (depth - 1) + 2)
    }
  }
}
