import LockstepFiles

/// What a sweep found at one point of its grid.
package struct SweepPoint: Sendable {
  /// The value of each key, in the order of the keys.
  package let values: [JSONValue]
  /// The loss of the last step; NaN where the run diverged.
  package let trainingLoss: Double
  /// The loss on the test part; nil where there is none, or the run diverged before.
  package let testLoss: Double?
  /// The fraction of right answers on the test part, where that is measured.
  package let accuracy: Double?
  /// Whether the run ended because something was not finite.
  package let diverged: Bool

  /// A point with these results.
  package init(
    values: [JSONValue], trainingLoss: Double, testLoss: Double?, accuracy: Double?, diverged: Bool
  ) {
    self.values = values
    self.trainingLoss = trainingLoss
    self.testLoss = testLoss
    self.accuracy = accuracy
    self.diverged = diverged
  }
}

extension LinePlot {
  /// The final losses of a sweep over its first key.
  ///
  /// The axis is one of numbers where all values are, logarithmic where they are positive and far
  /// apart, and one of names otherwise. With several keys each combination of the others' values is
  /// a color of its own: its test loss a line, its training loss dashed.
  package init(sweep points: [SweepPoint], over keys: [String]) {
    let key = keys.first ?? ""
    let xs = points.map { $0.values.first ?? .null }
    let (places, categories, isWide) = Self.places(xs)
    let hasTest = points.contains { $0.testLoss != nil }
    func line(_ chosen: [Int], _ value: (SweepPoint) -> Double?) -> [(x: Double, y: Double)] {
      chosen.compactMap { index in value(points[index]).map { (places[index], $0) } }
        .sorted { $0.0 < $1.0 }
    }
    func test(_ point: SweepPoint) -> Double? { point.diverged ? .nan : point.testLoss }
    func training(_ point: SweepPoint) -> Double? { point.diverged ? .nan : point.trainingLoss }
    var series: [Series] = []
    var label = "loss"
    if keys.count < 2 {
      let all = Array(points.indices)
      series.append(.init("training loss", line(all, training), style: .dashedMarked))
      if hasTest { series.append(.init("test loss", line(all, test), style: .marked)) }
      if points.contains(where: { $0.accuracy != nil }) {
        series.append(
          .init(
            "test error (1 − accuracy)", line(all) { $0.accuracy.map { 1 - $0 } }, style: .marked))
        label = "loss, error"
      }
    } else {
      var groups: [(name: String, members: [Int])] = []
      for (index, point) in points.enumerated() {
        let name = zip(keys, point.values).dropFirst().map { "\($0) = \(Self.text($1))" }
          .joined(separator: ", ")
        if let place = groups.firstIndex(where: { $0.name == name }) {
          groups[place].members.append(index)
        } else {
          groups.append((name, [index]))
        }
      }
      for (color, group) in groups.enumerated() {
        if hasTest {
          series.append(
            .init(group.name, line(group.members, test), style: .marked, color: color))
        }
        series.append(
          .init(
            hasTest ? "" : group.name, line(group.members, training),
            style: hasTest ? .dashedMarked : .marked, color: color))
      }
      label = hasTest ? "test loss (dashed: training loss)" : "training loss"
    }
    self.init(
      title: "Final loss for each value of \(keys.joined(separator: " and "))", xLabel: key,
      yLabel: label, logarithmic: true,
      logarithmicX: isWide, categories: categories, series)
  }

  /// Where values lie on the axis, its names where it is one of names, whether it is logarithmic.
  private static func places(
    _ values: [JSONValue]
  ) -> (places: [Double], categories: [String]?, isWide: Bool) {
    let numbers = values.compactMap(\.doubleValue)
    if numbers.count == values.count {
      let (low, high) = (numbers.min() ?? 0, numbers.max() ?? 0)
      if low > 0 { return (numbers, nil, high > 20 * low) }
      let smallest = numbers.filter { $0 > 0 }.min() ?? 0
      // Zero beside values that are far apart has no place on a logarithmic axis.
      if low < 0 || high <= 20 * smallest { return (numbers, nil, false) }
    }
    var names: [String] = []
    // Numbers keep their order; names that of the command line.
    let ordered =
      numbers.count == values.count
      ? values.sorted { ($0.doubleValue ?? 0) < ($1.doubleValue ?? 0) } : values
    for name in ordered.map(text) where !names.contains(name) { names.append(name) }
    let places = values.map { value in Double(names.firstIndex(of: text(value)) ?? 0) }
    return (places, names, false)
  }

  /// A value as a name: a text without quotes, a number as written.
  private static func text(_ value: JSONValue) -> String {
    value.stringValue ?? value.doubleValue.map { readable($0, digits: 6) } ?? value.compactText
  }
}
