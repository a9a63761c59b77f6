import LockstepEngine
package import LockstepFiles

/// Examples whose sequences have different lengths: they are padded to one of a few.
package protocol PaddedSource: ExampleSource {
  /// The lengths that there are.
  var padding: PaddedLengths { get }
  /// Whether each position has a label, and not each sequence.
  var labelsPositions: Bool { get }
  /// The number of a sequence's length among the padded ones.
  func bucket(of example: Int) -> Int
  /// The same examples padded to one of the lengths; those that are longer cannot be loaded.
  func padded(toBucket bucket: Int) -> any ExampleSource
}

/// Sequences in memory, of different lengths: `input` [T, width] of values or [T] of tokens, `lengths`, and a
/// `label` for each sequence or for each of its steps.
///
/// T is the longest of the padded lengths, or the one that the data set was padded to. Behind a sequence's end
/// inputs and target values are 0, classes −1.
package struct SequenceDataset: PaddedSource {
  /// The label of a step behind its sequence's end.
  static let paddingClass: Int32 = -1

  package let name: String
  package let padding: PaddedLengths
  package let labelsPositions: Bool
  /// The labels of all sequences, or of all their steps.
  package let labels: Dataset.Labels
  /// The number of values of a step; 1 of tokens.
  package let width: Int
  /// Where each sequence's steps begin among all; a last one behind all.
  package let starts: [Int]

  /// The steps of all sequences.
  private enum Steps {
    case values([Float])
    case tokens([Int32], limit: Int)
  }

  private let steps: Steps
  private let buckets: [Int]
  private let contents: Fingerprint
  /// T.
  private var positions: Int

  /// - Parameters:
  ///   - values: the steps of all sequences, one behind the other, `width` values each.
  ///   - starts: where each sequence begins among the steps, and where the last one ends.
  ///   - labels: of the sequences, or of the steps.
  /// - Throws: ``DatasetError`` where counts do not fit each other, a sequence is empty, or longer than the
  ///   longest padded length.
  package init(
    name: String, width: Int, values: [Float], starts: [Int], labels: Dataset.Labels,
    labelsPositions: Bool, padding: PaddedLengths
  ) throws(DatasetError) {
    guard width > 0, values.count == (starts.last ?? 0) * width else {
      throw DatasetError(
        name, "\(values.count) values are no steps of \(width) values of at least one sequence")
    }
    try self.init(
      name, .values(values), width: width, Fingerprint(of: values), starts, labels,
      labelsPositions: labelsPositions, padding)
  }

  /// Sequences of tokens, with a label each.
  ///
  /// - Parameters:
  ///   - tokens: those of all sequences, one behind the other, in `0..<limit`.
  ///   - starts: where each sequence begins among the tokens, and where the last one ends.
  /// - Throws: as the other initializer.
  package init(
    name: String, tokens: [Int32], limit: Int, starts: [Int], labels: Dataset.Labels,
    padding: PaddedLengths
  ) throws(DatasetError) {
    guard tokens.count == starts.last, tokens.allSatisfy({ (0..<limit).contains(Int($0)) }) else {
      throw DatasetError(
        name, "\(tokens.count) tokens are none of a vocabulary of \(limit), or of no sequences")
    }
    try self.init(
      name, .tokens(tokens, limit: limit), width: 1, Fingerprint(of: tokens), starts, labels,
      labelsPositions: false, padding)
  }

  private init(
    _ name: String, _ content: Steps, width: Int, _ contentFingerprint: Fingerprint,
    _ starts: [Int], _ labels: Dataset.Labels, labelsPositions: Bool, _ padding: PaddedLengths
  ) throws(DatasetError) {
    let steps = starts.last ?? 0
    guard starts.count > 1, starts.first == 0 else {
      throw DatasetError(name, "has no sequences")
    }
    let expected = labelsPositions ? steps : starts.count - 1
    guard labels.count == expected else {
      throw DatasetError(name, "has \(labels.count) labels; expected \(expected)")
    }
    var buckets: [Int] = []
    for (index, (start, end)) in zip(starts, starts.dropFirst()).enumerated() {
      guard end > start, let bucket = padding.bucket(of: end - start) else {
        throw DatasetError(
          name,
          "the sequence \(index) has \(end - start) steps; expected 1...\(padding.longest)")
      }
      buckets.append(bucket)
    }
    self.name = name
    self.width = width
    self.steps = content
    self.starts = starts
    self.labels = labels
    self.labelsPositions = labelsPositions
    self.padding = padding
    self.buckets = buckets
    positions = padding.longest
    contents = .tree([
      ("width", Fingerprint(of: [width])), ("steps", contentFingerprint),
      ("starts", Fingerprint(of: starts)), ("labels", labels.fingerprint),
      ("lengths", Fingerprint(of: padding.values)),
    ])
  }

  package var count: Int { starts.count - 1 }
  package var fingerprint: Fingerprint { contents }

  /// The number of a sequence's steps.
  package func length(of example: Int) -> Int { starts[example + 1] - starts[example] }

  package func bucket(of example: Int) -> Int { buckets[example] }

  package func padded(toBucket bucket: Int) -> any ExampleSource {
    var view = self
    view.positions = padding.values[bucket]
    return view
  }

  // MARK: Fields

  package var inputFields: [ExampleField] {
    let input =
      switch steps {
      case .values: ExampleField(ExampleField.inputName, [positions, width])
      case .tokens(_, let limit):
        ExampleField(ExampleField.inputName, [positions], .int32(limit: limit))
      }
    return [
      input, ExampleField(SequenceLengths.inputName, [], .int32(limit: positions + 1)),
    ]
  }

  package var labelFields: [ExampleField] {
    let shape = labelsPositions ? [positions] : []
    return switch labels {
    case .classes(_, let count):
      [
        ExampleField(
          ExampleField.labelName, shape, .int32(limit: count),
          ignored: labelsPositions ? Self.paddingClass : nil)
      ]
    case .targets(_, let width): [ExampleField(ExampleField.labelName, shape + [width])]
    }
  }

  package func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Float>
  ) throws {
    if field.name == ExampleField.inputName {
      guard case .values(let inputs) = steps else {
        throw DatasetError(name, "has tokens for inputs, not values")
      }
      return try copy(inputs, width, isPerStep: true, 0, examples, into: &values)
    }
    guard case .targets(let targets, let width) = labels else {
      throw DatasetError(name, "has classes for labels, not targets")
    }
    try copy(targets, width, isPerStep: labelsPositions, 0, examples, into: &values)
  }

  package func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
  ) throws {
    if field.name == SequenceLengths.inputName {
      for (place, example) in examples.enumerated() {
        values[place] = Int32(try checkedLength(of: example))
      }
      return
    }
    if field.name == ExampleField.inputName {
      guard case .tokens(let tokens, _) = steps else {
        throw DatasetError(name, "has values for inputs, not tokens")
      }
      return try copy(tokens, 1, isPerStep: true, 0, examples, into: &values)
    }
    guard case .classes(let classes, _) = labels else {
      throw DatasetError(name, "has targets for labels, not classes")
    }
    try copy(
      classes, 1, isPerStep: labelsPositions, Self.paddingClass, examples, into: &values)
  }

  private func checkedLength(of example: Int) throws(DatasetError) -> Int {
    let length = length(of: example)
    guard length <= positions else {
      throw DatasetError(
        name, "the sequence \(example) has \(length) steps and cannot be padded to \(positions)")
    }
    return length
  }

  /// Copies values of sequences, or of their steps and padding behind them.
  private func copy<Value>(
    _ source: [Value], _ width: Int, isPerStep: Bool, _ blank: Value, _ examples: ArraySlice<Int>,
    into values: inout MutableSpan<Value>
  ) throws(DatasetError) {
    let size = (isPerStep ? positions : 1) * width
    for (place, example) in examples.enumerated() {
      let count = (isPerStep ? try checkedLength(of: example) : 1) * width
      let from = (isPerStep ? starts[example] : example) * width
      let to = place * size
      for index in 0..<count { values[to + index] = source[from + index] }
      for index in count..<max(size, count) { values[to + index] = blank }
    }
  }
}

extension Dataset.Labels {
  /// How many labels there are.
  var count: Int {
    switch self {
    case .classes(let classes, _): classes.count
    case .targets(let values, let width): values.count / width
    }
  }
}
