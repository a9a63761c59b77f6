import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepPlatform
import LockstepReports

/// What a run's weights say about single test examples, for `evaluation.json`: the confusion matrix, ROC
/// curves, and the examples with the largest losses.
struct FinalEvaluation {
  private let part: DataPart
  private let description: DataDescription
  private let loss: any LossFunction
  private let outputs: [Float]
  private let width: Int
  private let rows: [PredictionRow]
  private let labels: Dataset.Labels

  /// The most outputs that are looked at; of more examples the first ones are.
  private static let mostOutputs = 1 << 24
  /// The examples that are kept.
  private static let mostWorst = 24
  /// The most classes that have a curve each, and the most that a matrix is kept of.
  private static let mostClasses = (curves: 12, matrix: 1000)

  /// Computes the test part's outputs. Called by all ranks.
  ///
  /// - Returns: on rank 0 the record; nil where there is no test part, or it is one of tokens.
  static func record(
    of run: ConfiguredRun, step: Int, on collective: any Collective
  ) throws -> EvaluationRecord? {
    guard let part = run.data.testPart, run.data.record.description.tokens == nil,
      let labels = try? part.labels
    else { return nil }
    let computed = try ExampleOutputs(
      of: run.source, on: part.examples, batchSize: run.configuration.evaluationBatchSize,
      ranks: collective)
    let most = max(mostOutputs / max(computed.width, 1), 1)
    let examples = 0..<min(part.examples.count, most)
    let outputs = try computed.values(of: examples, on: collective)
    guard collective.isRoot else { return nil }
    return Self(
      part: part, description: run.data.record.description, loss: run.configuration.labelLoss,
      outputs: outputs, width: computed.width,
      rows: PredictionRow.rows(examples, of: part, width: computed.width).filter {
        part.isLabelled?[$0.label] ?? true
      }, labels: labels
    ).record(step: step)
  }

  /// What one prediction comes to.
  private struct Judgement {
    var loss: Double
    let label: String
    let prediction: String
    var isRight = false
  }

  /// What all predictions come to.
  private struct Findings {
    /// Those that were looked at.
    var rows: [PredictionRow]
    var judgements: [Judgement]
    var confusion: EvaluationRecord.Confusion?
    var curves: [RocCurve] = []
    var lossName = "loss"
  }

  private func record(step: Int) -> EvaluationRecord {
    var findings =
      switch labels {
      case .classes(let classes, let count) where loss is SoftmaxCrossEntropy:
        ofClasses(classes, count)
      case .targets(let values, let width) where loss is BinaryCrossEntropy || loss is Focal:
        ofLabels(values, width)
      case .classes(let classes, _): ofLargestOutputs(classes)
      case .targets(let values, let width):
        Findings(
          rows: rows,
          judgements: rows.map { row in
            regression(row, values[row.label * width..<(row.label + 1) * width])
          }, lossName: "error")
      }
    return EvaluationRecord(
      part: "test", step: step, examples: findings.rows.count, lossName: findings.lossName,
      confusion: findings.confusion, curves: findings.curves,
      worst: worst(&findings.judgements, findings.rows))
  }

  // MARK: Kinds of predictions

  /// Classes by their logits.
  private func ofClasses(_ classes: [Int32], _ count: Int) -> Findings {
    // A model may have outputs that no class of the data is, and labels may be marked as not counting.
    let rows = rows.filter { (0..<$0.outputs.count).contains(Int(classes[$0.label])) }
    let names = (0..<max(count, rows.first?.outputs.count ?? 0)).map(className)
    let probabilities = rows.map { Self.softmax(outputs[$0.outputs]) }
    let right = rows.map { Int(classes[$0.label]) }
    let predictions = probabilities.map(Self.largest)
    let judgements = rows.indices.map { row in
      let guess = predictions[row]
      return Judgement(
        loss: -log(probabilities[row][right[row]]), label: names[right[row]],
        prediction: "\(names[guess]) (\(Self.percent(probabilities[row][guess])))",
        isRight: guess == right[row])
    }
    let isShown = names.count <= Self.mostClasses.matrix
    return Findings(
      rows: rows, judgements: judgements,
      confusion: isShown ? .init(classes: names, labels: right, predictions: predictions) : nil,
      curves: Self.curves(names, probabilities, right))
  }

  /// Labels of which an example may have several, by their logits.
  private func ofLabels(_ values: [Float], _ width: Int) -> Findings {
    let names = labelNames(width)
    let scores = rows.map { row in outputs[row.outputs].map(Double.init) }
    let right = rows.map { row in
      values[row.label * width..<(row.label + 1) * width].map { $0 >= 0.5 }
    }
    var findings = Findings(
      rows: rows,
      judgements: rows.indices.map { row in Self.judge(scores[row], right[row], names) })
    if width == 1 {
      findings.confusion = .init(
        classes: ["0", "1"], labels: right.map { $0[0] ? 1 : 0 },
        predictions: scores.map { $0[0] >= 0 ? 1 : 0 })
    }
    findings.curves = names.indices.prefix(Self.mostClasses.curves).compactMap { place in
      RocCurve(
        names[place], scores: scores.map { $0[place] }, isPositive: right.map { $0[place] })
    }
    return findings
  }

