import LockstepFiles

/// How the stored values of an example become the Float32 numbers that a model is given.
///
/// Unsigned bytes go through a table, (v / 255 − mean) / deviation in Float32. Other numbers are
/// subtracted and divided in Float64, and rounded once.
struct ArrayNormalizer: Sendable {
  private enum Rule: Sendable {
    case bytes(ByteNormalization)
    case numbers(ArrayDescription.Normalization)
  }

  private let format: ArrayFormat
  private let shape: [Int]
  private let rule: Rule
  /// Normalisations of Float32 results; those of bytes are in the table.
  private let further: [(mean: [Float], deviation: [Float])]
  /// The table of unsigned bytes; nil of other numbers.
  var table: ByteNormalization? { if case .bytes(let table) = rule { table } else { nil } }

  /// What 0 becomes, a value a channel or one for all.
  let blank: [Float]
  /// What 255 becomes; nil where values are no bytes.
  let white: [Float]?

  /// - Throws: ``DatasetError`` where means and deviations are not one for all or one a channel.
  init(
    _ format: ArrayFormat, _ array: ArrayDescription, name: String
  ) throws(DatasetError) {
    self.format = format
    shape = array.shape
    for normalization in [array.normalization] + array.further {
      let channels = normalization.mean.count
      guard channels == normalization.deviation.count, channels == 1 || channels == array.shape[0]
      else {
        throw DatasetError(
          name,
          "the normalization has \(channels) channels, the inputs have the shape \(array.shape)")
      }
    }
    let further = array.further.map {
      (mean: $0.mean.map { Float($0) }, deviation: $0.deviation.map { Float($0) })
    }
    if format.element == .uint8 {
      var table = try ByteNormalization(
        mean: array.normalization.mean.map { Float($0) },
        deviation: array.normalization.deviation.map { Float($0) })
      for next in further {
        table = table.followed(
          by: try ByteNormalization(mean: next.mean, deviation: next.deviation))
      }
      rule = .bytes(table)
      self.further = []
      blank = (0..<table.mean.count).map { table.table[$0 * 256] }
      white = (0..<table.mean.count).map { table.table[$0 * 256 + 255] }
      return
    }
    rule = .numbers(array.normalization)
    self.further = further
    white = nil
    var black = zip(array.normalization.mean, array.normalization.deviation).map {
      Float((0 - $0) / $1)
    }
    for next in further {
      black = (0..<max(black.count, next.mean.count)).map { channel in
        let place = next.mean.count == 1 ? 0 : channel
        return (black[black.count == 1 ? 0 : channel] - next.mean[place]) / next.deviation[place]
      }
    }
    blank = black
  }

  /// Reads an example and writes its numbers.
  ///
  /// - Throws: `FileError` that names the file, and the example and the value that is no number of
  ///   Float32.
  func read(
    _ example: Int, of raw: any RawExamples, into values: UnsafeMutableBufferPointer<Float>
  ) throws(FileError) {
    let size = values.count * format.element.size
    let all = UnsafeMutableRawBufferPointer(values)
    guard size <= all.count else {
      let failure = withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) {
        bytes -> FileError? in
        do throws(FileError) { try read(example, of: raw, by: bytes, into: all) } catch {
          return error
        }
        return nil
      }
      if let failure { throw failure }
      return
    }
    // Where numbers are no longer than Float32, their bytes have room at the end of the values: the number
    // at a place is read before anything is written there.
    try read(
      example, of: raw, by: UnsafeMutableRawBufferPointer(rebasing: all[(all.count - size)...]),
      into: all)
  }

  private func read(
    _ example: Int, of raw: any RawExamples, by bytes: UnsafeMutableRawBufferPointer,
    into values: UnsafeMutableRawBufferPointer
  ) throws(FileError) {
    try raw.read(example, into: bytes)
    let source = UnsafeRawBufferPointer(bytes)
    switch rule {
    case .bytes(let table): write(source, table, values)
    case .numbers(let normalization):
      guard let fault = write(source, normalization, values) else { break }
      throw FileError(
        path: raw.name, kind: .corrupt,
        reason:
          "example \(example + 1), value \(fault.place + 1): \(fault.number) is out of the range of "
          + "Float32 when it is normalised")
    }
  }

  private func write(
    _ source: UnsafeRawBufferPointer, _ normalization: ByteNormalization,
    _ values: UnsafeMutableRawBufferPointer
  ) {
    let channels = normalization.mean.count
    let plane = source.count / channels
    normalization.table.withUnsafeBufferPointer { tables in
      for channel in 0..<channels {
        let table = tables.baseAddress! + channel * 256
        for place in channel * plane..<(channel + 1) * plane {
          values.storeBytes(
            of: table[Int(source[place])], toByteOffset: place * 4, as: Float.self)
        }
      }
    }
  }

  private func write(
    _ source: UnsafeRawBufferPointer, _ normalization: ArrayDescription.Normalization,
    _ values: UnsafeMutableRawBufferPointer
  ) -> (place: Int, number: Double)? {
    let count = values.count / 4
    let channels = shape[0]
    let plane = count / channels
    var fault: (place: Int, number: Double)?
    for channel in 0..<channels {
      let place = normalization.mean.count == 1 ? 0 : channel
      let (mean, deviation) = (normalization.mean[place], normalization.deviation[place])
      let chain = further.map { next in
        let place = next.mean.count == 1 ? 0 : channel
        return (next.mean[place], next.deviation[place])
      }
      format.forEach(source, channel * plane..<(channel + 1) * plane) { place, number in
        var value = Float((number - mean) / deviation)
        if !value.isFinite, fault == nil { fault = (place, number) }
        for (mean, deviation) in chain { value = (value - mean) / deviation }
        values.storeBytes(of: value, toByteOffset: place * 4, as: Float.self)
      }
    }
    return fault
  }
}
