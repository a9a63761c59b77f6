import LockstepFiles

/// Examples in memory: inputs of one shape, and a label each.
public struct Dataset: Sendable {
  /// The inputs of all examples, one after another, each in row-major order.
  public enum Inputs: Sendable {
    /// Grey values, normalised when they are copied: a quarter of the memory.
    case bytes([UInt8], ByteNormalization)
    /// Float32 values.
    case floats([Float])
  }

  /// The labels of all examples.
  public enum Labels: Sendable {
    /// A class in `0..<count` for each example.
    case classes([Int32], count: Int)
    /// `width` Float32 values for each example.
    case targets([Float], width: Int)
  }

  /// The name, for messages: `mnist-5k`, a file's path.
  public let name: String
  /// The file of the labels where they have one of their own, for messages.
  package internal(set) var labelFile: String?
  /// The number of examples.
  public let count: Int
  /// The shape of one example's input, `[channels, height, width]` for images.
  public let inputShape: [Int]
  /// The inputs.
  package let inputs: Inputs
  /// The labels; the first ones of several heads.
  package internal(set) var labels: Labels
  /// The labels of the other heads of a model that has several, in order.
  package let further: [FurtherLabels]
  /// What each example weighs in the loss; nil where all weigh the same.
  package let weights: [Float]?
  /// The categories that a model turns into vectors, each an input of its own.
  package let categories: [Category]

  /// A category of all examples, by the numbers of its vectors.
  package struct Category: Sendable {
    /// The column in the table.
    package let column: EmbeddedColumn
    /// The number of each example's vector, in `0..<column.count`.
    package let codes: [Int32]

    package init(column: EmbeddedColumn, codes: [Int32]) {
      self.column = column
      self.codes = codes
    }
  }

  /// The number of values of one input.
  package let inputSize: Int

  /// What black is in an image, a value a channel or one for all: what comes in at its borders when it
  /// is moved. Of bytes it is the normalised 0.
  package let blank: [Float]

  /// - Parameter blank: what black is where inputs are Float32 values.
  /// - Throws: `DatasetError` where counts do not fit each other, there is no example, or a class is
  ///   out of range.
  public init(
    name: String, inputShape: [Int], inputs: Inputs, labels: Labels, blank: [Float] = [0]
  ) throws(DatasetError) {
    try self.init(
      name: name, inputShape: inputShape, inputs: inputs, labels: labels, blank: blank,
      weights: nil)
  }

  /// As the public initialiser, with what each example weighs in the loss, not negative, with categories, and
  /// with the labels of other heads. Beside categories the shape may be [0]: then there are no other inputs.
  package init(
    name: String, inputShape: [Int], inputs: Inputs, labels: Labels, blank: [Float] = [0],
    weights: [Float]?, categories: [Category] = [], further: [FurtherLabels] = []
  ) throws(DatasetError) {
    let isEmpty = inputShape == [0] && !categories.isEmpty
    let size = isEmpty ? 0 : try Self.size(of: inputShape, name)
    let inputCount: Int
    switch inputs {
    case .bytes(let values, let normalization):
      inputCount = values.count
      let channels = normalization.mean.count
      guard channels == 1 || channels == inputShape.first else {
        throw DatasetError(
          name,
          "the normalization has \(channels) channels, the inputs have the shape \(inputShape)")
      }
      self.blank = (0..<channels).map { normalization.table[$0 * 256] }
    case .floats(let values):
      inputCount = values.count
      guard blank.count == 1 || blank.count == inputShape.first else {
        throw DatasetError(
          name, "black has \(blank.count) channels, the inputs have the shape \(inputShape)")
      }
      self.blank = blank
    }
    let labelCount = try Self.checkedCount(labels, name)
    for other in further where try Self.checkedCount(other.labels, name) != labelCount {
      throw DatasetError(name, "has other numbers of labels for its heads")
    }
    guard inputCount == size * labelCount else {
      throw DatasetError(
        name, "has \(inputCount) input values for \(labelCount) labels; expected \(size) a label")
    }
    guard labelCount > 0 else { throw DatasetError(name, "has no examples") }
    try Self.check(weights, name, count: labelCount)
    self.weights = weights
    self.categories = categories
    self.further = further
    self.name = name
    self.count = labelCount
    self.inputShape = inputShape
    self.inputs = inputs
    self.labels = labels
    self.inputSize = size
  }

