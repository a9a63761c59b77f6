import LockstepFiles

/// Examples with labels that are in memory: classes or target values.
package protocol LabelledSource: ExampleSource {
  /// The labels of all examples.
  var labels: Dataset.Labels { get }
  /// What each example weighs in the loss; nil where all weigh the same.
  var weights: [Float]? { get }
  /// The file of the labels where they have one of their own, for messages.
  var labelFile: String? { get }
}

extension LabelledSource {
  /// All weigh the same.
  package var weights: [Float]? { nil }
  /// They have none of their own.
  package var labelFile: String? { nil }
}

/// A source whose values cost more than a copy: they are read from files, or decoded.
package protocol CostlySource: ExampleSource {}

extension Dataset: LabelledSource {}

/// Examples whose inputs are read from files where they are asked for; their labels are in memory.
package struct StoredExamples: LabelledSource, CostlySource {
  package let name: String
  package let labelFile: String?
  package let labels: Dataset.Labels
  package let fingerprint: Fingerprint
  package let count: Int
  package let inputFields: [ExampleField]
  package let labelFields: [ExampleField]
  private let raw: any RawExamples
  /// Which examples of the files these are; nil for all.
  private let rows: [Int]?
  private let normalizer: ArrayNormalizer

  /// - Parameters:
  ///   - contents: a hash of the inputs and the labels.
  /// - Throws: ``DatasetError`` where there are no examples.
  init(
    _ raw: any RawExamples, rows: [Int]?, _ normalizer: ArrayNormalizer, _ array: ArrayDescription,
    labels: Dataset.Labels, labelFile: String?, contents: Fingerprint
  ) throws(DatasetError) {
    count = rows?.count ?? raw.count
    guard count > 0 else { throw DatasetError(raw.name, "has no examples") }
    name = raw.name
    self.raw = raw
    self.rows = rows
    self.normalizer = normalizer
    self.labels = labels
    self.labelFile = labelFile
    inputFields = [
      ExampleField(
        ExampleField.inputName, array.shape, blank: normalizer.blank, white: normalizer.white)
    ]
    labelFields = [labels.field(ExampleField.labelName)]
    let all = [array.normalization] + array.further
    fingerprint = .tree(
      [
        ("contents", contents), ("shape", Fingerprint(of: array.shape)),
        ("normalization", Fingerprint(of: all.flatMap { $0.mean + $0.deviation })),
      ] + (rows.map { [("rows", Fingerprint(of: $0))] } ?? []))
  }

  package func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Float>
  ) throws {
    try values.withUnsafeMutableBufferPointer { values in
      guard field.name == ExampleField.inputName else {
        return labels.copyTargets(of: examples, into: values)
      }
      let size = raw.valueCount
      for (place, example) in examples.enumerated() {
        try normalizer.read(
          rows?[example] ?? example, of: raw,
          into: UnsafeMutableBufferPointer(rebasing: values[place * size..<(place + 1) * size]))
      }
    }
  }

  package func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
  ) throws {
    guard case .classes(let classes, _) = labels else {
      throw DatasetError(name, "has targets for labels, not classes")
    }
    var place = 0
    for example in examples {
      values[place] = classes[example]
      place += 1
    }
  }
}

extension Dataset.Labels {
  func copyTargets(
    of examples: ArraySlice<Int>, into output: UnsafeMutableBufferPointer<Float>
  ) {
    guard case .targets(let values, let width) = self else { return }
    for (position, index) in examples.enumerated() {
      for column in 0..<width { output[position * width + column] = values[index * width + column] }
    }
  }
}
