import LockstepCatalog
import LockstepDatasets

/// Examples that are made from the run's seed.
struct SyntheticSource: DataSource {
  let make: @Sendable (DataReading) throws -> any DataContent

  /// - Parameter make: makes them in memory, of a seed.
  init(_ make: @escaping @Sendable (_ seed: UInt64) throws -> Dataset) {
    self.make = { $0.made(try make($0.seed)) }
  }

  /// - Parameter content: what is made of a seed, where it is more than a data set.
  init(content: @escaping @Sendable (_ seed: UInt64) throws -> any DataContent) {
    make = { try content($0.seed) }
  }

  var isSeeded: Bool { true }

  func training(_ reading: DataReading) throws -> any DataContent { try make(reading) }

  static let blobs = Entry<any DataSource>(
    "blobs", "clouds of points, one a class; synthetic",
    [
      examples(1000),
      .with("features", .integer(1...100_000_000), 2, "the numbers of a point"),
      .with("classes", .integer(1...1_000_000), 2, "the number of clouds"),
      .with("deviation", .nonNegative, 1, "the width of a cloud"),
    ] + .cut + .order
  ) { values in
    SyntheticSource { seed in
      try SyntheticData.blobs(
        count: values["examples"], features: values["features"], classes: values["classes"],
        deviation: values["deviation"], seed: seed)
    }
  }

  static let linear = Entry<any DataSource>(
    "linear", "a linear function with noise; synthetic",
    [
      .required("weights", .float32Numbers, "the function's, one a feature"), examples(1000),
      .with("bias", .number(.float32), 0, "the function's value at 0"),
      .with("noise", .nonNegative, 0, "the deviation of the noise"),
    ] + .cut + .order
  ) { values in
    SyntheticSource { seed in
      try SyntheticData.linear(
        count: values["examples"], weights: values["weights"], bias: values["bias"],
        noise: values["noise"], seed: seed)
    }
  }

  static let images = Entry<any DataSource>(
    "images", "images of noise, brighter where their class's pattern is; synthetic",
    [
      examples(1024),
      .with(
        "shape", .integers(1...100_000, count: 0...Int.max), [1, 28, 28],
        "an image's: channels, height, width"),
      .with("classes", .integer(1...1_000_000), 10, "the number of patterns"),
    ] + .cut + .order
  ) { values in
    SyntheticSource { seed in
      try SyntheticData.images(
        count: values["examples"], shape: values["shape"], classes: values["classes"], seed: seed)
    }
  }

  static let mnist1D = Entry<any DataSource>(
    "mnist-1d", "series of 40 values that look like digits, ten classes; synthetic",
    [
      examples(5000),
      .with(
        "channelsFirst", .boolean, true, "whether inputs are [1, 40], for convolutions, or [40, 1]"),
    ] + .cut + .order
  ) { values in
    SyntheticSource { seed in
      try SyntheticData.mnist1D(
        count: values["examples"], channelsFirst: values["channelsFirst"], seed: seed)
    }
  }

  static let addingProblem = Entry<any DataSource>(
    "adding-problem",
    "the sum of the two values that are marked in a sequence [length, 2] of values and markers; "
      + "synthetic",
    [
      examples(10_000), .with("length", .integer(2...1 << 20), 100, "the steps of a sequence"),
    ] + .cut + .order
  ) { values in
    SyntheticSource { seed in
      try SyntheticData.addingProblem(
        count: values["examples"], length: values["length"], seed: seed)
    }
  }

  static let copyMemory = Entry<any DataSource>(
    "copy-memory", "symbols that are to be said again after a delay, [delay + 2 length]; synthetic",
    [
      examples(10_000),
      .with("symbols", .integer(2...1 << 20), 8, "the number of different symbols"),
      .with("length", .integer(1...1 << 20), 10, "the symbols to remember"),
      .with("delay", .integer(1...1 << 20), 100, "the steps between"),
    ] + .cut + .plainOrder
  ) { values in
    SyntheticSource(content: { seed in
      CopyMemoryContent(
        try CopyMemory(
          count: values["examples"], symbols: values["symbols"], length: values["length"],
          delay: values["delay"], seed: seed))
    })
  }

  private static func examples(_ count: Int) -> Hyperparameter {
    .with("examples", .integer(1...1_000_000_000), .integer(count), "the number of examples")
  }
}