  /// The number of values of a shape.
  private static func size(of shape: [Int], _ name: String) throws(DatasetError) -> Int {
    var size = 1
    for dimension in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
      guard dimension > 0, !overflow else {
        throw DatasetError(name, "the input shape \(shape) is not one of positive sizes")
      }
      size = product
    }
    return size
  }

  private static func check(
    _ weights: [Float]?, _ name: String, count: Int
  ) throws(DatasetError) {
    guard let weights else { return }
    guard weights.count == count, weights.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      throw DatasetError(name, "expected \(count) weights of examples, finite and none negative")
    }
  }

  /// The number of classes; nil where labels are targets.
  public var classCount: Int? {
    if case .classes(_, let count) = labels { count } else { nil }
  }

  /// The number of target values of an example; nil where labels are classes.
  package var targetWidth: Int? {
    if case .targets(_, let width) = labels { width } else { nil }
  }

  // MARK: - Copying a batch

  /// Copies the inputs of examples, in the order given, each ``inputSize`` values.
  ///
  /// - Parameters:
  ///   - indices: examples, `0..<count`.
  ///   - output: `indices.count · inputSize` values or more; what is beyond stays as it is.
  /// - Throws: ``DatasetError`` where there is no such example, or the buffer is too small.
  package func copyInputs(
    of indices: ArraySlice<Int>, into output: UnsafeMutableBufferPointer<Float>
  ) throws(DatasetError) {
    try check(indices, output.count, width: inputSize, "inputs")
    guard var target = output.baseAddress else { return }
    switch inputs {
    case .floats(let values):
      values.withUnsafeBufferPointer { values in
        for index in indices {
          target.update(from: values.baseAddress! + index * inputSize, count: inputSize)
          target += inputSize
        }
      }
    case .bytes(let values, let normalization):
      let channels = normalization.mean.count
      let channelSize = inputSize / channels
      values.withUnsafeBufferPointer { values in
        normalization.table.withUnsafeBufferPointer { tables in
          for index in indices {
            var source = values.baseAddress! + index * inputSize
            for channel in 0..<channels {
              let table = tables.baseAddress! + channel * 256
              for position in 0..<channelSize { target[position] = table[Int(source[position])] }
              target += channelSize
              source += channelSize
            }
          }
        }
      }
    }
  }

  /// Copies the classes of examples, in the order given. Labels must be classes.
  ///
  /// - Throws: ``DatasetError`` where they are not, there is no such example, or the buffer is too small.
  package func copyClasses(
    of indices: ArraySlice<Int>, into output: UnsafeMutableBufferPointer<Int32>
  ) throws(DatasetError) {
    try copyClasses(labels, of: indices, into: output)
  }

  func copyClasses(
    _ labels: Labels, of indices: ArraySlice<Int>,
    into output: UnsafeMutableBufferPointer<Int32>
  ) throws(DatasetError) {
    guard case .classes(let classes, _) = labels else {
      throw DatasetError(name, "has targets for labels, not classes")
    }
    try check(indices, output.count, width: 1, "classes")
    for (position, index) in indices.enumerated() { output[position] = classes[index] }
  }

  /// Copies the targets of examples, in the order given, `targetWidth` values each. Labels must be
  /// targets.
  ///
  /// - Throws: ``DatasetError`` where they are not, there is no such example, or the buffer is too small.
  package func copyTargets(
    of indices: ArraySlice<Int>, into output: UnsafeMutableBufferPointer<Float>
  ) throws(DatasetError) {
    try copyTargets(labels, of: indices, into: output)
  }

  func copyTargets(
    _ labels: Labels, of indices: ArraySlice<Int>,
    into output: UnsafeMutableBufferPointer<Float>
  ) throws(DatasetError) {
    guard case .targets(let values, let width) = labels else {
      throw DatasetError(name, "has classes for labels, not targets")
    }
    try check(indices, output.count, width: width, "targets")
    for (position, index) in indices.enumerated() {
      for column in 0..<width { output[position * width + column] = values[index * width + column] }
    }
  }

  /// The inputs of examples, in the order given, each `inputSize` values: as a model gets them.
  ///
  /// - Throws: ``DatasetError`` where there is no such example.
  public func inputValues(of examples: [Int]) throws(DatasetError) -> [Float] {
    try copied(examples, width: inputSize, 0) { values throws(DatasetError) in
      try copyInputs(of: examples[...], into: values)
    }
  }

  /// The classes of examples, in the order given.
  ///
  /// - Throws: ``DatasetError`` where labels are targets, or there is no such example.
  public func classes(of examples: [Int]) throws(DatasetError) -> [Int32] {
    try copied(examples, width: 1, 0) { values throws(DatasetError) in
      try copyClasses(of: examples[...], into: values)
    }
  }

  /// The targets of examples, in the order given, `targetWidth` values each.
  ///
  /// - Throws: ``DatasetError`` where labels are classes, or there is no such example.
  public func targets(of examples: [Int]) throws(DatasetError) -> [Float] {
    try copied(examples, width: targetWidth ?? 1, 0) { values throws(DatasetError) in
      try copyTargets(of: examples[...], into: values)
    }
  }

  private func copied<Value>(
    _ examples: [Int], width: Int, _ zero: Value,
    _ copy: (UnsafeMutableBufferPointer<Value>) throws(DatasetError) -> Void
  ) throws(DatasetError) -> [Value] {
    var values = [Value](repeating: zero, count: examples.count * width)
    var failure: DatasetError?
    values.withUnsafeMutableBufferPointer { values in
      do throws(DatasetError) { try copy(values) } catch { failure = error }
    }
    if let failure { throw failure }
    return values
  }

  private func check(
    _ indices: ArraySlice<Int>, _ room: Int, width: Int, _ what: String
  ) throws(DatasetError) {
    guard room >= indices.count * width else {
      throw DatasetError(
        name, "a buffer of \(room) values does not hold the \(what) of \(indices.count) examples")
    }
    for index in indices where index < 0 || index >= count {
      throw DatasetError(name, "has no example \(index); there are \(count)")
    }
  }

  // MARK: - Parts

  /// The data set of some examples, in the order given.
  public func subset(_ indices: [Int]) throws(DatasetError) -> Dataset {
    if let index = indices.first(where: { $0 < 0 || $0 >= count }) {
      throw DatasetError(name, "has no example \(index); there are \(count)")
    }
    func rows<Value>(_ values: [Value], _ width: Int) -> [Value] {
      var result: [Value] = []
      result.reserveCapacity(indices.count * width)
      for index in indices { result += values[(index * width)..<((index + 1) * width)] }
      return result
    }
    let inputs: Inputs =
      switch self.inputs {
      case .bytes(let values, let normalization): .bytes(rows(values, inputSize), normalization)
      case .floats(let values): .floats(rows(values, inputSize))
      }
    func rows(_ labels: Labels) -> Labels {
      switch labels {
      case .classes(let classes, let count): .classes(rows(classes, 1), count: count)
      case .targets(let values, let width): .targets(rows(values, width), width: width)
      }
    }
    var result = try Dataset(
      name: name, inputShape: inputShape, inputs: inputs, labels: rows(labels), blank: blank,
      weights: weights.map { rows($0, 1) },
      categories: categories.map { Category(column: $0.column, codes: rows($0.codes, 1)) },
      further: further.map { FurtherLabels(field: $0.field, labels: rows($0.labels)) })
    result.labelFile = labelFile
    return result
  }

  /// The stratum of each example, for stratified splits: its class, or its first target value's bin.
  package var strata: [Int] {
    switch labels {
    case .classes(let classes, _): classes.map(Int.init)
    case .targets(let values, let width):
      Self.strata(stride(from: 0, to: values.count, by: width).map { Double(values[$0]) })
    }
  }

  /// The strata of target values, numbered in ascending order.
  ///
  /// Few distinct values are a stratum each: two, or at most a fifth of the number of examples. Of
  /// more, each value would be a stratum of hardly more than one, and a split by strata would be by
  /// size and not by chance. They are cut into bins of a tenth of the examples, at least five; equal
  /// values share a bin.
  static func strata(_ values: [Double]) -> [Int] {
    let sorted = values.sorted()
    let distinct = sorted.indices.count { $0 == 0 || sorted[$0] != sorted[$0 - 1] }
    let isFew = distinct <= 2 || 5 * distinct <= values.count
    let least = isFew ? 1 : max(5, (values.count + 9) / 10)
    // The smallest value of each stratum.
    var bounds: [Double] = []
    var start = 0
    for place in sorted.indices where place == 0 || sorted[place] != sorted[place - 1] {
      // A bin ends when it is full, unless what is left would not fill another one.
      if bounds.isEmpty || place - start >= least && values.count - place >= least {
        bounds.append(sorted[place])
        start = place
      }
    }
    return values.map { value in
      var (low, high) = (0, bounds.count)
      while low < high {
        let middle = (low + high) / 2
        if bounds[middle] <= value { low = middle + 1 } else { high = middle }
      }
      return max(low - 1, 0)
    }
  }

  /// A hash of everything that training sees: shape, inputs, normalisation and labels. Ranks compare
  /// it, so that no two train on different data.
  public var fingerprint: Fingerprint {
    let own: [(name: String, fingerprint: Fingerprint)] =
      switch inputs {
      case .bytes(let values, let normalization):
        [
          ("bytes", Fingerprint(of: values)),
          ("normalization", Fingerprint(of: normalization.table)),
        ]
      case .floats(let values):
        [("floats", Fingerprint(of: values)), ("black", Fingerprint(of: blank))]
      }
    return Self.fingerprint(
      inputShape: inputShape, own, [labels] + further.map(\.labels), weights,
      categories: categories.map { ($0.column.inputName, Fingerprint(of: $0.codes)) })
  }

  /// The hash of examples whose inputs and categories have these hashes.
  static func fingerprint(
    inputShape: [Int], _ inputs: [(name: String, fingerprint: Fingerprint)], _ labels: [Labels],
    _ weights: [Float]?, categories: [(name: String, fingerprint: Fingerprint)]
  ) -> Fingerprint {
    var parts = [("shape", Fingerprint(of: inputShape))] + inputs
    for labels in labels {
      switch labels {
      case .classes(let classes, let count):
        parts.append(("classes", Fingerprint(of: classes)))
        parts.append(("class count", Fingerprint(of: [count])))
      case .targets(let values, let width):
        parts.append(("targets", Fingerprint(of: values)))
        parts.append(("target width", Fingerprint(of: [width])))
      }
    }
    if let weights { parts.append(("weights", Fingerprint(of: weights))) }
    return Fingerprint.tree(parts + categories)
  }
}
