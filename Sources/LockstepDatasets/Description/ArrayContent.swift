import LockstepFiles

/// What arrays mean, before anything is fitted.
public struct ArrayOptions: Sendable {
  /// How the values become numbers.
  public enum Normalization: Sendable {
    /// By these means and deviations, a value a channel or one for all.
    case given(ArrayDescription.Normalization)
    /// By those of the training part, channel by channel.
    case fitted
    /// They stay what they are; unsigned bytes are divided by 255.
    case none
  }

  /// The number of classes; nil for the largest label plus one.
  public var classCount: Int?
  /// How the values become numbers.
  public var normalization = Normalization.fitted
  /// Normalisations of the results.
  public var further: [ArrayDescription.Normalization] = []

  /// Values normalised by the training part, and as many classes as there are labels.
  public init() {}
}

/// A pair of IDX files: inputs, and labels where there are any.
///
/// Inputs of shape [n, h, w] become [1, h, w]; other shapes stay as they are behind n. Integer labels
/// are classes, floating-point labels targets.
public struct ArrayContent: DataContent {
  public let count: Int
  public var notices: [String] { [] }

  fileprivate enum Values {
    case bytes([UInt8])
    case numbers([Double])
  }

  private enum Target {
    case none
    case classes([Int32])
    case values([Double], width: Int)
  }

  public let name: String
  private let labelName: String
  private let options: ArrayOptions
  private let element: IDXFile.Element
  private let shape: [Int]
  private let size: Int
  private let values: Values
  private let target: Target

  // MARK: Reading

  /// Joins the arrays that a run is to be trained on.
  ///
  /// - Parameter name: what the examples are called; the path of the inputs by default.
  /// - Throws: `FileError`.
  public init(
    _ inputs: IDXFile, labels: IDXFile, name: String? = nil, _ options: ArrayOptions
  ) throws(FileError) {
    try self.init(inputs, labels, name, options)
    guard shape != [1] || element != .uint8, inputs.path != labels.path else {
      throw FileError(
        path: inputs.path, kind: .mismatch,
        reason: "has one byte an example: is it the file of labels? 'inputs' must be the examples")
    }
  }

  /// Joins other arrays, which must be of the shapes and kinds that training had.
  ///
  /// - Parameter labels: nil where there are none.
  /// - Throws: `FileError` that says what training had.
  public init(
    _ inputs: IDXFile, labels: IDXFile?, name: String? = nil, as description: DataDescription
  ) throws(FileError) {
    guard case .array(let array) = description.input else {
      throw FileError(
        path: inputs.path, kind: .mismatch,
        reason: "is an array, and the run was trained on columns of a table: give it a CSV file")
    }
    let shape = Self.exampleShape(inputs)
    guard shape == array.shape else {
      throw FileError(
        path: inputs.path, kind: .mismatch,
        reason: "an example has the shape \(shape), and the run was trained on \(array.shape)"
          + (shape == [1] ? ": is it the file of labels?" : ""))
    }
    guard inputs.element == array.element else {
      throw FileError(
        path: inputs.path, kind: .mismatch,
        reason: "holds \(inputs.element.name) values, and the run was trained on "
          + "\(array.element.name): they are scaled in another way")
    }
    var options = ArrayOptions()
    options.further = array.further
    options.classCount = description.target.classes?.count
    try self.init(inputs, labels, name, options)
    guard let labels else { return }
    switch (target, description.target.kind) {
    case (.classes, .classes), (.none, _): break
    case (.values(_, let width), .values(let wanted)) where width == wanted: break
    case (.values(_, let width), .values(let wanted)):
      throw FileError(
        path: labels.path, kind: .mismatch,
        reason: "has \(width) numbers an example, and the run was trained on \(wanted)")
    case (.values, .classes):
      throw FileError(
        path: labels.path, kind: .mismatch,
        reason:
          "holds \(labels.element.name) numbers, and the run was trained on classes, which are "
          + "integers")
    case (.classes, .values):
      throw FileError(
        path: labels.path, kind: .mismatch,
        reason:
          "holds \(labels.element.name) integers, which are classes, and the run was trained on "
          + "floating-point numbers")
    }
  }

  private init(
    _ inputs: IDXFile, _ labels: IDXFile?, _ name: String?, _ options: ArrayOptions
  ) throws(FileError) {
    self.name = name ?? inputs.path
    labelName = labels?.path ?? ""
    self.options = options
    element = inputs.element
    count = inputs.shape[0]
    shape = Self.exampleShape(inputs)
    size = shape.reduce(1, *)
    values =
      inputs.element == .uint8 ? .bytes(Array(inputs.bytes)) : .numbers(try inputs.numbers())
    target =
      try labels.map { labels throws(FileError) in
        try Self.target(labels, beside: inputs)
      } ?? .none
  }

