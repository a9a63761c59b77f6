import LockstepEngine
import LockstepLayers
import Testing

private func refusal(_ description: ModelDescription) -> String? {
  do throws(DescriptionError) {
    _ = try description.make()
    return nil
  } catch { return error.description }
}

private func layers(_ layers: TypedDescription...) -> ModelDescription { .layers(layers) }

@Suite struct CatalogTests {
  /// Values for every required hyperparameter of a layer.
  private func example(_ entry: Catalog<any Model>.Entry) -> TypedDescription {
    var description = TypedDescription(entry.type)
    for hyperparameter in entry.hyperparameters where hyperparameter.isRequired {
      switch hyperparameter.kind {
      case .integer, .pair: description.values[hyperparameter.key] = .integer(2)
      case .integers: description.values[hyperparameter.key] = .integers([2, 4])
      case .layers: description.values[hyperparameter.key] = .descriptions([.init("ReLU")])
      default: Issue.record("no example of \(hyperparameter.kind)")
      }
    }
    return description
  }

  @Test("every layer of the catalog is made from its required hyperparameters, and runs")
  func everyLayer() throws {
    for entry in LayerCatalog.catalog.entries {
      let model = try LayerCatalog.catalog.make(example(entry))
      let shape = entry.type == "BatchNorm1d" || entry.type == "Softmax" ? [8] : [2, 2, 2]
      _ = try trace(model, inputShape: shape, batchCount: 3, training: true)
    }
  }

  @Test("defaults are right for their hyperparameters, and keys are unique")
  func defaults() {
    func check<Product>(_ catalog: Catalog<Product>) {
      #expect(Set(catalog.entries.map(\.type)).count == catalog.entries.count)
      for entry in catalog.entries {
        let keys = entry.hyperparameters.map(\.key)
        #expect(Set(keys).count == keys.count)
        #expect(!keys.contains("type") && !keys.contains("name"))
        for hyperparameter in entry.hyperparameters {
          guard let value = hyperparameter.defaultValue else { continue }
          #expect(!hyperparameter.isRequired)
          // A default that is written out is accepted.
          var description = TypedDescription(entry.type, [hyperparameter.key: value])
          for required in entry.hyperparameters where required.isRequired {
            description.values[required.key] =
              switch required.kind {
              case .number: required.key == "upper" ? .number(1) : .number(0)
              case .layers: .descriptions([])
              case .integers: .integers([1, 2])
              default: .integer(1)
              }
          }
          #expect(throws: Never.self) { try catalog.make(description) }
        }
      }
    }
    check(LayerCatalog.catalog)
    check(InitializerCatalog.catalog)
    check(PresetCatalog.catalog)
  }

