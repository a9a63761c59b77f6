import LockstepCatalog
import LockstepEngine

extension Sequential {
  /// A multilayer perceptron: the input flattened, then for each size a dense layer, with an
  /// activation and dropout between them.
  ///
  /// - Parameters:
  ///   - sizes: the number of units of each dense layer, the last one's being the outputs.
  ///   - dropout: the rate of the dropout behind each activation; zero leaves it out.
  public static func multilayerPerceptron(
    sizes: [Int], activation: ActivationName = .relu, dropout: Float = 0
  ) -> Sequential {
    multilayerPerceptron(
      sizes: sizes, activation: activation, dropout: dropout, endsInActivation: false)
  }

  /// As the public function; where `endsInActivation`, activation and dropout follow the last layer too.
  package static func multilayerPerceptron(
    sizes: [Int], activation: ActivationName, dropout: Float, endsInActivation: Bool
  ) -> Sequential {
    Sequential {
      Flatten()
      for (index, size) in sizes.enumerated() {
        Linear(size)
        if index < sizes.count - 1 || endsInActivation {
          activation.layer
          if dropout != 0 { Dropout(dropout) }
        }
      }
    }
  }

  /// A small convolutional network for images of digits: convolution 3×3 – batch norm – ReLU – pool 2,
  /// twice, then a dense layer with ReLU and dropout, and the classes.
  public static func digitsCNN(
    channels: (Int, Int) = (32, 64), units: Int = 128, classes: Int = 10, dropout: Float = 0.5,
    statistics: BatchStatistics = .perShard
  ) -> Sequential {
    Sequential {
      for filters in [channels.0, channels.1] {
        Conv2d(filters, kernel: 3, padding: .same)
        BatchNorm2d(statistics: statistics)
        ReLU()
        MaxPool2d(2)
      }
      Flatten()
      Linear(units)
      ReLU()
      Dropout(dropout)
      Linear(classes)
    }
  }
}

extension Sequential {
  package static let multilayerPerceptronEntry = Entry<any Model>(
    "mlp", "a multilayer perceptron",
    [
      .required(
        "sizes", .integers(1...Int(Int32.max), count: 1...Int.max),
        "the units of each layer, outputs last"),
      .with("activation", ActivationName.relu, "the function between layers"),
      .with("dropout", .dropoutRate, 0, "the rate behind each activation"),
      .with(
        "finalActivation", .boolean, false,
        "whether the function follows the last layer too, as in features that heads stand on"),
    ]
  ) { values in
    multilayerPerceptron(
      sizes: values["sizes"], activation: values["activation"], dropout: values["dropout"],
      endsInActivation: values["finalActivation"])
  }

  package static let digitsCNNEntry = Entry<any Model>(
    "digits-cnn", "a small convolutional network for images of digits",
    [
      .channels([32, 64], count: 2...2, "the filters of the two convolutions"),
      .with("units", .size, 128, "the dense layer's units"), .classes,
      .with("dropout", .dropoutRate, 0.5, "the rate before the outputs"), .statistics,
    ]
  ) { values in
    let channels: [Int] = values["channels"]
    return digitsCNN(
      channels: (channels[0], channels[1]), units: values["units"], classes: values["classes"],
      dropout: values["dropout"], statistics: values["statistics"])
  }
}