  /// Classes under a loss of one's own: by their largest output.
  private func ofLargestOutputs(_ classes: [Int32]) -> Findings {
    let judgements = rows.map { row in
      let label = Int(classes[row.label])
      let guess = Self.largest(outputs[row.outputs].map(Double.init))
      return Judgement(
        loss: guess == label ? 0 : 1, label: className(label), prediction: className(guess),
        isRight: guess == label)
    }
    return Findings(rows: rows, judgements: judgements)
  }

  /// What a class is called; its number where it has no name.
  private func className(_ number: Int) -> String {
    guard let classes = description.target.classes, (0..<classes.count).contains(number) else {
      return "\(number)"
    }
    return classes.name(number)
  }

  /// The curve of each class against all others; of two classes the second one's alone.
  private static func curves(
    _ names: [String], _ probabilities: [[Double]], _ right: [Int]
  ) -> [RocCurve] {
    let shown = names.count == 2 ? 1..<2 : 0..<min(names.count, mostClasses.curves)
    return shown.compactMap { place in
      RocCurve(
        names[place], scores: probabilities.map { $0[place] },
        isPositive: right.map { $0 == place })
    }
  }

  /// What each of several labels is called.
  private func labelNames(_ width: Int) -> [String] {
    let columns = description.target.columns
    return columns.count == width ? columns : (0..<width).map { "label \($0 + 1)" }
  }

  /// A prediction of labels by their logits.
  private static func judge(_ scores: [Double], _ right: [Bool], _ names: [String]) -> Judgement {
    // log(1 + eˣ) without overflow, for x = −score of a label that holds and score of one that does not.
    let loss = zip(scores, right).reduce(0) { sum, pair in
      let x = pair.1 ? -pair.0 : pair.0
      return sum + max(x, 0) + log1p(exp(-x.magnitude))
    }
    func probability(_ score: Double) -> Double { 1 / (1 + exp(-score)) }
    if names.count == 1 {
      return Judgement(
        loss: loss, label: right[0] ? "1" : "0",
        prediction: "\(scores[0] >= 0 ? 1 : 0) (\(percent(probability(scores[0]))) for 1)",
        isRight: (scores[0] >= 0) == right[0])
    }
    func list(_ isIn: (Int) -> Bool) -> String {
      let found = names.indices.filter(isIn).map { names[$0] }
      return found.isEmpty ? "none" : found.joined(separator: ", ").shortened(to: 120)
    }
    return Judgement(
      loss: loss, label: list { right[$0] }, prediction: list { scores[$0] >= 0 },
      isRight: zip(scores, right).allSatisfy { ($0 >= 0) == $1 })
  }

  /// A prediction of numbers, in the target's unit; of several the Euclidean distance.
  private func regression(_ row: PredictionRow, _ label: ArraySlice<Float>) -> Judgement {
    let target = description.target
    // Of several quantiles, the one nearest to the median.
    let (count, middle) = (loss as? Quantile).map { ($0.levels.count, $0.middle) } ?? (1, 0)
    let predicted = stride(from: middle, to: row.outputs.count, by: count).map { place in
      Double(
        target.unscaled(outputs[row.outputs][row.outputs.lowerBound + place], at: place / count))
    }
    let right = label.enumerated().map { Double(target.unscaled($0.element, at: $0.offset)) }
    let squares = zip(predicted, right).reduce(0) { sum, pair in
      sum + (pair.0 - pair.1) * (pair.0 - pair.1)
    }
    func list(_ values: [Double]) -> String {
      values.prefix(6).map { readable($0) }.joined(separator: ", ")
        + (values.count > 6 ? ", …" : "")
    }
    return Judgement(
      loss: squares.squareRoot(), label: list(right), prediction: list(predicted))
  }

  // MARK: The worst

  /// The examples with the largest losses; of equal ones the first.
  private func worst(
    _ judgements: inout [Judgement], _ rows: [PredictionRow]
  ) -> [EvaluationRecord.Example] {
    for index in judgements.indices where judgements[index].loss.isNaN {
      judgements[index].loss = .infinity
    }
    let order = judgements.indices.sorted {
      (judgements[$0].loss, $1) > (judgements[$1].loss, $0)
    }
    let looks = ExampleLooks(examples: part.examples, description: description)
    return order.prefix(Self.mostWorst).filter { judgements[$0].loss > 0 }.map { index in
      let (row, judgement) = (rows[index], judgements[index])
      let names = try? part.names(of: row.example..<row.example + 1)
      let id = names?.first.map { " \($0.quoted)" } ?? ""
      let step = row.step.map { ", step \($0 + 1)" } ?? ""
      return EvaluationRecord.Example(
        place: part.places.text(row.example) + id + step,
        label: judgement.label.shortened(to: 120), prediction: judgement.prediction,
        isRight: judgement.isRight, loss: judgement.loss, look: looks.look(at: row.example))
    }
  }

  // MARK: Numbers

  private static func softmax(_ values: ArraySlice<Float>) -> [Double] {
    let most = Double(values.max() ?? 0)
    let powers = values.map { exp(Double($0) - most) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  /// The place of the largest value, the first of equals.
  private static func largest(_ values: [Double]) -> Int {
    values.indices.max { (values[$0], $1) < (values[$1], $0) } ?? 0
  }

  private static func percent(_ part: Double) -> String { "\(readable(100 * part, digits: 3)) %" }
}