  @Test("hyperparameters reach the layer")
  func values() throws {
    let conv = try #require(
      try LayerCatalog.make(
        type: "Conv2d",
        values: [
          "outChannels": .integer(8), "kernel": .integers([3, 5]), "stride": .integer(2),
          "padding": .integers([1, 2]), "dilation": .integer(2), "groups": .integer(2),
          "bias": .boolean(false), "inChannels": .integer(4), "trainable": .boolean(false),
          "weightInitializer": .description(
            .init("he", ["mode": .text("fanOut"), "distribution": .text("uniform")])),
          "constraint": .constraint(.named("a", mode: .keras)),
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
      try LayerCatalog.make(
        type: "BatchNorm2d",
        values: ["momentum": .integer(1), "frozen": .boolean(true), "affine": .boolean(false)])
        as? BatchNorm2d)
    #expect(norm.options.momentum == 1)
    #expect(norm.options.frozen)
    #expect(!norm.options.affine)
    #expect(norm.options.epsilon == 1e-5)
    let pool = try #require(
      try LayerCatalog.make(type: "MaxPool2d", values: ["kernel": .integer(3)]) as? MaxPool2d)
    #expect(pool.stride == 3)
    let same = try #require(
      try LayerCatalog.make(
        type: "Conv2d",
        values: ["outChannels": .integer(1), "kernel": .integer(3), "padding": .text("same")])
        as? Conv2d)
    #expect(same.padding == .same)
  }

  @Test("initialisers are made as described")
  func initializers() throws {
    let initializer = try InitializerCatalog.catalog.make(
      .init("truncatedNormal", ["standardDeviation": .number(0.5), "upper": .integer(1)]))
    #expect(
      initializer as? TruncatedNormalInitializer
        == TruncatedNormalInitializer(standardDeviation: 0.5, upper: 1))
  }

  @Test("nested layers get nested names, or the names they are given")
  func nesting() throws {
    let description = layers(
      .init("Linear", ["outFeatures": .integer(4), "name": .text("stem")]),
      .init(
        "Residual",
        [
          "layers": .descriptions([
            .init("Linear", ["outFeatures": .integer(3)]), .init("ReLU"),
          ]),
          "shortcut": .description(
            .init("Linear", ["outFeatures": .integer(3), "bias": .boolean(false)])),
        ]))
    let trace = try trace(
      try description.make(), inputShape: [5], batchCount: 2, training: true)
    #expect(
      trace.graph.parameters.map(\.name) == [
        "stem.weight", "stem.bias", "1.body.0.weight", "1.body.0.bias", "1.shortcut.weight",
      ])
  }

  @Test("what is wrong is named by its path, with what would be right")
  func errors() {
    #expect(
      refusal(layers(.init("ReLU"), .init("Linear")))
        == "'model.layers.1.outFeatures' is missing from Linear; it must be an integer from 1 to 2147483647"
    )
    #expect(
      refusal(layers(.init("Linear", ["outFeatures": .number(2.5)])))
        == "'model.layers.0.outFeatures' must be an integer from 1 to 2147483647; found 2.5")
    #expect(
      refusal(layers(.init("MaxPool2d", ["kernal": .integer(2)])))
        == "'model.layers.0.kernal' is no hyperparameter of MaxPool2d; known are kernel, stride, padding"
    )
    #expect(
      refusal(layers(.init("ReLU", ["slope": .integer(2)])))
        == "'model.layers.0.slope' is no hyperparameter of ReLU; it has none")
    #expect(
      refusal(layers(.init("MaxPool2d", ["kernel": .integers([1, 2, 3])])))
        == "'model.layers.0.kernel' must be an integer or [rows, columns] from 1 to 2147483647; found [1, 2, 3]"
    )
    #expect(
      refusal(layers(.init("Dropout", ["rate": .integer(1)])))?
        .hasPrefix("'model.layers.0.rate' must be a number from 0 to 0.99") == true)
    #expect(
      refusal(layers(.init("Dense")))?
        .hasPrefix("'model.layers.0.type' must be a layer, one of 'Linear', 'Conv2d', ") == true)
    #expect(
      refusal(
        layers(.init("Linear", ["outFeatures": .integer(1), "constraint": .text("maxNorm")])))
        == "'model.layers.0.constraint' must be a constraint; found 'maxNorm'")
    #expect(
      refusal(
        layers(
          .init(
            "Linear",
            [
              "outFeatures": .integer(1), "weightInitializer": .description(.init("xavier")),
            ])))?
        .hasPrefix(
          "'model.layers.0.weightInitializer.type' must be an initializer, one of 'glorot', 'he'")
        == true)
    #expect(
      refusal(
        layers(
          .init(
            "Linear",
            [
              "outFeatures": .integer(1),
              "weightInitializer": .description(
                .init("uniform", ["lower": .integer(1), "upper": .integer(0)])),
            ])))
        == "'model.layers.0.weightInitializer.lower' must be less than 'upper'")
    #expect(
      refusal(layers(.init("ReLU", ["name": .text("1")]), .init("ReLU")))
        == "'model.layers.1.name' '1' is the name of another layer already")
    #expect(
      refusal(layers(.init("ReLU", ["name": .text("a.b")])))
        == "'model.layers.0.name' must be a text without dots; found 'a.b'")
    #expect(refusal(.layers([])) == "'model.layers' must hold at least one layer")
    #expect(
      refusal(.preset(.init("mlp", ["sizes": .integers([3]), "activation": .text("rellu")])))?
        .hasPrefix("'model.activation' must be one of 'relu', 'leakyReLU'") == true)
    #expect(
      refusal(.preset(.init("digits-cnn", ["channels": .integers([1, 2, 3])])))
        == "'model.channels' must be two integers; found [1, 2, 3]")
  }

  @Test("presets are the models they name")
  func presets() throws {
    func parameters(_ description: TypedDescription, _ shape: [Int]) throws -> [String] {
      let model = try ModelDescription.preset(description).make()
      let trace = try trace(model, inputShape: shape, batchCount: 2, training: true)
      return trace.graph.parameters.map { "\($0.name) \($0.shape)" }
    }
    #expect(
      try parameters(
        .init("mlp", ["sizes": .integers([32, 16, 10]), "dropout": .number(0.2)]), [1, 4, 4])
        == [
          "1.weight [32, 16]", "1.bias [32]", "4.weight [16, 32]", "4.bias [16]",
          "7.weight [10, 16]", "7.bias [10]",
        ])
    #expect(
      try parameters(.init("digits-cnn"), [1, 28, 28])
        == [
          "0.weight [32, 1, 3, 3]", "0.bias [32]", "1.weight [32]", "1.bias [32]",
          "4.weight [64, 32, 3, 3]", "4.bias [64]", "5.weight [64]", "5.bias [64]",
          "9.weight [128, 3136]", "9.bias [128]", "12.weight [10, 128]", "12.bias [10]",
        ])
    for depth in [20, 32, 56] {
      let names = try parameters(.init("resnet\(depth)"), [3, 32, 32])
      // A convolution of each layer but the last, three tensors with its norm; the dense layer.
      #expect(names.count == 3 * (depth - 1) + 2)
    }
  }
}
