import LockstepDatasets
import LockstepEngine
import LockstepFold

/// What the batches of a source look like: the shapes of its fields, and the model traced on them.
///
/// Sequences of different lengths come in a few padded lengths. A batch has sequences of one of them, and
/// each has plans of its own.
package struct BatchForm {
  /// The examples, with the fields' shapes.
  let dataset: any ExampleSource
  /// The model on them.
  let trace: ObjectiveTrace

  /// The forms of a source of sequences of different lengths, shorter ones first; none for another source.
  static func padded(
    _ source: any ExampleSource, trace: (any ExampleSource) -> ObjectiveTrace
  ) -> [BatchForm] {
    guard let source = source as? any PaddedSource else { return [] }
    return source.padding.values.indices.map { bucket in
      let dataset = source.padded(toBucket: bucket)
      return BatchForm(dataset: dataset, trace: trace(dataset))
    }
  }

  /// The padded length, for messages: ` of 16 steps`; empty where there is none.
  var note: String {
    guard dataset is any PaddedSource, let length = dataset.firstInput?.shape.first else {
      return ""
    }
    return " of \(length) steps"
  }
}

extension [BatchForm] {
  /// The examples of a source, those of one form side by side; nil where all have one.
  func order(of source: any ExampleSource) -> [Int]? {
    guard count > 1, let source = source as? any PaddedSource else { return nil }
    return (0..<source.count).sorted { (source.bucket(of: $0), $0) < (source.bucket(of: $1), $1) }
  }

  /// The number of the form that holds some examples of a source.
  func form(of examples: ArraySlice<Int>, in source: any ExampleSource) -> Int {
    guard count > 1, let source = source as? any PaddedSource else { return 0 }
    return examples.reduce(0) { Swift.max($0, source.bucket(of: $1)) }
  }
}
