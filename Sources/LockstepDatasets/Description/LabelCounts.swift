import LockstepFiles

/// How often each label occurs in the training part: what balanced weights are made of.
package struct LabelCounts: Sendable, Equatable {
  /// The number of labels that were counted: examples, or positions of examples.
  package let rows: Int
  /// How often each class occurs; of targets, how often each is above one half.
  package let counts: [Int]

  /// Counts the labels of examples.
  ///
  /// - Parameter ignored: the class that does not count.
  /// - Throws: what reading labels throws, ``DatasetError`` where there are none.
  package init(_ source: any ExampleSource, ignoring ignored: Int32? = nil) throws {
    guard let field = source.labelFields.first else {
      throw DatasetError(source.name, "has no labels that could be counted")
    }
    var rows = 0
    var counts = [Int](repeating: 0, count: field.limit ?? field.size)
    try source.forEachLabels(field) { _, labels in
      switch labels {
      case .integers(let labels):
        for label in labels where label != field.ignored && label != ignored {
          if counts.indices.contains(Int(label)) { counts[Int(label)] += 1 }
          rows += 1
        }
      case .numbers(let targets):
        for (place, target) in targets.enumerated() where target > 0.5 {
          counts[place % field.size] += 1
        }
        rows += targets.count / field.size
      }
    }
    self.rows = rows
    self.counts = counts
  }

  /// Reads counts.
  package init?(_ json: JSONValue) {
    guard let rows = json["rows"]?.integerValue,
      let counts = json["counts"]?.arrayValue?.compactMap(\.integerValue)
    else { return nil }
    self.rows = rows
    self.counts = counts
  }

  /// The counts in JSON.
  package var json: JSONValue {
    ["rows": .integer(rows), "counts": .array(counts.map { .integer($0) })]
  }
}

/// The labels of some examples.
package enum LabelValues {
  /// Classes.
  case integers([Int32])
  /// Targets.
  case numbers([Float])
}

extension ExampleSource {
  /// Reads the labels of all examples, some at once.
  ///
  /// - Parameter body: hears the number of the first example, and the labels from it on.
  package func forEachLabels(
    _ field: ExampleField, _ body: (_ first: Int, _ labels: LabelValues) throws -> Void
  ) throws {
    let together = Swift.max(1, 65536 / Swift.max(field.size, 1))
    for start in stride(from: 0, to: count, by: together) {
      let examples = Array(start..<Swift.min(start + together, count))
      if field.isInteger {
        var labels = [Int32](repeating: 0, count: examples.count * field.size)
        var span = labels.mutableSpan
        try load(field, of: examples[...], into: &span)
        try body(start, .integers(labels))
      } else {
        var labels = [Float](repeating: 0, count: examples.count * field.size)
        var span = labels.mutableSpan
        try load(field, of: examples[...], into: &span)
        try body(start, .numbers(labels))
      }
    }
  }
}
