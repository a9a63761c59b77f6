import LockstepCatalog

/// The layers that a configuration can name, with PyTorch's names.
package enum LayerCatalog {
  /// The layers, in the order of documentation.
  package static let catalog: Catalog<any Model> = Catalog(
    "layer",
    [
      Linear.entry, Conv2d.entry, ConvTranspose2d.entry, MaxPool2d.entry, AvgPool2d.entry,
      GlobalAveragePool2d.entry, Conv1d.entry, MaxPool1d.entry, AvgPool1d.entry,
      AdaptiveAvgPool1d.entry, GlobalAveragePool1d.entry, Embedding.entry, RNN.entry, GRU.entry,
      LSTM.entry,
      MultiheadAttention.entry, TransformerEncoderLayer.entry, TransformerEncoder.entry,
      LearnedPositions.entry, SinusoidalPositions.entry, SequencePooling.entry,
      BatchNorm1d.entry, BatchNorm2d.entry, Dropout.entry, LayerNorm.entry, RMSNorm.entry,
      GroupNorm.entry, ReLU.entry, LeakyReLU.entry, ELU.entry, Sigmoid.entry, Tanh.entry,
      GELU.entry, SiLU.entry, Softplus.entry, Softmax.entry, Flatten.entry, Reshape.entry,
      Identity.entry, Sequential.entry, Residual.entry,
    ])

  /// A layer among others, which may have a name.
  package static let listed: Form = {
    var form = catalog.form
    form.name = "namedLayer"
    form.keys = [.optional("name", .text, "the name of its parameters; its index if absent")]
    return form
  }()

  /// Layers one behind the other, from the key `layers`. A layer may have a `name`; otherwise its index
  /// names it.
  static func sequential(_ values: Hyperparameters) throws -> Sequential {
    var named: [(name: String, model: any Model)] = []
    for (index, layer) in values.objects("layers").enumerated() {
      let name = layer["name"] ?? "\(index)"
      guard !name.isEmpty, !name.contains(".") else {
        throw layer.error("name", "must be a text without dots; found '\(name)'")
      }
      guard !named.contains(where: { $0.name == name }) else {
        throw layer.error("name", "'\(name)' is the name of another layer already")
      }
      named.append((name, try catalog.make(layer)))
    }
    return Sequential(named: named)
  }
}

// Layers that hold layers: their entries refer to the catalog that holds them.

extension Sequential {
  package static let entry = Entry<any Model>(
    "Sequential", "layers one behind the other", [.layers("the layers")]
  ) { values in try LayerCatalog.sequential(values) }
}

extension Residual {
  package static let entry = Entry<any Model>(
    "Residual", "body(x) + shortcut(x)",
    [
      .layers("the body's layers"),
      .optional("shortcut", .object { LayerCatalog.catalog.form }, "x itself if absent"),
    ]
  ) { values in
    Residual(
      try LayerCatalog.sequential(values),
      shortcut: try values.make("shortcut", LayerCatalog.catalog))
  }
}

extension Hyperparameter {
  static func layers(_ summary: String) -> Self {
    .required("layers", .objects { LayerCatalog.listed }, summary)
  }
}
