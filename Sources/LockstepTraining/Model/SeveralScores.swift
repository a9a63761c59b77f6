import LockstepFold

/// The metrics of whole evaluations of several losses, one behind the other.
final class SeveralScores: WholeScores {
  private let all: [EvaluationScores]

  /// Nil where there are none.
  init?(_ all: [EvaluationScores]) {
    if all.isEmpty { return nil }
    self.all = all
  }

  var names: [String] { all.flatMap(\.names) }

  func begin() { for scores in all { scores.begin() } }

  func finish(
    loss: Double
  ) throws -> (values: [(name: String, value: Double)], tables: [EvaluationTable]) {
    var found: (values: [(name: String, value: Double)], tables: [EvaluationTable]) = ([], [])
    for scores in all {
      let (values, tables) = try scores.finish(loss: loss)
      found.values += values
      found.tables += tables
    }
    return found
  }
}