  private static func exampleShape(_ inputs: IDXFile) -> [Int] {
    switch inputs.shape.count {
    case 1: [1]
    case 3: [1] + inputs.shape[1...]
    default: Array(inputs.shape[1...])
    }
  }

  private static func target(
    _ labels: IDXFile, beside inputs: IDXFile
  ) throws(FileError) -> Target {
    guard labels.shape.count == 1 || labels.integers == nil && labels.shape.count == 2 else {
      throw FileError(
        path: labels.path, kind: .mismatch,
        reason: "expected labels of one dimension, found the shape \(labels.shape)")
    }
    guard inputs.shape[0] == labels.shape[0] else {
      throw FileError(
        path: labels.path, kind: .mismatch,
        reason:
          "expected \(inputs.shape[0]) labels, as many as there are inputs in \(inputs.path); "
          + "found \(labels.shape[0])")
    }
    if let classes = labels.integers { return .classes(classes) }
    guard labels.shape.count == 1 || labels.shape[1] > 0 else {
      throw FileError(
        path: labels.path, kind: .mismatch,
        reason: "expected at least one number an example, found the shape \(labels.shape)")
    }
    return .values(
      try labels.numbers(), width: labels.shape.count == 1 ? 1 : labels.shape[1])
  }

  // MARK: Fitting

  public func strata() throws -> [Int] {
    switch target {
    case .none: [Int](repeating: 0, count: count)
    case .classes(let classes): classes.map(Int.init)
    case .values(let values, let width):
      Dataset.strata(stride(from: 0, to: values.count, by: width).map { Double(Float(values[$0])) })
    }
  }

  public func describe(_ rows: [Int]?) throws -> DataDescription {
    let rows = rows ?? Array(0..<count)
    guard !rows.isEmpty, size > 0 else { throw DatasetError(name, "has no examples") }
    let kind: TargetDescription.Kind =
      switch target {
      case .none: .values(width: 1)
      case .values(_, let width): .values(width: width)
      case .classes(let classes):
        .classes(
          ClassNames(
            count: options.classCount ?? (rows.map { Int(classes[$0]) + 1 }.max() ?? 0)))
      }
    let normalization: ArrayDescription.Normalization =
      switch options.normalization {
      case .given(let given): given
      case .none: .init(mean: [0], deviation: [1])
      case .fitted: fitted(rows)
      }
    return DataDescription(
      input: .array(
        ArrayDescription(
          shape: shape, element: element, normalization: normalization, further: options.further)),
      target: TargetDescription(kind: kind))
  }

  /// The mean and the deviation of each channel, over the pixels of some examples.
  private func fitted(_ rows: [Int]) -> ArrayDescription.Normalization {
    let channels = shape[0]
    let plane = size / channels
    switch values {
    case .bytes(let bytes):
      // Counts of the 256 values give exact sums.
      var counts = [Int](repeating: 0, count: channels * 256)
      for row in rows {
        for place in 0..<size {
          counts[place / plane * 256 + Int(bytes[row * size + place])] += 1
        }
      }
      let n = Double(rows.count * plane)
      let pairs = (0..<channels).map { channel -> (Double, Double) in
        let histogram = counts[channel * 256..<(channel + 1) * 256].map(Double.init)
        let mean = histogram.enumerated().reduce(0) { $0 + $1.element * Double($1.offset) } / n
        let variance =
          histogram.enumerated().reduce(0) { sum, bin in
            let difference = Double(bin.offset) - mean
            return sum + bin.element * difference * difference
          } / n
        return (
          mean / 255,
          histogram.count { $0 > 0 } == 1 ? 1 : variance.squareRoot() / 255
        )
      }
      return .init(mean: pairs.map(\.0), deviation: pairs.map(\.1))
    case .numbers(let numbers):
      // A pixel is a row of as many values as there are channels.
      let pixels = Standardizer(
        fitting: rows.flatMap { row in (row * plane)..<((row + 1) * plane) }, width: channels
      ) { place in
        let (pixel, channel) = (place / channels, place % channels)
        return numbers[pixel / plane * size + channel * plane + pixel % plane]
      }
      return .init(mean: pixels.mean, deviation: pixels.deviation)
    }
  }

  // MARK: Applying

