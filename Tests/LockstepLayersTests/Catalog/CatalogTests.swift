import LockstepCatalog
import LockstepEngine
import LockstepFiles
import LockstepLayers
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
    let catalog = LayerCatalog.catalog
    for entry in catalog.entries {
      var values = catalog.form.example(entry.name)
      if values["groups"] != nil { values["groups"] = 2 }
      if entry.name == "Reshape" { values["shape"] = [2, 4] }
      if values["kernel"] != nil { values["kernel"] = 2 }
      if values["layers"] != nil { values["layers"] = ["ReLU"] }
      let model = try catalog.make(entry.name, values)
      let shape = entry.name == "BatchNorm1d" || entry.name == "Softmax" ? [8] : [2, 2, 2]
      _ = try trace(model, inputShape: shape, batchCount: 3, training: true)
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
    #expect(conv.constraint == .named("a", mode: .keras))

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
        "'model.layers.0.kernel' is missing; it must be an integer or [rows, columns] from 1 to "
          + "2147483647; did you mean it by 'kernal'?"
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
