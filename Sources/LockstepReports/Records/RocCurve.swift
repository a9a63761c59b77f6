import LockstepFiles

/// The receiver operating characteristic of a score: the share of positive examples that a threshold
/// finds over the share of negative ones that it takes for positive, for every threshold.
package struct RocCurve: Sendable, Equatable {
  /// What is told from the rest.
  package let name: String
  /// The share of negative examples, from 0 to 1.
  package let falsePositives: [Double]
  /// The share of positive examples, from 0 to 1.
  package let truePositives: [Double]
  /// The area under the curve, by the trapezoid rule over all thresholds.
  package let area: Double

  /// The most points that are kept. Those between two others lie on a straight line, or nearly.
  private static let mostPoints = 400

  /// The curve of scores, larger for positive; nil where all examples are of one kind, or a score is
  /// not a number.
  package init?(_ name: String, scores: [Double], isPositive: [Bool]) {
    let positives = isPositive.count(where: \.self)
    let negatives = isPositive.count - positives
    guard positives > 0, negatives > 0, scores.allSatisfy({ !$0.isNaN }) else { return nil }
    // Of equal scores all are taken at once, so that their order does not matter.
    let order = scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }
    var (hits, alarms) = (0, 0)
    var points: [(alarms: Int, hits: Int)] = [(0, 0)]
    var twiceArea = 0
    for (place, index) in order.enumerated() {
      if isPositive[index] { hits += 1 } else { alarms += 1 }
      if place + 1 < order.count, scores[order[place + 1]] == scores[index] { continue }
      let last = points[points.count - 1]
      twiceArea += (alarms - last.alarms) * (hits + last.hits)
      points.append((alarms, hits))
    }
    area = Double(twiceArea) / (2 * Double(positives) * Double(negatives))
    let kept = Self.kept(points)
    self.name = name
    falsePositives = kept.map { Double($0.alarms) / Double(negatives) }
    truePositives = kept.map { Double($0.hits) / Double(positives) }
  }

  /// Without points inside straight pieces, and of more than enough every so-many-th.
  private static func kept(
    _ points: [(alarms: Int, hits: Int)]
  ) -> [(alarms: Int, hits: Int)] {
    var corners: [(alarms: Int, hits: Int)] = []
    for (index, point) in points.enumerated() {
      if index > 0, index + 1 < points.count {
        let (last, next) = (points[index - 1], points[index + 1])
        let turn =
          (point.alarms - last.alarms) * (next.hits - point.hits)
          - (point.hits - last.hits) * (next.alarms - point.alarms)
        if turn == 0 { continue }
      }
      corners.append(point)
    }
    guard corners.count > mostPoints else { return corners }
    return (0..<mostPoints).map { corners[$0 * (corners.count - 1) / (mostPoints - 1)] }
  }

  var json: JSONValue {
    [
      "name": .string(name), "area": .number(area),
      "falsePositives": .array(falsePositives.map { .number($0) }),
      "truePositives": .array(truePositives.map { .number($0) }),
    ]
  }

  init?(_ json: JSONValue) {
    guard let name = json["name"]?.stringValue, let area = json["area"]?.number,
      let x = json["falsePositives"]?.arrayValue?.compactMap(\.number),
      let y = json["truePositives"]?.arrayValue?.compactMap(\.number), x.count == y.count
    else { return nil }
    self.name = name
    self.area = area
    falsePositives = x
    truePositives = y
  }
}
