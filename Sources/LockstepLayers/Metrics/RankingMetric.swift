import LockstepCatalog
import LockstepFiles

/// How well outputs order examples, whatever threshold decides: of two classes, or the mean over each class
/// against the rest.
package struct RankingMetric: EvaluationMetric {
  /// What is measured.
  package enum Quantity: String, Sendable {
    /// The area under the receiver operating characteristic.
    case auroc
    /// The area under precision over recall, by steps.
    case averagePrecision
  }

  /// How the classes' values become one.
  package enum Average: String, Sendable, CaseIterable, HyperparameterValue {
    /// Their mean.
    case macro
    /// By how many examples have a class.
    case weighted
  }

  let quantity: Quantity
  let average: Average
  let positive: JSONValue?

  package var name: String {
    let text = quantity.rawValue
    return average == .macro ? text : "weighted" + text.prefix(1).uppercased() + text.dropFirst()
  }

  package func prepare(for form: ScoredForm) throws(MetricError) -> PreparedMetric {
    try form.requireClasses(name)
    let classes = try ranked(form)
    if let labels = form.labels {
      for index in classes {
        let (positives, others) = (labels.counts[index], labels.rows - labels.counts[index])
        guard positives == 0 || others == 0 && quantity == .auroc else { continue }
        let which = form.name(index).quoted
        throw MetricError(
          name,
          "cannot be computed: \(positives == 0 ? "no example is" : "all examples are") of the class \(which) "
            + "among the \(labels.rows) that are evaluated; give other test examples, or leave it out"
        )
      }
    }
    return PreparedMetric(
      name,
      .ofExamples { [quantity, average] examples in
        let curves = classes.map { Ranking(examples, of: $0) }
        func value(_ ranking: Ranking) -> Double {
          quantity == .auroc ? ranking.area : ranking.averagePrecision
        }
        if average == .macro || curves.count == 1 {
          return curves.map(value).compensatedSum / Double(curves.count)
        }
        let all = curves.reduce(0) { $0 + $1.positives }
        return curves.map { value($0) * Double($0.positives) }.compensatedSum / Double(all)
      })
  }

  /// The classes, or labels, that are ranked.
  private func ranked(_ form: ScoredForm) throws(MetricError) -> [Int] {
    if positive != nil { return [try form.positive(positive, name)] }
    if form.classCount == 1 { throw MetricError(name, "is of two classes, and there is one") }
    return form.classCount == 2 ? [1] : Array(0..<form.width)
  }
}

extension RankingMetric {
  package static let entries: [Entry<any Metric>] = [
    entry(
      .auroc,
      "the area under the ROC curve: how often an example of a class is ranked above one of another, ties "
        + "being half"),
    entry(.averagePrecision, "Σ (recall − the one before) · precision, over all thresholds"),
  ]

  private static func entry(_ quantity: Quantity, _ summary: String) -> Entry<any Metric> {
    Entry<any Metric>(
      quantity.rawValue, summary + "; of more than two classes, of each against the rest",
      [
        .with(
          "average", Average.macro,
          "how the classes' values become one: `macro`, their mean; `weighted`, by how many have a class"
        ), .positive,
      ]
    ) { values in
      RankingMetric(
        quantity: quantity, average: values["average"],
        positive: (values["positive"] as NameOrNumber?)?.value)
    }
  }
}

/// Examples in the order of one class's log-odds.
struct Ranking {
  /// The number of examples of the class.
  let positives: Int
  /// The number of the others.
  let negatives: Int
  /// Of each score, the largest first: how many examples of the class have it, and how many others.
  private let groups: [(positives: Int, negatives: Int)]

  init(_ examples: ScoredExamples, of index: Int) {
    self.init(
      (0..<examples.count).map {
        (examples.logOdds($0, of: index), examples.isPositive($0, index))
      })
  }

  /// - Parameter scores: a score an example, and whether it is of the class.
  init(_ scores: [(score: Double, isPositive: Bool)]) {
    var groups: [(positives: Int, negatives: Int)] = []
    var last: Double?
    for (score, isPositive) in scores.sorted(by: { $0.score > $1.score }) {
      if score != last { groups.append((0, 0)) }
      last = score
      if isPositive {
        groups[groups.count - 1].positives += 1
      } else {
        groups[groups.count - 1].negatives += 1
      }
    }
    self.groups = groups
    positives = groups.reduce(0) { $0 + $1.positives }
    negatives = groups.reduce(0) { $0 + $1.negatives }
  }

  /// The part of pairs of an example of the class and another that are in this order, ties being half;
  /// counted exactly.
  var area: Double {
    var (above, twice) = (0, 0)
    for group in groups {
      twice += group.negatives * (2 * above + group.positives)
      above += group.positives
    }
    return Double(twice) / (2 * Double(positives) * Double(negatives))
  }

  /// Σ (recall − the one before) · precision, over the scores from the largest on.
  var averagePrecision: Double {
    var (right, taken) = (0, 0)
    var sum = CompensatedSum()
    for group in groups {
      right += group.positives
      taken += group.positives + group.negatives
      sum += Double(group.positives) * (Double(right) / Double(taken))
    }
    return sum.value / Double(positives)
  }
}
