import LockstepFiles

/// Arrays of one shape, images among them: inputs, and labels where there are any.
///
/// Inputs of shape [n, h, w] become [1, h, w]; other shapes stay as they are behind n. Integer labels
/// are classes, floating-point labels targets.
///
/// Inputs are kept in memory as they are stored where they are small, else they stay in their files.
package struct ArrayContent: DataContent {
  package let name: String
  package let notices: [String]
  package var count: Int { raw.count }
  private let labelName: String
  private let options: ArrayOptions
  private let raw: any RawExamples
  private let target: ArrayTarget

  // MARK: Reading

  /// Joins inputs and labels.
  ///
  /// - Parameters:
  ///   - raw: the inputs.
  ///   - labelName: the file of the labels.
  ///   - name: what the examples are called; the path of the inputs by default.
  /// - Throws: `FileError` where inputs cannot be read.
  package init(
    _ raw: any RawExamples, _ target: ArrayTarget, labelName: String, name: String? = nil,
    notices: [String] = [], _ options: ArrayOptions
  ) throws(FileError) {
    self.name = name ?? raw.name
    self.labelName = labelName
    self.options = options
    self.target = target
    self.notices = notices
    let isSmall = raw.count <= StoredArray.memoryLimit / max(raw.exampleSize, 1)
    let isInMemory = (raw as? StoredArray)?.isInMemory ?? false
    switch options.storage {
    case .files where isInMemory:
      throw FileError(
        path: raw.name, kind: .mismatch,
        reason: "is compressed and cannot be read where it is needed, as 'storage' asks; unpack it")
    case .memory,
      .automatic where isSmall:
      let stored = isInMemory ? raw : try raw.inMemory()
      if let array = stored as? StoredArray, !array.format.element.isInteger {
        _ = try array.numbers()
      }
      self.raw = stored
    case .automatic, .files: self.raw = raw
    }
  }

  /// Joins the arrays that a run is to be trained on.
  ///
  /// - Throws: `FileError`.
  package init(
    _ inputs: StoredArray, labels: StoredArray, name: String? = nil, _ options: ArrayOptions
  ) throws(FileError) {
    guard inputs.name != labels.name else {
      throw FileError(
        path: inputs.name, kind: .mismatch,
        reason: "is named by 'inputs' and by 'labels': labels must be another file")
    }
    let raw = try Self.examples(inputs, options.layout)
    let target = try ArrayTarget(labels, as: options.targetKind, beside: raw)
    try self.init(raw, target, labelName: labels.name, name: name, options)
    guard raw.shape != [1] || raw.format.element != .uint8 else {
      throw FileError(
        path: inputs.name, kind: .mismatch,
        reason: "has one byte an example: is it the file of labels? 'inputs' must be the examples")
    }
  }

  /// Joins other arrays, which must be of the shapes and kinds that training had.
  ///
  /// - Parameters:
  ///   - labels: nil where there are none.
  ///   - storage: where examples are.
  /// - Throws: `FileError` that says what training had.
  package init(
    _ inputs: StoredArray, labels: StoredArray?, name: String? = nil,
    as description: DataDescription, storage: ArrayOptions.Storage = .automatic
  ) throws(FileError) {
    let array = try Self.array(of: description, path: inputs.name)
    let raw = try Self.examples(inputs, array.layout)
    try Self.check(raw, against: array)
    let target =
      try labels.map { labels throws(FileError) in
        try ArrayTarget(
          labels, as: array.layout.integersAreValues ? .values : nil, beside: raw)
      } ?? .none
    try self.init(
      raw, target, labelName: labels?.name ?? "", name: name, .of(description, array, storage))
    if let labels {
      try target.check(against: description.target.kind, labels.format.element, name: labels.name)
    }
  }

  /// What training learned of its arrays.
  ///
  /// - Throws: `FileError` where it was trained on something else.
  static func array(
    of description: DataDescription, path: String
  ) throws(FileError) -> ArrayDescription {
    guard case .array(let array) = description.input else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: "is an array, and the run was trained on columns of a table: give it a CSV file")
    }
    return array
  }

  /// Makes sure that inputs are what training had.
  static func check(
    _ raw: any RawExamples, against array: ArrayDescription
  ) throws(FileError) {
    guard raw.shape == array.shape else {
      throw FileError(
        path: raw.name, kind: .mismatch,
        reason: "an example has the shape \(raw.shape), and the run was trained on \(array.shape)"
          + (raw.shape == [1] ? ": is it the file of labels?" : ""))
    }
    guard raw.format.element == array.element else {
      throw FileError(
        path: raw.name, kind: .mismatch,
        reason: "holds \(raw.format.element.name) values, and the run was trained on "
          + "\(array.element.name): they are scaled in another way")
    }
  }

  /// An array as examples: images of one channel where it has three axes.
  static func examples(
    _ inputs: StoredArray, _ layout: ArrayLayout
  ) throws(FileError) -> any RawExamples {
    let shape = inputs.fullShape
    if shape.count == 3 { return inputs.shaped([shape[0], 1] + shape[1...]) }
    return layout.isChannelsLast ? try ChannelsLast(inputs) : inputs
  }

  // MARK: Fitting

  package func strata() throws -> [Int] { target.strata(count) }

  package func describe(_ rows: [Int]?) throws -> DataDescription {
    let rows = rows ?? Array(0..<count)
    guard !rows.isEmpty, raw.valueCount > 0 else { throw DatasetError(name, "has no examples") }
    let normalization: ArrayDescription.Normalization =
      switch options.normalization {
      case .given(let given): given
      case .none: .init(mean: [0], deviation: [1])
      case .fitted: try raw.fitted(rows)
      }
    var array = ArrayDescription(
      shape: raw.shape, element: raw.format.element, normalization: normalization,
      further: options.further)
    array.layout = options.layout
    let kind = target.kind(rows, classCount: options.classCount)
    try checkClasses(rows)
    return DataDescription(input: .array(array), target: TargetDescription(kind: kind))
  }

  /// Makes sure that the training part has an example of each class that has a name.
  private func checkClasses(_ rows: [Int]) throws(FileError) {
    guard case .classes(let classes, let names?) = target else { return }
    let seen = Set(rows.map { classes[$0] })
    guard let absent = (0..<Int32(names.count)).first(where: { !seen.contains($0) }) else { return }
    throw FileError(
      path: name, kind: .mismatch,
      reason: "the training part has no example of the class \(names.name(Int(absent)).quoted)")
  }

  // MARK: Applying

  package func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart {
    guard case .array(let array) = description.input else {
      throw DatasetError(name, "is an array, and the description is one of a table")
    }
    let all = rows ?? Array(0..<count)
    let labels = try target.labels(all, as: description.target.kind, name: labelName)
    let summary = try summary(all, labels)
    let isUnlabelled: Bool = if case .none = target { true } else { false }
    return DataPart(
      try examples(rows, array, labels, summary),
      places: ExamplePlaces(file: name, rows: all.map { $0 + 1 }),
      ids: raw.ids.map { ids in all.map { ids[$0] } },
      isLabelled: isUnlabelled ? [Bool](repeating: false, count: all.count) : nil,
      summary: summary)
  }

  private func examples(
    _ rows: [Int]?, _ array: ArrayDescription, _ labels: Dataset.Labels, _ summary: PartSummary
  ) throws -> any ExampleSource {
    let normalizer = try ArrayNormalizer(raw.format, array, name: name)
    guard let stored = raw as? StoredArray, stored.isInMemory else {
      return try StoredExamples(
        raw, rows: rows, normalizer, array, labels: labels, labelFile: labelFile,
        contents: summary.fingerprint)
    }
    var dataset = try inMemory(stored, rows, normalizer, labels)
    dataset.labelFile = labelFile
    return dataset
  }

  /// The file of the labels where it is another than that of the inputs.
  private var labelFile: String? { [name, raw.name, ""].contains(labelName) ? nil : labelName }

  private func inMemory(
    _ stored: StoredArray, _ rows: [Int]?, _ normalizer: ArrayNormalizer, _ labels: Dataset.Labels
  ) throws -> Dataset {
    if let table = normalizer.table {
      return try Dataset(
        name: name, inputShape: raw.shape, inputs: .bytes(try stored.gathered(rows), table),
        labels: labels)
    }
    let rows = rows ?? Array(0..<count)
    let size = raw.valueCount
    var floats = [Float](repeating: 0, count: rows.count * size)
    try floats.withUnsafeMutableBufferPointer { floats in
      for (place, row) in rows.enumerated() {
        try normalizer.read(
          row, of: raw, into: .init(rebasing: floats[place * size..<(place + 1) * size]))
      }
    }
    return try Dataset(
      name: name, inputShape: raw.shape, inputs: .floats(floats), labels: labels,
      blank: normalizer.blank)
  }

  // MARK: What tells examples from others

  package func summary(as description: DataDescription) throws -> PartSummary? {
    let rows = Array(0..<count)
    return try summary(
      rows, try target.labels(rows, as: description.target.kind, name: labelName))
  }

  private func summary(_ rows: [Int], _ labels: Dataset.Labels) throws -> PartSummary {
    let runs = PartSummary.runs(rows.count)
    let hashes = try runs.map { try raw.fingerprint(rows[$0]) }
    let inputs =
      raw.isLarge
      ? Fingerprint.tree(
        [("outline", raw.outline ?? Fingerprint(of: [count]))] + hashes.map { ("", $0) })
      : try raw.fingerprint(rows[...])
    return PartSummary(
      examples: rows.count,
      columns: [.init("inputs", inputs), .init("labels", labels.fingerprint)],
      blocks: zip(runs, hashes).map { run, hash in
        .tree([("", hash), ("", labels.fingerprint(run))])
      })
  }

  package func fittingNotices(
    _ rows: [Int]?, as description: DataDescription
  ) throws -> [String] {
    let shape = raw.shape
    guard shape.count == 3, !options.layout.isChannelsLast, [1, 3, 4].contains(shape[2]),
      shape[0] > 4, shape[1] > 4
    else { return [] }
    return [
      "\(name): an example has the shape \(shape), which is read as \(shape[0]) channels of \(shape[1]) × "
        + "\(shape[2]); where these are images with their channels last, set 'data.layout' to 'channelsLast'"
    ]
  }

  package func roundingNotices(as description: DataDescription) -> [String] {
    var notices: [String] = []
    if case .array(let array) = description.input,
      [.float64, .int32, .int64, .uint32, .uint64].contains(raw.format.element), raw.shape[0] > 0,
      !raw.isLarge, let stored = raw as? StoredArray, stored.isInMemory,
      let numbers = try? stored.numbers()
    {
      let normalization = array.normalization
      let size = raw.valueCount
      let plane = size / raw.shape[0]
      for channel in 0..<raw.shape[0] {
        let place = channel % normalization.mean.count
        let merged = MergedNumbers(
          count: count * plane, mean: normalization.mean[place],
          deviation: normalization.deviation[place],
          value: { numbers[$0 / plane * size + channel * plane + $0 % plane] })
        guard let merged else { continue }
        notices.append(
          "\(name): channel \(channel + 1) holds \(merged), which are one number in Float32, as inputs are "
            + "kept: rescale it, or subtract an offset")
        break
      }
    }
    if case .values(let values, let width) = target {
      for place in 0..<width {
        let merged = MergedNumbers(count: count, value: { values[$0 * width + place] })
        guard let merged else { continue }
        notices.append(
          "\(labelName): value \(place + 1) of the labels holds \(merged), which are one number in Float32, "
            + "as targets are kept: subtract an offset")
        break
      }
    }
    return notices
  }
}

extension ArrayOptions {
  /// Those of a file that is read through what training learned.
  static func of(
    _ description: DataDescription, _ array: ArrayDescription, _ storage: Storage
  ) -> ArrayOptions {
    var options = ArrayOptions()
    options.further = array.further
    options.classCount = description.target.classes?.count
    options.layout = array.layout
    options.storage = storage
    return options
  }
}
