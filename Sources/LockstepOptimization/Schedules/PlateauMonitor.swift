import LockstepEngine

/// The state of a reduction on plateaus.
final class PlateauMonitor {
  private let rule: ReduceOnPlateau
  /// The product of all reductions, the best metric.
  private let values = Arena<Double>(count: 2)
  /// Reports so far, reports in a row that were not better, reports left of a cool-down.
  private let counters = Arena<Int64>(count: 3)

  init(_ rule: ReduceOnPlateau) {
    self.rule = rule
    values.base[0] = 1
  }

  /// The product of all reductions.
  var scale: Double { values.base[0] }

  var state: [StateEntry] {
    [
      StateEntry("plateau.values", .doubles(values.buffer)),
      StateEntry("plateau.counters", .integers(counters.buffer)),
    ]
  }

  /// Takes a metric in; returns whether the learning rate has been reduced.
  func report(_ metric: Double) -> Bool {
    let isFirst = counters.base[0] == 0
    if isFirst ? rule.isBetterThanNone(metric) : rule.isBetter(metric, than: values.base[1]) {
      values.base[1] = metric
      counters.base[0] += 1
      counters.base[1] = 0
    } else {
      counters.base[1] += 1
    }
    if counters.base[2] > 0 {
      counters.base[2] -= 1
      counters.base[1] = 0
    }
    guard counters.base[1] > Int64(rule.patience) else { return false }
    values.base[0] *= rule.factor
    counters.base[1] = 0
    counters.base[2] = Int64(rule.cooldown)
    return true
  }
}