  public func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart {
    guard case .array(let array) = description.input else {
      throw DatasetError(name, "is an array, and the description is one of a table")
    }
    let labels = try labels(rows ?? Array(0..<count), description.target)
    var dataset = try Dataset(
      name: name, inputShape: shape, inputs: try inputs(rows, array),
      labels: labels, blank: values.areBytes ? [0] : array.normalization.blank)
    for normalization in array.further {
      dataset = try dataset.normalized(
        mean: normalization.mean.map { Float($0) },
        deviation: normalization.deviation.map { Float($0) })
    }
    let rows = rows ?? Array(0..<count)
    let isUnlabelled: Bool = if case .none = target { true } else { false }
    return DataPart(
      dataset, places: ExamplePlaces(file: name, rows: rows.map { $0 + 1 }),
      isLabelled: isUnlabelled ? [Bool](repeating: false, count: rows.count) : nil,
      summary: summary(rows, labels))
  }

  private func inputs(_ rows: [Int]?, _ array: ArrayDescription) throws -> Dataset.Inputs {
    let normalization = array.normalization
    switch values {
    case .bytes(let bytes):
      return .bytes(
        rows.map { Self.rows($0, of: bytes, size) } ?? bytes,
        try ByteNormalization(
          mean: normalization.mean.map { Float($0) },
          deviation: normalization.deviation.map { Float($0) }))
    case .numbers(let numbers):
      let channels = normalization.mean.count
      guard channels == normalization.deviation.count, channels == 1 || channels == shape[0] else {
        throw DatasetError(
          name, "the normalization has \(channels) channels, the inputs have the shape \(shape)")
      }
      let plane = size / channels
      let chosen = rows.map { Self.rows($0, of: numbers, size) } ?? numbers
      var floats: [Float] = []
      floats.reserveCapacity(chosen.count)
      for (place, number) in chosen.enumerated() {
        let channel = place / plane % channels
        let value = Float(
          (number - normalization.mean[channel]) / normalization.deviation[channel])
        guard value.isFinite else {
          throw FileError(
            path: name, kind: .corrupt,
            reason: "example \((rows?[place / size] ?? place / size) + 1), value "
              + "\(place % size + 1): \(number) is out of the range of Float32 when it is normalised"
          )
        }
        floats.append(value)
      }
      return .floats(floats)
    }
  }

  private static func rows<Value>(_ rows: [Int], of values: [Value], _ size: Int) -> [Value] {
    var result: [Value] = []
    result.reserveCapacity(rows.count * size)
    for row in rows { result += values[row * size..<(row + 1) * size] }
    return result
  }

  private func labels(
    _ rows: [Int], _ description: TargetDescription
  ) throws(FileError) -> Dataset.Labels {
    switch (target, description.kind) {
    case (.classes(let classes), .classes(let names)):
      for row in rows {
        guard let problem = names.problem(with: Int(classes[row])) else { continue }
        throw FileError(path: labelName, kind: .mismatch, reason: "example \(row + 1): \(problem)")
      }
      return .classes(rows.map { classes[$0] }, count: names.count)
    case (.values(let values, let width), .values):
      return .targets(Self.rows(rows, of: values, width).map { Float($0) }, width: width)
    default: return .unknown(description.kind, count: rows.count)
    }
  }

  public func summary(as description: DataDescription) throws -> PartSummary? {
    let rows = Array(0..<count)
    return summary(rows, try labels(rows, description.target))
  }

  public func roundingNotices(as description: DataDescription) -> [String] {
    var notices: [String] = []
    if case .numbers(let numbers) = values, case .array(let array) = description.input,
      element == .float64 || element == .int32, shape[0] > 0
    {
      let normalization = array.normalization
      let plane = size / shape[0]
      for channel in 0..<shape[0] {
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

  private func summary(_ rows: [Int], _ labels: Dataset.Labels) -> PartSummary {
    func fingerprint(_ rows: ArraySlice<Int>) -> Fingerprint {
      var stream = FingerprintStream()
      for row in rows {
        switch values {
        case .bytes(let bytes):
          bytes[row * size..<(row + 1) * size].withUnsafeBytes { stream.update($0) }
        case .numbers(let numbers):
          numbers[row * size..<(row + 1) * size].withUnsafeBytes { stream.update($0) }
        }
      }
      return stream.fingerprint
    }
    return PartSummary(
      examples: rows.count,
      columns: [.init("inputs", fingerprint(rows[...])), .init("labels", labels.fingerprint)]
    ) { run in
      .tree([("", fingerprint(rows[run])), ("", labels.fingerprint(run))])
    }
  }
}

extension ArrayContent.Values {
  fileprivate var areBytes: Bool { if case .bytes = self { true } else { false } }
}

extension ArrayDescription.Normalization {
  /// What a zero becomes, a value a channel.
  fileprivate var blank: [Float] { zip(mean, deviation).map { Float((0 - $0) / $1) } }
}
