import LockstepDatasets
import LockstepEngine
import LockstepFold

/// The streams that an evaluation goes through side by side, for a model that carries states: each from its
/// first example to its last, so that every example is computed once, behind the one that it goes on from.
///
/// Examples of one stream, a text, are cut into several ones, which start from zeros. How many, and which are
/// computed together, follows from the configuration and the examples alone.
struct EvaluationStreams {
  /// The number of streams.
  let count: Int
  /// How many of them are computed together.
  let together: Int

  private let examples: Int
  /// The number of streams that the examples come in.
  private let given: Int

  /// The most groups of streams that ranks can share.
  private static let groups = 8

  /// - Parameters:
  ///   - source: the examples.
  ///   - rows: the number of streams that one stream is cut into, at the most.
  /// - Throws: ``GraphError`` where the examples do not go on from each other.
  init(_ source: any ExampleSource, rows: Int) throws(GraphError) {
    guard let given = source.streams else {
      throw GraphError(
        "the model carries states from example to example, and those of '\(source.name)' do not go on from "
          + "each other: evaluate it on windows that stand one behind the other")
    }
    self.given = given
    examples = source.count
    count = given == 1 ? max(min(rows, source.count), 1) : given
    together = (count - 1) / Self.groups + 1
  }

  /// The number of examples of a stream. The first streams have one more where they differ.
  func length(_ stream: Int) -> Int {
    examples / count + (stream < examples % count ? 1 : 0)
  }

  /// An example of a stream.
  func example(_ place: Int, of stream: Int) -> Int {
    guard given == 1 else { return place * given + stream }
    return stream * (examples / count) + min(stream, examples % count) + place
  }

  /// The examples at a place of all of a run of streams that have one there, which are the first ones.
  func examples(at place: Int, of streams: Range<Int>) -> [Int] {
    streams.prefix { length($0) > place }.map { example(place, of: $0) }
  }

  /// The numbers of examples that are computed at once.
  var sizes: Set<Int> {
    var sizes: Set<Int> = []
    for start in stride(from: 0, to: count, by: together) {
      let streams = start..<min(start + together, count)
      for place in [length(streams.upperBound - 1) - 1, length(start) - 1] where place >= 0 {
        sizes.insert(examples(at: place, of: streams).count)
      }
    }
    return sizes
  }
}

extension ModelSource {
  /// The numbers of examples that an evaluation computes at once.
  ///
  /// - Throws: ``GraphError`` where the model carries states and the examples do not go on from each other.
  package func evaluationSizes(
    on source: any ExampleSource, batchSize: Int
  ) throws(GraphError) -> Set<Int> {
    carriesStates
      ? try EvaluationStreams(source, rows: batchSize).sizes
      : [min(batchSize, source.count), source.count % batchSize]
  }
}
