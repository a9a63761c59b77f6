import LockstepCatalog
import LockstepEngine

extension Sequential {
  /// LeNet-5 for images of 28×28 or more: convolution 5×5 – tanh – mean over 2×2, twice, then dense layers of
  /// 120, 84 and the classes.
  ///
  /// The first convolution keeps the size, as the paper's padded images do; outputs are logits of a dense
  /// layer, not distances.
  ///
  /// Source: Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998.
  public static func leNet(
    classes: Int = 10, activation: ActivationName = .tanh
  ) -> Sequential {
    Sequential {
      Conv2d(6, kernel: 5, padding: 2)
      activation.layer
      AvgPool2d(2)
      Conv2d(16, kernel: 5)
      activation.layer
      AvgPool2d(2)
      Flatten()
      for units in [120, 84] {
        Linear(units)
        activation.layer
      }
      Linear(classes)
    }
  }

  package static let leNetEntry = Entry<any Model>(
    "leNet", "LeNet-5, a convolutional network for images of 28×28 or more",
    [.classes, .with("activation", ActivationName.tanh, "the function between layers")]
  ) { values in leNet(classes: values["classes"], activation: values["activation"]) }

  /// An autoencoder of dense layers: an encoder down to a code, and a decoder with the same sizes back up to
  /// the example's shape.
  ///
  /// - Parameters:
  ///   - shape: one example's shape.
  ///   - sizes: the units of the encoder's layers, the code's last.
  ///   - activation: the function between layers; code and result have none.
  public static func autoencoder(
    shape: [Int], sizes: [Int] = [128, 32], activation: ActivationName = .relu
  ) -> Sequential {
    // A product that is too large fails the trace.
    let count = shape.reduce(1) { product, size in
      let (next, isTooLarge) = product.multipliedReportingOverflow(by: size)
      return isTooLarge ? .max : next
    }
    let decoder = Sequential {
      for size in sizes.dropLast().reversed() {
        Linear(size)
        activation.layer
      }
      Linear(count)
      Reshape(shape)
    }
    return Sequential(named: [
      ("encoder", multilayerPerceptron(sizes: sizes, activation: activation)),
      ("decoder", decoder),
    ])
  }

  package static let autoencoderEntry = Entry<any Model>(
    "autoencoder", "dense layers down to a code and back to the example's shape",
    [
      .required("shape", .integers(1...Int(Int32.max), count: 1...7), "one example's shape"),
      .with(
        "sizes", .integers(1...Int(Int32.max), count: 1...Int.max), [128, 32],
        "the units of the encoder's layers, the code's last"),
      .with("activation", ActivationName.relu, "the function between layers"),
    ]
  ) { values in
    autoencoder(shape: values["shape"], sizes: values["sizes"], activation: values["activation"])
  }
}
