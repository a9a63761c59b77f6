import LockstepFiles

/// The series of a table, before anything is fitted.
package struct SeriesContent: DataContent {
  package let name: String
  package let notices: [String]
  let table: CSVTable
  let options: SeriesOptions
  /// The names of the features of a step.
  let features: [String]
  /// The values of all steps, series by series, one value a feature.
  let values: [Double]
  /// Where each series begins among the steps; a last one behind all.
  let starts: [Int]
  /// Where each step stands in the table: its row, and the column of its first feature.
  let cells: (row: [Int], column: [Int])
  /// The columns of a step's features in the table; where a row is a series, of all steps.
  let columns: [Int]
  /// The targets of the series, or of the steps.
  let target: SeriesTarget
  let targetColumn: Int?
  /// The names of the series; nil where they have none.
  let ids: [String]?
  /// How far steps lie apart; nil where that does not matter.
  let interval: Double?

  package var count: Int { starts.count - 1 }

  private var width: Int { features.count }

  func length(of series: Int) -> Int { starts[series + 1] - starts[series] }

  // MARK: Fitting

  /// Series of classes are cut class by class; others by chance.
  package func strata() throws -> [Int] {
    guard !options.perStep else { return [Int](repeating: 0, count: count) }
    switch target {
    case .none: return [Int](repeating: 0, count: count)
    case .values(let values): return Dataset.strata(values.map { Double(Float($0)) })
    case .classes(let texts):
      let names = try options.classes ?? classes(texts, Array(texts.indices))
      return try texts.indices.map { Int(try number(names, texts[$0], $0)) }
    }
  }

  package func describe(_ rows: [Int]?) throws -> DataDescription {
    let rows = rows ?? Array(0..<count)
    guard !rows.isEmpty else { throw DatasetError(name, "has no series") }
    let lengths = try lengths(rows.map(length))
    let labels = options.perStep ? steps(of: rows) : rows
    var target = TargetDescription(
      column: targetColumn.map { table.columns[$0] },
      kind: try {
        switch self.target {
        case .none, .values: .values(width: 1)
        case .classes(let texts): .classes(try options.classes ?? classes(texts, labels))
        }
      }())
    target.perStep = options.perStep
    if options.standardizesTarget, case .values(let values) = self.target {
      let fitted = Standardizer(fitting: labels, width: 1) { values[$0] }
      target.scale = .init(mean: fitted.mean, deviation: fitted.deviation)
    }
    return DataDescription(
      input: .series(
        SeriesDescription(
          layout: options.layout, table: columns(fittedOn: steps(of: rows)),
          steps: options.layout == .rows ? columns.map { table.columns[$0] } : [],
          time: options.time, interval: interval, lengths: lengths.values,
          varies: lengths.varies, channelsFirst: options.channelsFirst,
          forecast: options.forecast)), target: target)
  }

  /// The features with their means and deviations over some steps.
  func columns(fittedOn steps: [Int]) -> ColumnsDescription {
    let fitted =
      options.standardize ? Standardizer(fitting: steps, width: width) { values[$0] } : nil
    return ColumnsDescription(
      columns: features.enumerated().map { place, name in
        .init(
          name, mean: fitted?.mean[place] ?? 0, deviation: fitted?.deviation[place] ?? 1,
          fill: options.fill)
      },
      ignored: options.ignoring.map(CellText.trimmed),
      id: options.series.map(CellText.trimmed), dialect: options.dialect)
  }

  private func steps(of series: [Int]) -> [Int] {
    series.flatMap { Array(starts[$0]..<starts[$0 + 1]) }
  }

  /// The lengths that series of some lengths are padded to, and whether there is more than one of them.
  private func lengths(_ found: [Int]) throws -> (values: [Int], varies: Bool) {
    if let given = options.lengths {
      guard !options.channelsFirst else {
        throw DatasetError(
          name, "'data.channelsFirst' goes with series of one length: leave 'data.lengths' out")
      }
      return (given, true)
    }
    let isOne = Set(found).count == 1
    if options.channelsFirst, !isOne {
      throw DatasetError(
        name,
        "series have \(found.min() ?? 0) to \(found.max() ?? 0) steps, and 'data.channelsFirst' goes with "
          + "series of one length")
    }
    return isOne ? ([found[0]], false) : (PaddedLengths(covering: found).values, true)
  }

  private func classes(_ texts: [String], _ labels: [Int]) throws(FileError) -> ClassNames {
    try ClassNames(numbering: labels.map { texts[$0] }) { index, reason in
      targetFault(labels[index], reason)
    }
  }

  private func number(
    _ names: ClassNames, _ text: String, _ label: Int
  ) throws(FileError) -> Int32 {
    do throws(UnknownClass) { return try names.number(of: text) } catch {
      throw targetFault(label, error.reason)
    }
  }

  /// An error about the target of a series, or of a step.
  private func targetFault(_ label: Int, _ reason: String) -> FileError {
    let row = cells.row[options.perStep ? label : starts[label]]
    return table.fault(row: row, column: targetColumn ?? 0, reason)
  }

  // MARK: Applying

  package func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart {
    let rows = rows ?? Array(0..<count)
    guard case .series(let known) = description.input else {
      throw DatasetError(name, "holds series, and the run was trained on other inputs")
    }
    let steps = steps(of: rows)
    let inputs = try inputs(steps, known)
    let labels = try labels(options.perStep ? steps : rows, description.target)
    var (starts, end) = ([0], 0)
    for series in rows {
      try check(length(of: series), of: series, known)
      end += length(of: series)
      starts.append(end)
    }
    let examples: any ExampleSource =
      if let padding = known.padding {
        try SequenceDataset(
          name: name, width: width, values: inputs, starts: starts, labels: labels.values,
          labelsPositions: options.perStep, padding: padding)
      } else {
        try fixed(inputs, known, labels.values)
      }
    return DataPart(
      examples, places: examplePlaces(rows), ids: ids.map { ids in rows.map { ids[$0] } },
      isLabelled: labels.isLabelled, summary: summary(rows, steps, labels.values))
  }

  /// Series of one length, with a label each, or one for each step.
  private func fixed(
    _ inputs: [Float], _ known: SeriesDescription, _ labels: Dataset.Labels
  ) throws -> any ExampleSource {
    let length = known.lengths[0]
    guard !options.perStep else {
      guard let padding = PaddedLengths([length]) else {
        throw DatasetError(name, "has series without steps")
      }
      return try SequenceDataset(
        name: name, width: width, values: inputs,
        starts: Array(stride(from: 0, through: inputs.count / width, by: length)),
        labels: labels, labelsPositions: true, padding: padding)
    }
    return try Dataset(
      name: name, inputShape: known.shape,
      inputs: .floats(known.channelsFirst ? inputs.transposed([length, width]) : inputs),
      labels: labels)
  }

  /// Makes sure that a series is as long as training takes them.
  private func check(
    _ length: Int, of series: Int, _ known: SeriesDescription
  ) throws(FileError) {
    let longest = known.lengths.last ?? 0
    if known.varies ? length <= longest : length == longest { return }
    let which =
      ids.map { "the series \($0[series].quoted)" } ?? "the series of line \(line(of: series))"
    throw FileError(
      path: table.path, kind: .mismatch,
      reason: "\(which) (line \(line(of: series))) has \(counted(length, "step")), and "
        + (known.varies
          ? "the longest padded length is \(longest): cut it, or train with a larger one in 'data.lengths'"
          : "all series of the training part have \(longest): train with 'data.lengths' to take series of "
            + "different lengths"))
  }

  private func line(of series: Int) -> Int { table.line(ofRow: cells.row[starts[series]]) }

  func inputs(_ steps: [Int], _ known: SeriesDescription) throws(FileError) -> [Float] {
    var inputs: [Float] = []
    inputs.reserveCapacity(steps.count * width)
    let scales = known.table.columns.map(\.number)
    for step in steps {
      for (place, column) in scales.enumerated() {
        let raw = values[step * width + place]
        let value = Float((raw - column.mean) / column.deviation)
        guard value.isFinite else {
          throw table.fault(
            row: cells.row[step],
            column: options.layout == .rows ? cells.column[step] : columns[place],
            "\(raw) is out of the range of Float32 when it is standardised")
        }
        inputs.append(value)
      }
    }
    return inputs
  }

  private func labels(
    _ labels: [Int], _ description: TargetDescription
  ) throws -> (values: Dataset.Labels, isLabelled: [Bool]?) {
    switch (target, description.kind) {
    case (.classes(let texts), .classes(let names)):
      let classes = try labels.map { label throws(FileError) -> Int32 in
        texts[label].isEmpty ? 0 : try number(names, texts[label], label)
      }
      let known = labels.map { !texts[$0].isEmpty }
      return (.classes(classes, count: names.count), known.contains(false) ? known : nil)
    case (.values(let values), .values):
      let (mean, deviation) = (
        description.scale?.mean[0] ?? 0, description.scale?.deviation[0] ?? 1
      )
      let known = labels.map { !values[$0].isNaN }
      return (
        .targets(
          labels.map { values[$0].isNaN ? 0 : Float((values[$0] - mean) / deviation) }, width: 1),
        known.contains(false) ? known : nil
      )
    default:
      return (
        .unknown(description.kind, count: labels.count),
        [Bool](repeating: false, count: labels.count)
      )
    }
  }

  // MARK: What tells them from others

  package func summary(as description: DataDescription) throws -> PartSummary? {
    let rows = Array(0..<count)
    let steps = steps(of: rows)
    return summary(
      rows, steps, try labels(options.perStep ? steps : rows, description.target).values)
  }

  package var places: ExamplePlaces { examplePlaces(Array(0..<count)) }

  private func examplePlaces(_ rows: [Int]) -> ExamplePlaces {
    ExamplePlaces(file: name, rows: rows.map { $0 + 1 }, lines: rows.map(line))
  }

  private func summary(
    _ rows: [Int], _ steps: [Int], _ labels: Dataset.Labels
  ) -> PartSummary {
    var summaries = features.enumerated().map { place, name in
      PartSummary.Column(name, Fingerprint(of: steps.map { values[$0 * width + place] }))
    }
    summaries.append(.init("lengths", Fingerprint(of: rows.map(length))))
    if let targetColumn {
      summaries.append(.init(table.columns[targetColumn], labels.fingerprint))
    }
    return PartSummary(examples: rows.count, columns: summaries) { run in
      Fingerprint(
        of: self.steps(of: Array(rows[run])).flatMap { step in
          values[step * width..<(step + 1) * width]
        })
    }
  }
}

extension [Float] {
  /// Matrices [rows, columns], one behind the other, as [columns, rows].
  func transposed(_ shape: [Int]) -> [Float] {
    let (rows, columns) = (shape[0], shape[1])
    var result = self
    for start in stride(from: 0, to: count, by: rows * columns) {
      for row in 0..<rows {
        for column in 0..<columns {
          result[start + column * rows + row] = self[start + row * columns + column]
        }
      }
    }
    return result
  }
}
