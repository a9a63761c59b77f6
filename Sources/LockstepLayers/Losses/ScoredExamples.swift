/// What is known of an evaluation's outputs and labels before they are computed.
package struct ScoredForm: Sendable {
  /// What outputs mean.
  package let meaning: OutputMeaning
  /// The number of outputs of a row.
  package let width: Int
  /// The name of the loss, for messages.
  package let loss: String
  /// Whether e^loss is a perplexity.
  package let isLogLikelihood: Bool
  /// The names of the classes, where they have names.
  package let classNames: [String]?
  /// The labels of all examples; nil where they were not looked at.
  package let labels: LabelSummary?

  /// - Parameters:
  ///   - classNames: a name a class.
  ///   - labels: the labels of all examples; nil where they were not looked at.
  package init(
    _ meaning: OutputMeaning, width: Int, loss: String, isLogLikelihood: Bool = false,
    classNames: [String]? = nil, labels: LabelSummary? = nil
  ) {
    self.meaning = meaning
    self.width = width
    self.loss = loss
    self.isLogLikelihood = isLogLikelihood
    self.classNames = classNames
    self.labels = labels
  }

  /// The number of classes; nil where outputs are numbers, or labels that may all be right.
  package var classCount: Int? {
    switch meaning {
    case .classLogits: width
    case .labelLogits: width == 1 ? 2 : nil
    case .numbers: nil
    }
  }

  /// A class, or a label, as reports call it.
  package func name(_ index: Int) -> String {
    guard let classNames, classNames.indices.contains(index) else { return "\(index)" }
    return classNames[index]
  }
}

/// How often each label occurs in an evaluation.
package struct LabelSummary: Sendable, Equatable {
  /// The number of rows of each class; of labels that may all be right, the rows where each one is.
  package let counts: [Int]
  /// The number of rows.
  package let rows: Int
  /// Whether each target has one value in all rows.
  package let isConstant: [Bool]
}

/// The outputs and labels of an evaluation, row by row. A row is an example, or a position of one that counts.
package struct ScoredExamples: Sendable {
  /// Labels of all rows.
  package enum Labels: Sendable {
    /// A class a row.
    case classes([Int32])
    /// Targets, as many a row as there are outputs.
    case targets([Float])
  }

  /// What is known beside the values.
  package let form: ScoredForm
  /// The model's outputs, row-major.
  package let outputs: [Float]
  /// The labels.
  package let labels: Labels
  /// What standardised targets were divided by and what was subtracted before; a value a target, or none.
  package let scale: [(mean: Double, deviation: Double)]

  /// - Parameter scale: what brings targets and outputs back to their units.
  package init(
    _ form: ScoredForm, outputs: [Float], labels: Labels,
    scale: [(mean: Double, deviation: Double)] = []
  ) {
    self.form = form
    self.outputs = outputs
    self.labels = labels
    self.scale = scale
  }

  /// The number of rows.
  package var count: Int { outputs.count / max(form.width, 1) }

  /// How often each label occurs.
  package var summary: LabelSummary {
    switch labels {
    case .classes(let classes):
      var counts = [Int](repeating: 0, count: form.width)
      for label in classes where counts.indices.contains(Int(label)) { counts[Int(label)] += 1 }
      return LabelSummary(counts: counts, rows: classes.count, isConstant: [])
    case .targets(let targets):
      let width = max(form.width, 1)
      var counts = [Int](repeating: 0, count: form.width)
      var isConstant = [Bool](repeating: true, count: form.width)
      for (place, target) in targets.enumerated() {
        let column = place % width
        if target > 0.5 { counts[column] += 1 }
        if target != targets[column] { isConstant[column] = false }
      }
      if form.classCount == 2, let ones = counts.first {
        counts = [targets.count - ones, ones]
      }
      return LabelSummary(counts: counts, rows: targets.count / width, isConstant: isConstant)
    }
  }
}
