import LockstepCatalog
import LockstepDatasets

/// How a row of tokens is cut into a training and a test part, and these into windows.
struct WindowOptions: Sendable {
  /// Where windows of the training part start.
  enum Starts: String, CaseIterable, HyperparameterValue {
    case contiguous
    case everyPosition
    case streams
  }

  let length: Int
  let starts: Starts
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
        "starts", Starts.contiguous,
        "where windows of the training part start: one behind the other; at every position, so that an "
          + "epoch has as many as there are tokens; or `streams`, one behind the other in `batchSize` "
          + "streams, of which each batch has the next windows, whatever `shuffle` says"),
    ]
  }

  /// The windows to train on.
  ///
  /// - Parameter batchSize: the number of streams, where there are some.
  func training(
    _ stream: TokenStream, _ description: TokensDescription, batchSize: Int
  ) throws -> TokenContent {
    let part = try testFraction.map { try stream.split(testFraction: $0).training } ?? stream
    return try TokenContent(
      part, as: description, starts: starts == .everyPosition ? .everyPosition : .contiguous,
      streams: starts == .streams ? batchSize : 1)
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
