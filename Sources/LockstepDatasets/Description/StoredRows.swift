import LockstepFiles

/// The examples of a table in a file, as a model gets them; their labels and weights are in memory.
///
/// | part of the file | content |
/// |---|---|
/// | examples | Float32 inputs, then Int32 numbers of vectors, one example behind the other |
/// | labels | Int32, or Float32, one example behind the other |
/// | weights | Float32, where examples have some |
/// | labelled | a byte an example, where some have no label |
/// | what it is | JSON: the numbers of examples and values, the summary, notices, a hash |
/// | end | the length of the JSON, and a mark |
struct StoredRows: LabelledSource, CostlySource {
  /// The version of the format, and of what examples are: a file of another one is made anew.
  static let version = 1
  static let mark = 0x4c53_524f_5753_0001
  /// The most bytes of neighbours that are read at once.
  private static let mostBytes = 1 << 20

  let name: String
  let count: Int
  let inputFields: [ExampleField]
  let labelFields: [ExampleField]
  let fingerprint: Fingerprint
  let labels: Dataset.Labels
  let weights: [Float]?
  /// Whether each example has a label; nil where all have.
  let isLabelled: [Bool]?
  let summary: PartSummary
  let notices: [String]
  private let file: FileInput
  /// The number of inputs.
  private let width: Int
  private let categories: [EmbeddedColumn]

  /// Opens a file of examples.
  ///
  /// - Throws: `FileError` where it is damaged.
  init(_ path: String, name: String, categories: [EmbeddedColumn]) throws {
    let file = try FileInput(path)
    func damaged() -> FileError {
      FileError(
        path: path, kind: .corrupt, reason: "is no file of examples, or damaged: remove it")
    }
    guard file.size >= 16 else { throw damaged() }
    let end = try file.integers(2, at: file.size - 16)
    guard end[1] == Self.mark, end[0] >= 0, end[0] <= file.size - 16 else { throw damaged() }
    let start = file.size - 16 - end[0]
    let json = try JSONValue.parse(try file.bytes(start..<file.size - 16), source: path)
    guard let count = json["examples"]?.integerValue, let width = json["inputs"]?.integerValue,
      let targets = json["targets"]?.integerValue,
      let hasWeights = json["weights"]?.boolValue, let areLabelled = json["labelled"]?.boolValue,
      let summary = json["summary"].flatMap(PartSummary.init),
      let notices = json["notices"]?.texts,
      let fingerprint = json["fingerprint"]?.stringValue.flatMap(Fingerprint.init), count > 0,
      start == count
        * (4 * (width + categories.count + targets + (hasWeights ? 1 : 0)) + (areLabelled ? 0 : 1))
    else { throw damaged() }
    var place = 4 * count * (width + categories.count)
    if let classes = json["classes"]?.integerValue {
      labels = .classes(try file.values(count, at: place, zero: Int32(0)), count: classes)
    } else {
      labels = .targets(
        try file.values(count * targets, at: place, zero: Float(0)), width: targets)
    }
    place += 4 * count * targets
    weights = hasWeights ? try file.values(count, at: place, zero: Float(0)) : nil
    place += hasWeights ? 4 * count : 0
    isLabelled = areLabelled ? nil : try file.bytes(place..<place + count).map { $0 == 1 }
    self.file = file
    self.name = name
    self.count = count
    self.width = width
    self.categories = categories
    self.summary = summary
    self.notices = notices
    self.fingerprint = fingerprint
    inputFields = Dataset.fields(ExampleField(ExampleField.inputName, [width]), categories)
    labelFields = labels.fields(hasWeights: hasWeights)
  }

  // MARK: Loading

  func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Float>
  ) throws {
    try values.withUnsafeMutableBufferPointer { values in
      switch field.name {
      case ExampleField.inputName:
        try read(examples, from: 0, size: 4 * width, into: UnsafeMutableRawBufferPointer(values))
      case ExampleField.weightName:
        for (place, example) in examples.enumerated() { values[place] = weights?[example] ?? 1 }
      default: labels.copyTargets(of: examples, into: values)
      }
    }
  }

  func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
  ) throws {
    try values.withUnsafeMutableBufferPointer { values in
      guard let place = categories.firstIndex(where: { $0.inputName == field.name }) else {
        guard case .classes(let classes, _) = labels else {
          throw DatasetError(name, "has targets for labels, not classes")
        }
        for (place, example) in examples.enumerated() { values[place] = classes[example] }
        return
      }
      try read(
        examples, from: 4 * (width + place), size: 4, into: UnsafeMutableRawBufferPointer(values))
    }
  }

  /// Reads a piece of each example. Of neighbours the whole examples are read at once.
  private func read(
    _ examples: ArraySlice<Int>, from offset: Int, size: Int,
    into bytes: UnsafeMutableRawBufferPointer
  ) throws(FileError) {
    let record = 4 * (width + categories.count)
    let most = max(Self.mostBytes / record, 1)
    var (place, run) = (examples.startIndex, [UInt8]())
    while place < examples.endIndex {
      let first = examples[place]
      var length = 1
      while length < most, place + length < examples.endIndex,
        examples[place + length] == first + length
      { length += 1 }
      let start = (place - examples.startIndex) * size
      let target = UnsafeMutableRawBufferPointer(
        rebasing: bytes[start..<start + length * size])
      if length == 1 || record == size {
        try file.read(into: target, at: first * record + offset)
      } else {
        run = try file.bytes(first * record..<(first + length) * record)
        run.withUnsafeBytes { run in
          for row in 0..<length {
            target[row * size..<(row + 1) * size].copyBytes(
              from: run[row * record + offset..<row * record + offset + size])
          }
        }
      }
      place += length
    }
  }
}
