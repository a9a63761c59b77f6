import LockstepCatalog
import LockstepDatasets
import LockstepFiles

/// What a run trains and tests on: where the examples come from and how they are cut.
package struct DataConfiguration: Sendable {
  /// How a test part is set apart where the data comes without one.
  enum Cut: Sendable {
    case none
    case fraction(Double)
    case fold(Int, of: Int)
  }

  let source: any DataSource
  let cut: Cut
  let seed: UInt64
  let batchSize: Int
  let splitSeed: UInt64
  /// The columns that say what is cut where.
  let splitColumns: (group: String?, time: String?)
  let augment: AugmentConfiguration
  /// The keys that say how examples are made; none where they are read.
  package let recipeKeys: Set<String>
  /// What identifies the examples: configurations with equal values load the same.
  package let identity: JSONValue
  /// What is to be said where the test part is the training part.
  let ownTest: String?
  /// Where the loss of each head wants target values to lie; nil for anywhere.
  var targetLimits: [TargetLimit?] = []
  /// Whether the labels of the training part are counted.
  var countsLabels = false
  /// How examples are drawn, where not each once.
  let sampling: SamplingConfiguration?
  /// Whether epochs have random orders; if not, all have the data's own.
  package let shuffle: Bool
  /// How neighbours stay together in random orders; nil where they do not.
  package let blocks: BlockShuffling?
  /// Whether an epoch's last batch is left out where it is not full.
  package let dropLast: Bool

  /// How tables are written; nil where the data is no table.
  package var dialect: CSVDialect? { source.dialect }
  /// Where the cells of tables are.
  package var tableStorage: TableStorage { source.tableStorage }
  /// The keys of `data` that say where the cells of tables are.
  package static let tableStorageKeys: Set = ["storage", "cache"]
  /// The keys of `data` that say how tables are written.
  package static let dialectKeys = [Hyperparameter].dialectKeys

  /// The examples to train on and, where there are any, those to test on.
  package struct Parts: Sendable {
    /// The training part.
    package let training: any ExampleSource
    /// The test part, or nil.
    package var test: (any ExampleSource)? { testPart?.examples }
    /// The test part with where its examples stand, or nil.
    package let testPart: DataPart?
    /// What training learned about them.
    package let record: DataRecord
    /// What the user should know about them.
    package let notices: [String]

    /// A hash of both parts.
    package var fingerprint: Fingerprint {
      .tree(
        [("training", training.fingerprint)] + (test.map { [("test", $0.fingerprint)] } ?? []))
    }
  }

  /// One of the two parts.
  package enum PartName: String, Sendable, CaseIterable {
    /// What is trained on.
    case training
    /// What is evaluated.
    case test
  }

  /// Reads or makes the examples, and fits on the training part what is to be fitted.
  ///
  /// - Throws: `FileError` or `DatasetError`.
  package func load() throws -> Parts {
    let content = try source.training(reading())
    let split = try split(content)
    try ReadingStop.check(content.name)
    var description = try content.describe(split?.training)
    try augment.check(content.name, description.inputShape)
    try ReadingStop.check(content.name)
    let training = try content.part(split?.training, as: description)
    let other = try split == nil ? source.test(reading(description)) : nil
    let test =
      try split.map { try content.part($0.test, as: description) }
      ?? other?.part(as: description)
    for part in [training, test].compactMap({ $0 }) { try check(part) }
    description.training = training.summary
    description.test = test?.summary
    if countsLabels { description.labels = try LabelCounts(training.examples) }
    if split != nil {
      try ReadingStop.check(content.name)
      description.whole = try content.summary(as: description)
    }
    var notices = [ownTest].compactMap { $0 } + content.notices + (other?.notices ?? [])
    notices += try content.fittingNotices(split?.training, as: description)
    notices += training.notices + (test?.notices ?? [])
    let rounding = content.roundingNotices(as: description)
    // Once is enough where both files have the same fault.
    notices +=
      rounding.isEmpty ? other?.roundingNotices(as: description) ?? [] : rounding
    for (head, target) in description.targets.enumerated() {
      notices += targetScaleNotices(training.head(head), target, targetLimits[at: head])
    }
    if case .classes(let classes, _)? = try? training.labels,
      classes.allSatisfy({ $0 == classes[0] })
    {
      notices.append(
        "\(training.places.file): all examples of the training part are of one class: there is nothing "
          + "to tell apart")
    }
    return Parts(
      training: training.examples, testPart: test,
      record: DataRecord(
        description, training: training.places, test: test?.places,
        whole: description.whole == nil ? nil : content.places),
      notices: notices)
  }

  /// A notice where target values are of another size than the outputs of a new model, which are near 0.
  private func targetScaleNotices(
    _ part: DataPart, _ target: TargetDescription, _ limit: TargetLimit?
  ) -> [String] {
    guard limit == nil, target.scale == nil, !target.areLabels,
      case .targets(let values, let width)? = try? part.labels
    else { return [] }
    for place in 0..<width {
      let column = (0..<values.count / width).lazy.map { Double(values[$0 * width + place]) }
      let mean = column.reduce(0, +) / Double(column.count)
      let variance = column.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / Double(column.count)
      let deviation = variance.squareRoot()
      guard column.contains(where: { $0 != Double(values[place]) }),
        deviation > 100 || deviation < 0.01
      else {
        continue
      }
      let name =
        (target.columns.count == width ? target.columns[place] : target.column)
        .map { "the targets in \($0.quoted)" }
        ?? (width == 1 ? "the targets" : "the targets' values \(place + 1)")
      return [
        "\(part.places.file): \(name) have a mean of \(readable(mean)) and a deviation of "
          + "\(readable(deviation)), and are not standardised: set 'data.standardizeTarget' to true where the "
          + "data has it, or subtract the one and divide by the other, or losses and gradients are far from 1"
      ]
    }
    return []
  }

  /// Reads or makes one part through what training learned.
  ///
  /// - Parameter id: the column of a table that names a row; by default the one that training knew.
  /// - Returns: the part, or nil where the data has no test part; and what the user should know.
  /// - Throws: `FileError` or `DatasetError` where the examples do not fit the description.
  package func part(
    _ name: PartName, as description: DataDescription, id: String? = nil
  ) throws -> (part: DataPart, notices: [String])? {
    if name == .test, case .none = cut {
      guard let content = try source.test(reading(description, id: id)) else { return nil }
      let part = try check(content.part(as: description))
      return (part, content.notices + part.notices + content.roundingNotices(as: description))
    }
    let content = try source.training(reading(description, id: id))
    let split = try split(content)
    let part = try check(
      content.part(name == .training ? split?.training : split?.test, as: description))
    return (part, content.notices + part.notices + content.roundingNotices(as: description))
  }

  /// Makes sure that the losses can take the targets of a part.
  ///
  /// - Throws: `FileError` that names the row.
  @discardableResult
  package func check(_ part: DataPart) throws(FileError) -> DataPart {
    for (head, limit) in targetLimits.enumerated() { try check(part.head(head), limit) }
    return part
  }

  private func check(_ part: DataPart, _ limit: TargetLimit?) throws(FileError) {
    guard let limit,
      case .targets(let values, let width)? = try? part.labels,
      let place = values.firstIndex(where: { !limit.range.contains($0) })
    else { return }
    throw FileError(
      path: part.places.file, kind: .mismatch,
      reason:
        "\(part.places.text(part.example(ofLabel: place / width))): the target is \(values[place]), and "
        + limit.text)
  }

  /// The two parts of what is cut; nil where nothing is.
  ///
  /// - Throws: `DatasetError` that names the file and the keys.
  private func split(_ content: any DataContent) throws -> Split? {
    do {
      return try parts(of: content)
    } catch let error as DatasetError where error.name == Split.name {
      let keys =
        if case .fold = cut { "'data.folds'" } else { "'data.testFraction'" }
      let column =
        splitColumns.group.map { " or 'data.groupBy', the column \($0.quoted)" }
        ?? splitColumns.time.map { " or 'data.orderBy', the column \($0.quoted)" } ?? ""
      throw DatasetError(content.name, "cannot be cut: \(error.reason); change \(keys)\(column)")
    }
  }

  private func parts(of content: any DataContent) throws -> Split? {
    switch cut {
    case .none: nil
    case .fraction(let fraction):
      if let time = splitColumns.time {
        try Split.ordered(try content.times(in: time), testFraction: fraction)
      } else if let group = splitColumns.group {
        try Split.grouped(
          try content.groups(in: group), strata: try content.strata(), testFraction: fraction,
          seed: splitSeed)
      } else {
        try Split.stratified(try content.strata(), testFraction: fraction, seed: splitSeed)
      }
    case .fold(let index, let count):
      if let group = splitColumns.group {
        try Split.groupedFolds(
          try content.groups(in: group), strata: try content.strata(), count: count,
          seed: splitSeed)[index]
      } else {
        try Split.stratifiedFolds(try content.strata(), count: count, seed: splitSeed)[index]
      }
    }
  }

  private func reading(
    _ description: DataDescription? = nil, id: String? = nil
  ) -> DataReading {
    DataReading(
      seed: seed, batchSize: batchSize, further: augment.described, description: description,
      id: id)
  }
}

extension [TargetLimit?] {
  /// The limit of a head; nil where nothing is known of it.
  fileprivate subscript(at head: Int) -> TargetLimit? {
    indices.contains(head) ? self[head] : nil
  }
}
