/// How often each class, or each label, was given and taken.
struct ConfusionCounts {
  /// What of one class was found.
  struct Class {
    /// Rows that have it and were given it.
    var right = 0
    /// Rows that have it.
    var labelled = 0
    /// Rows that were given it.
    var predicted = 0

    /// right / predicted; 0 where it was never given.
    var precision: Double { predicted > 0 ? Double(right) / Double(predicted) : 0 }
    /// right / labelled; 0 where no row has it.
    var recall: Double { labelled > 0 ? Double(right) / Double(labelled) : 0 }
    /// 2 right / (labelled + predicted); 0 where there are neither.
    var f1: Double {
      labelled + predicted > 0 ? 2 * Double(right) / Double(labelled + predicted) : 0
    }
    /// Whether it occurs at all.
    var occurs: Bool { labelled + predicted > 0 }
  }

  /// The classes, or the labels.
  let classes: [Class]
  /// The rows of each class that were given each class, `[label][prediction]`; none where several labels
  /// may be right.
  let matrix: [[Int]]
  /// The number of rows.
  let rows: Int

  /// - Parameter threshold: the log-odds above which the class 1 of two, or a label, is taken; nil for the
  ///   largest output.
  init(_ examples: ScoredExamples, threshold: Double? = nil) {
    rows = examples.count
    guard let count = examples.form.classCount else {
      var classes = [Class](repeating: Class(), count: examples.form.width)
      for row in 0..<examples.count {
        for index in classes.indices {
          let isTaken = examples.logOdds(row, of: index) > threshold ?? 0
          let isRight = examples.isPositive(row, index)
          if isTaken { classes[index].predicted += 1 }
          if isRight { classes[index].labelled += 1 }
          if isTaken, isRight { classes[index].right += 1 }
        }
      }
      self.classes = classes
      matrix = []
      return
    }
    var matrix = [[Int]](repeating: [Int](repeating: 0, count: count), count: count)
    for row in 0..<examples.count {
      let taken =
        threshold.map { examples.logOdds(row, of: 1) > $0 ? 1 : 0 } ?? examples.decision(row)
      matrix[examples.label(row)][taken] += 1
    }
    classes = (0..<count).map { index in
      Class(
        right: matrix[index][index], labelled: matrix[index].reduce(0, +),
        predicted: matrix.reduce(0) { $0 + $1[index] })
    }
    self.matrix = matrix
  }

  /// The mean of each class's recall, over the classes that rows have.
  var balancedAccuracy: Double {
    let found = classes.filter { $0.labelled > 0 }
    return found.reduce(0) { $0 + $1.recall } / Double(found.count)
  }

  /// Matthews's correlation coefficient of labels and predictions; 0 where either never varies.
  var matthewsCorrelation: Double {
    let all = Double(rows)
    let right = classes.reduce(0.0) { $0 + Double($1.right) }
    var (both, given, had) = (0.0, 0.0, 0.0)
    for item in classes {
      both += Double(item.labelled) * Double(item.predicted)
      given += Double(item.predicted) * Double(item.predicted)
      had += Double(item.labelled) * Double(item.labelled)
    }
    let product = (all * all - given) * (all * all - had)
    return product > 0 ? (right * all - both) / product.squareRoot() : 0
  }
}
