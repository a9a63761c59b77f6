import LockstepCatalog
import LockstepEngine

extension Sequential {
  /// A language model of characters or other tokens: vectors of tokens, an LSTM, and the logits of each
  /// next token, [N, T] of Int32 → [N, T, vocabulary].
  ///
  /// - Parameters:
  ///   - vocabulary: the number of tokens that there are.
  ///   - embedding: the number of values of a token's vector.
  ///   - hidden: the number of the LSTM's units.
  ///   - layers: the number of the LSTM's layers.
  ///   - dropout: the rate of dropout between the LSTM's layers and behind the last.
  ///   - carriesState: whether a window goes on from the state that the window before it left.
  ///
  /// Source: A. Graves, "Generating sequences with recurrent neural networks", 2013.
  public static func characterLSTM(
    vocabulary: Int, embedding: Int = 64, hidden: Int = 256, layers: Int = 2, dropout: Float = 0,
    carriesState: Bool = false
  ) -> Sequential {
    let lstm = LSTM(
      embedding, hidden, numLayers: layers, dropout: dropout, carriesState: carriesState)
    return Sequential(named: [
      ("embedding", Embedding(vocabulary, embedding)), ("lstm", lstm),
      ("dropout", Dropout(dropout)), ("head", Linear(hidden, vocabulary)),
    ])
  }

  package static let characterLSTMEntry = Entry<any Model>(
    "characterLSTM", "an LSTM that predicts each next token: [N, T] to [N, T, vocabulary]",
    [.vocabulary, .with("embedding", .size, 64, "the values of a token's vector")]
      + .recurrentModel(hidden: 256, layers: 2) + [.carriesState]
  ) { values in
    characterLSTM(
      vocabulary: values["vocabulary"], embedding: values["embedding"], hidden: values["hidden"],
      layers: values["layers"], dropout: values["dropout"], carriesState: values["carriesState"])
  }

  /// A classifier of sequences: a GRU that reads them in both directions, and the classes from its last
  /// states. Input [N, T] of Int32 tokens where there is a vocabulary, else values [N, T, features].
  ///
  /// - Parameters:
  ///   - vocabulary: the number of tokens that there are; nil where the input has values.
  ///   - embedding: the number of values of a token's vector.
  ///   - hidden: the number of the GRU's units in each direction.
  ///   - layers: the number of the GRU's layers.
  ///   - dropout: the rate of dropout between the GRU's layers and before the outputs.
  public static func gruClassifier(
    vocabulary: Int? = nil, embedding: Int = 64, hidden: Int = 128, layers: Int = 1,
    bidirectional: Bool = true, classes: Int = 10, dropout: Float = 0
  ) -> Sequential {
    var parts: [(name: String, model: any Model)] = []
    if let vocabulary { parts.append(("embedding", Embedding(vocabulary, embedding))) }
    let gru = GRU(
      nil, hidden, numLayers: layers, dropout: dropout, bidirectional: bidirectional,
      output: .state)
    parts += [("gru", gru), ("dropout", Dropout(dropout)), ("head", Linear(classes))]
    return Sequential(named: parts)
  }

  package static let gruClassifierEntry = Entry<any Model>(
    "gruClassifier",
    "a GRU that classifies sequences of tokens [N, T] or of values [N, T, features]",
    [
      .optional(
        "vocabulary", .integer(1...1 << 20), "the number of tokens", absence: "values, no tokens"),
      .with("embedding", .size, 64, "the values of a token's vector"),
      .with("bidirectional", .boolean, true, "whether sequences are read from their end, too"),
      .classes,
    ] + .recurrentModel(hidden: 128, layers: 1)
  ) { values in
    gruClassifier(
      vocabulary: values["vocabulary"], embedding: values["embedding"], hidden: values["hidden"],
      layers: values["layers"], bidirectional: values["bidirectional"],
      classes: values["classes"], dropout: values["dropout"])
  }

  /// A classifier of sequences [N, C, L]: convolution – ReLU – pool 2 for each number of channels, then
  /// the mean over what is left of the length, dropout, and the classes.
  public static func conv1dClassifier(
    channels: [Int] = [32, 64, 128], kernel: Int = 5, classes: Int = 10, dropout: Float = 0
  ) -> Sequential {
    Sequential {
      for filters in channels {
        Conv1d(filters, kernel: kernel, padding: .same)
        ReLU()
        MaxPool1d(2)
      }
      GlobalAveragePool1d()
      Flatten()
      Dropout(dropout)
      Linear(classes)
    }
  }

  package static let conv1dClassifierEntry = Entry<any Model>(
    "conv1dClassifier", "a convolutional network for sequences [N, C, L]",
    [
      .channels([32, 64, 128], count: 1...30, "the filters of each convolution"),
      .with("kernel", .size, 5, "the filters' size"), .classes,
      .with("dropout", .dropoutRate, 0, "the rate before the outputs"),
    ]
  ) { values in
    conv1dClassifier(
      channels: values["channels"], kernel: values["kernel"], classes: values["classes"],
      dropout: values["dropout"])
  }
}

extension [Hyperparameter] {
  fileprivate static func recurrentModel(hidden: Int, layers: Int) -> Self {
    [
      .with("hidden", .size, .integer(hidden), "the units of a layer"),
      .with("layers", .integer(1...1000), .integer(layers), "the number of recurrent layers"),
      .with("dropout", .dropoutRate, 0, "the rate between layers and before the outputs"),
    ]
  }
}
