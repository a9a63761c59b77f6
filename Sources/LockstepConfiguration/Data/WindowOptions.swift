import LockstepCatalog
import LockstepDatasets

/// How a row of tokens is cut into a training and a test part, and these into windows.
struct WindowOptions: Sendable {
  let length: Int
  let starts: TokenWindows.Starts
  let testFraction: Double?

  init(_ values: Hyperparameters) {
    length = values["window"]
    starts = values["starts"]
    testFraction = values["testFraction"]
  }

  /// The keys but `testFraction`.
  static var keys: [Hyperparameter] {
    [
      .with("window", .size, 64, "the number of tokens of an example"),
      .with(
        "starts", TokenWindows.Starts.contiguous,
        "where windows of the training part start: one behind the other, or at every position, so that an "
          + "epoch has as many as there are tokens"),
    ]
  }

  /// The windows to train on.
  func training(
    _ stream: TokenStream, _ description: TokensDescription
  ) throws -> TokenContent {
    let part = try testFraction.map { try stream.split(testFraction: $0).training } ?? stream
    return try TokenContent(part, as: description, starts: starts)
  }

  /// The windows at the end of a stream, to test on: one behind the other.
  func test(
    _ stream: TokenStream, _ description: TokensDescription
  ) throws -> TokenContent? {
    try testFraction.map {
      try TokenContent(stream.split(testFraction: $0).test, as: description)
    }
  }
}

extension TokenWindows.Starts: HyperparameterValue {}
