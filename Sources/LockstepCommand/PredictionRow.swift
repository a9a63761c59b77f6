import Lockstep

/// One prediction: of an example, or of a step of one.
struct PredictionRow {
  /// The example.
  let example: Int
  /// The step in it; nil where the prediction is of the whole example.
  let step: Int?
  /// The place of its label among all.
  let label: Int
  /// Its outputs among those of all examples.
  let outputs: Range<Int>

  /// All predictions of a part, in order; padded steps have none.
  ///
  /// - Parameter outputs: the number of outputs of all examples.
  static func all(of part: DataPart, outputs: Int) -> [PredictionRow] {
    rows(0..<part.examples.count, of: part, width: outputs / part.examples.count)
  }

  /// The predictions of some examples, in order.
  ///
  /// - Parameter width: the number of outputs of an example; the first one's begin at 0.
  static func rows(_ examples: Range<Int>, of part: DataPart, width: Int) -> [PredictionRow] {
    guard let sequences = part.examples as? SequenceDataset, sequences.labelsPositions else {
      return examples.map {
        let first = ($0 - examples.lowerBound) * width
        return PredictionRow(example: $0, step: nil, label: $0, outputs: first..<first + width)
      }
    }
    let stepWidth = width / sequences.padding.longest
    return examples.flatMap { example in
      (0..<sequences.length(of: example)).map { step in
        let first = (example - examples.lowerBound) * width + step * stepWidth
        return PredictionRow(
          example: example, step: step, label: sequences.starts[example] + step,
          outputs: first..<first + stepWidth)
      }
    }
  }
}
