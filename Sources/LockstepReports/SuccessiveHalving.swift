/// Which of many runs go on, where a run is judged by what it has reached so far.
///
/// A run is judged behind 1/η³, 1/η² and 1/η of its steps. It goes on where its loss is among the best 1/η, rounded
/// up, of all that were judged there, itself among them. So runs may come one behind another, and the first one
/// always goes on. (Li et al. 2020, "A system for massively parallel hyperparameter tuning", ASHA; here as a rule
/// of stopping.)
package struct SuccessiveHalving {
  /// η, at least 2.
  package let factor: Int
  /// The losses of all runs that were judged behind 1/η, 1/η², … of their steps.
  private var losses: [[Double]]

  private static let rungs = 3

  /// Keeps one run of so many.
  package init(factor: Int) {
    self.factor = factor
    losses = Array(repeating: [], count: Self.rungs)
  }

  /// Where a run is judged, first place first: the step, and the number of the place.
  package func places(steps: Int) -> [(step: Int, rung: Int)] {
    var places: [(step: Int, rung: Int)] = []
    var divisor = 1
    for rung in 0..<Self.rungs {
      divisor *= factor
      let step = (steps + divisor - 1) / divisor
      // Short runs have fewer places.
      guard step < places.first?.step ?? steps else { break }
      places.insert((step, rung), at: 0)
    }
    return places
  }

  /// Takes the loss of a run at a place in, and says whether the run goes on.
  package mutating func goesOn(rung: Int, loss: Double) -> Bool {
    losses[rung].append(loss.isNaN ? .infinity : loss)
    let better = losses[rung].count { $0 < loss }
    let kept = (losses[rung].count + factor - 1) / factor
    return loss.isFinite && better < kept
  }
}
