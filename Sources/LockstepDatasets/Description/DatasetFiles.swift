import LockstepFiles

extension Dataset {
  /// Reads a CSV file: one column is the target, all others are features, in the header's order and
  /// as they are. ``DataDescription`` reads a second file like the first one, and standardises.
  ///
  /// - Parameters:
  ///   - ignoring: columns that are neither.
  package static func csv(
    _ path: String, target: String, as kind: TargetKind = .classes, ignoring: [String] = [],
    missing: MissingValues = .refuse, delimiter: Unicode.Scalar = ","
  ) throws -> Dataset {
    try table(
      try CSVTable.read(path, CSVDialect(delimiter: delimiter)), name: path, target: target,
      as: kind,
      ignoring: ignoring, missing: missing)
  }

  /// Makes a data set of a table, its features as they are.
  package static func table(
    _ table: CSVTable, name: String, target: String, as kind: TargetKind = .classes,
    ignoring: [String] = [], missing: MissingValues = .refuse
  ) throws -> Dataset {
    var options = TableOptions(target: target)
    options.kind = kind
    options.ignoring = ignoring
    options.missing = missing
    options.standardize = false
    let content = try TableContent(table, name: name, options)
    return try content.part(as: content.describe()).dataset
  }

  /// Reads a pair of IDX files: inputs and labels.
  ///
  /// Inputs of shape [n, h, w] become [1, h, w]; other shapes stay as they are behind n. Integer
  /// labels are classes, floating-point labels targets.
  ///
  /// - Parameters:
  ///   - classCount: the number of classes; by default the largest label plus one.
  ///   - normalization: (x − mean) / deviation, of unsigned bytes after they were divided by 255.
  package static func idx(
    inputs inputPath: String, labels labelPath: String, classCount: Int? = nil,
    normalization: ByteNormalization = .unit
  ) throws -> Dataset {
    try idx(
      name: inputPath, inputs: try IDXFile.read(inputPath), labels: try IDXFile.read(labelPath),
      classCount: classCount, normalization: normalization)
  }

  /// Joins two IDX arrays: inputs and labels.
  package static func idx(
    name: String, inputs: IDXFile, labels: IDXFile, classCount: Int? = nil,
    normalization: ByteNormalization = .unit
  ) throws -> Dataset {
    var options = ArrayOptions()
    options.classCount = classCount
    options.normalization = .given(
      .init(
        mean: normalization.mean.map { Double($0) },
        deviation: normalization.deviation.map { Double($0) }))
    let content = try ArrayContent(inputs, labels: labels, name: name, options)
    return try content.part(as: content.describe()).dataset
  }
}
