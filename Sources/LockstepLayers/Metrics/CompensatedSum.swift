/// A sum of Doubles whose order hardly matters: what additions round away is added up beside it.
///
/// Source: A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", 1974.
struct CompensatedSum {
  private var sum = 0.0
  private var lost = 0.0

  /// The sum.
  var value: Double { sum + lost }

  static func += (left: inout CompensatedSum, right: Double) {
    let sum = left.sum + right
    if sum.isFinite {
      left.lost +=
        left.sum.magnitude >= right.magnitude ? (left.sum - sum) + right : (right - sum) + left.sum
    }
    left.sum = sum
  }
}

extension Sequence<Double> {
  /// The sum, whatever the order.
  var compensatedSum: Double {
    var sum = CompensatedSum()
    for value in self { sum += value }
    return sum.value
  }
}
