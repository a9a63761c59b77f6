public import LockstepEngine

/// The initialisers that a configuration can name.
public enum InitializerCatalog {
  private static let positive = 1e-30...1e30
  private static let any = -1e30...1e30
  /// Factors whose squares are ordinary numbers, too.
  private static let factor = 1e-6...1e6

  private static func distribution(_ fallback: String) -> LayerHyperparameter {
    .with(
      "distribution", .text(VarianceScaling.Distribution.names), default: .text(fallback),
      "how elements are distributed around zero")
  }

  /// The initialisers, by the names that configurations use.
  public static let catalog = Catalog<any Initializer>(
    noun: "an initializer",
    entries: [
      .init(
        "glorot", "variance 2 gain² / (inputs + outputs)",
        [
          distribution("uniform"),
          .with("gain", .number(factor), default: .number(1), "a factor of all elements"),
        ]
      ) { values in
        VarianceScaling.glorot(
          values.choice("distribution", VarianceScaling.Distribution.self),
          gain: values.float("gain"))
      },
      .init(
        "he", "variance 2 / ((1 + slope²) · inputs), for ReLU",
        [
          distribution("normal"),
          .with("slope", .number(0...1e6), default: .number(0), "the ReLU's slope below zero"),
          .with(
            "mode", .text(VarianceScaling.Mode.names), default: .text("fanIn"),
            "what the variance is divided by"),
        ]
      ) { values in
        VarianceScaling.he(
          values.choice("distribution", VarianceScaling.Distribution.self),
          slope: values.float("slope"), mode: values.choice("mode", VarianceScaling.Mode.self))
      },
      .init("leCun", "variance 1 / inputs", [distribution("normal")]) { values in
        VarianceScaling.leCun(values.choice("distribution", VarianceScaling.Distribution.self))
      },
      .init(
        "orthogonal", "orthogonal units",
        [.with("gain", .number(any), default: .number(1), "the units' length")]
      ) { values in OrthogonalInitializer(gain: values.float("gain")) },
      .init(
        "truncatedNormal", "a normal distribution cut at two values",
        [
          .with("mean", .number(any), default: .number(0), "the uncut distribution's mean"),
          .with(
            "standardDeviation", .number(positive), default: .number(1),
            "the uncut distribution's standard deviation"),
          .with("lower", .number(any), default: .number(-2), "the least value"),
          .with("upper", .number(any), default: .number(2), "the largest value"),
        ]
      ) { values throws(DescriptionError) in
        let (lower, upper) = (values.float("lower"), values.float("upper"))
        try inOrder(lower < upper, values)
        return TruncatedNormalInitializer(
          mean: values.float("mean"), standardDeviation: values.float("standardDeviation"),
          lower: lower, upper: upper)
      },
      .init(
        "normal", "a normal distribution",
        [
          .with("mean", .number(any), default: .number(0), "the mean"),
          .with(
            "standardDeviation", .number(0...1e30), default: .number(1),
            "the standard deviation"),
        ]
      ) { values in
        NormalInitializer(
          mean: values.float("mean"), standardDeviation: values.float("standardDeviation"))
      },
      .init(
        "uniform", "a uniform distribution",
        [
          .required("lower", .number(any), "the least value"),
          .required("upper", .number(any), "the largest value"),
        ]
      ) { values throws(DescriptionError) in
        let (lower, upper) = (values.float("lower"), values.float("upper"))
        try inOrder(lower <= upper, values)
        return UniformInitializer(lower, upper)
      },
      .init(
        "constant", "one value",
        [.required("value", .number(any), "the value of all elements")]
      ) { values in ConstantInitializer(values.float("value")) },
      .init("zeros", "all zero") { _ in ConstantInitializer(0) },
      .init("ones", "all one") { _ in ConstantInitializer(1) },
    ])

  private static func inOrder(
    _ ordered: Bool, _ values: Hyperparameters
  ) throws(DescriptionError) {
    guard ordered else {
      throw DescriptionError(
        path: joined(values.path, "lower"), reason: "must be less than 'upper'")
    }
  }
}
