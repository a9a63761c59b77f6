import LockstepEngine
import LockstepCatalog
import LockstepFiles

/// Precision, recall or F1: of each class, and over all of them.
package struct ClassificationMetric: EvaluationMetric {
  /// Which of the three.
  package enum Quantity: String, Sendable {
    /// The part of what was given a class that has it.
    case precision
    /// The part of what has a class that was given it.
    case recall
    /// 2 · precision · recall / (precision + recall).
    case f1
  }

  /// How the classes' values become one.
  package enum Average: String, Sendable, CaseIterable, HyperparameterValue {
    /// The mean over the classes that occur in labels or predictions.
    case macro
    /// Counts of all classes are added up first.
    case micro
    /// The mean by the number of rows that have a class.
    case weighted
    /// The value of one class.
    case binary
  }

  /// Which of the three.
  let quantity: Quantity
  /// How the classes' values become one.
  let average: Average
  /// The probability above which one of two classes, or a label, is taken; nil for the more probable.
  let threshold: Double?
  /// The class that counts, by its name or its number; nil for 1.
  let positive: JSONValue?

  package var name: String {
    let text = quantity.rawValue
    let full =
      average == .binary
      ? text : average.rawValue + text.prefix(1).uppercased() + text.dropFirst()
    return threshold.map { "\(full)@\(readable($0))" } ?? full
  }

  package func prepare(for form: ScoredForm) throws(MetricError) -> PreparedMetric {
    try form.requireClasses(name)
    let logOdds = try form.threshold(threshold, name)
    let positive = average == .binary ? try form.positive(self.positive, name) : 1
    return PreparedMetric(
      name,
      .ofExamples { [quantity, average] examples in
        let counts = ConfusionCounts(examples, threshold: logOdds)
        return Self.value(quantity, average, counts, positive, examples.form.classCount != nil)
      })
  }

  private static func value(
    _ quantity: Quantity, _ average: Average, _ counts: ConfusionCounts, _ positive: Int,
    _ isExclusive: Bool
  ) -> Double {
    func value(_ item: ConfusionCounts.Class) -> Double {
      switch quantity {
      case .precision: item.precision
      case .recall: item.recall
      case .f1: item.f1
      }
    }
    switch average {
    case .binary: return value(counts.classes[positive])
    case .micro:
      return value(
        counts.classes.reduce(into: ConfusionCounts.Class()) {
          $0.right += $1.right
          $0.labelled += $1.labelled
          $0.predicted += $1.predicted
        })
    case .macro:
      let found = isExclusive ? counts.classes.filter(\.occurs) : counts.classes
      return found.reduce(0) { $0 + value($1) } / Double(found.count)
    case .weighted:
      let all = counts.classes.reduce(0) { $0 + $1.labelled }
      guard all > 0 else { return 0 }
      return counts.classes.reduce(0) { $0 + value($1) * Double($1.labelled) } / Double(all)
    }
  }
}

extension ClassificationMetric {
  /// The three entries.
  package static let entries: [Entry<any Metric>] = [
    entry(.precision, "the part of what was given a class that has it"),
    entry(.recall, "the part of what has a class that was given it"),
    entry(.f1, "2 · precision · recall / (precision + recall)"),
  ]

  private static func entry(_ quantity: Quantity, _ summary: String) -> Entry<any Metric> {
    Entry<any Metric>(
      quantity.rawValue,
      summary + "; reported as `macro\(quantity.rawValue.prefix(1).uppercased())"
        + "\(quantity.rawValue.dropFirst())`, and so on",
      [
        .with(
          "average", Average.macro,
          "how the classes' values become one: `macro`, their mean; `micro`, of the counts of all; "
            + "`weighted`, by how many have a class; `binary`, that of one class"),
        .threshold, .positive,
      ]
    ) { values in
      ClassificationMetric(
        quantity: quantity, average: values["average"], threshold: values["threshold"],
        positive: (values["positive"] as NameOrNumber?)?.value)
    }
  }
}

/// A class by its name or its number.
struct NameOrNumber: HyperparameterValue {
  let value: JSONValue

  init?(hyperparameter value: JSONValue?) {
    guard let value else { return nil }
    self.value = value
  }
}

extension Hyperparameter {
  /// The probability above which one of two classes is taken.
  static var threshold: Hyperparameter {
    .optional(
      "threshold", .number(NumberRange(from: 0, to: 1, above: 0, below: 1)),
      "the probability above which the second of two classes, or a label, is taken; its name is behind "
        + "the metric's: `f1@0.3`", absence: "the more probable")
  }

  /// The class that counts.
  static var positive: Hyperparameter {
    .optional(
      "positive", .either(.integer(0...1_000_000), .text),
      "the class that counts, where one does: its number or its name", absence: "1")
  }
}

extension ScoredForm {
  /// Throws where outputs are numbers.
  func requireClasses(_ metric: String) throws(MetricError) {
    guard meaning != .numbers else {
      throw MetricError(
        metric,
        "is of classes, and the loss \(loss) is of numbers: leave it out, or take a loss of classes"
      )
    }
  }

  /// The number of classes; throws where there are none, or where several labels may be right.
  func requireExclusiveClasses(_ metric: String) throws(MetricError) -> Int {
    try requireClasses(metric)
    guard let classCount else {
      throw MetricError(
        metric,
        "is of examples with one class each, and here each of \(width) labels may be right: leave it out"
      )
    }
    return classCount
  }

  /// The log-odds of a probability that decides; nil where the largest output does.
  func threshold(_ probability: Double?, _ metric: String) throws(MetricError) -> Double? {
    guard let probability else { return nil }
    guard classCount ?? 2 == 2 else {
      throw MetricError(
        metric,
        "has a threshold, which decides between two classes, and there are \(classCount ?? 2): leave "
          + "'threshold' out")
    }
    return ExactMath.logarithm(probability) - ExactMath.logarithm(1 - probability)
  }

  /// The number of the class that counts.
  func positive(_ given: JSONValue?, _ metric: String) throws(MetricError) -> Int {
    let count = classCount ?? width
    guard let given else {
      guard count > 1 else { throw MetricError(metric, "is of two classes, and there is one") }
      if count > 2 {
        throw MetricError(
          metric,
          "is of one class, and there are \(count): name it by 'positive', or take another 'average'"
        )
      }
      return 1
    }
    let number =
      given.integerValue
      ?? given.stringValue.flatMap { name in classNames?.firstIndex(of: name) ?? Int(name) }
    guard let number, (0..<count).contains(number) else {
      let text = given.stringValue ?? given.compactText
      let hint =
        given.stringValue.flatMap { NearestName.find($0, among: classNames ?? []) }
        .map { "; did you mean '\($0)'?" } ?? ""
      throw MetricError(
        metric,
        "has 'positive' \(text.quoted), and the classes are "
          + (0..<min(count, 10)).map { name($0).quoted }.joined(separator: ", ")
          + (count > 10 ? ", …" : "") + hint)
    }
    return number
  }
}
