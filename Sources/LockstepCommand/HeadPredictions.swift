import Lockstep
import LockstepConfiguration
import LockstepFiles

/// The predictions of a model with several heads: in each row what every head says, under its name.
struct HeadPredictions {
  private let heads: [(name: String, table: PredictionTable)]
  private let count: Int

  /// - Parameters:
  ///   - outputs: of each example those of all heads, one head's behind the other's.
  ///   - widths: the number of outputs of each head.
  ///   - examples: those that the outputs are of.
  init(_ outputs: [Float], widths: [Int], of model: TrainedModel, examples: Range<Int>) throws {
    let width = widths.reduce(0, +)
    var start = 0
    var heads: [(name: String, table: PredictionTable)] = []
    for (index, head) in model.named.configuration.heads.enumerated() {
      let own = (0..<examples.count).flatMap { example in
        outputs[example * width + start..<example * width + start + widths[index]]
      }
      heads.append(
        (
          head.name,
          try PredictionTable(
            own, of: model.part.head(index), model.description.head(index), loss: head.loss,
            examples: examples)
        ))
      start += widths[index]
    }
    self.heads = heads
    count = examples.count
  }

  /// Makes sure that all outputs are finite.
  func check() throws { for head in heads { try head.table.check() } }

  /// The lines; an array of NumPy, which has one kind of values, has none.
  ///
  /// - Parameter hasHeader: whether the header of CSV is the first.
  func text(_ format: PredictionTable.Format, hasHeader: Bool) -> String {
    let rows = (0..<count).map(row)
    return PredictionTable.text(rows, format, hasHeader: hasHeader)
  }

  /// A row: its number and its id, then each head's answer.
  private func row(_ place: Int) -> JSONObject {
    var object = heads[0].table.head(ofRow: place)
    for head in heads { object[head.name] = .object(head.table.answer(ofRow: place)) }
    return object
  }
}
