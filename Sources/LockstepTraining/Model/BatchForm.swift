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

extension ModelSource {
  /// The number of a batch's form: that of its longest sequence.
  func form(of batch: StepBatch) -> Int { forms.form(of: batch.examples, in: dataset) }

  /// The forms of another source of the same fields, with the traces of this one's.
  ///
  /// - Throws: ``GraphError`` where its sequences are padded to other lengths.
  func batchForms(on source: any ExampleSource) throws(GraphError) -> [BatchForm] {
    let padded = source as? any PaddedSource
    guard padded?.padding == (dataset as? any PaddedSource)?.padding else {
      throw GraphError(
        "the sequences of '\(source.name)' are padded to other lengths than those of '\(dataset.name)'"
      )
    }
    return forms.enumerated().map { bucket, form in
      BatchForm(dataset: padded?.padded(toBucket: bucket) ?? source, trace: form.trace)
    }
  }

  /// The form of a batch, where there are several.
  func paddedForm(of batch: StepBatch) -> BatchForm? {
    forms.count == 1 ? nil : forms[form(of: batch)]
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
