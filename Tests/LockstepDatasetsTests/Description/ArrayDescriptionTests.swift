import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

/// What training learns about arrays is what later files must be.
@Suite struct ArrayDescriptionTests {
  private func idx(_ type: UInt8, _ shape: [Int], _ data: [UInt8], _ path: String = "f") throws
    -> IDXFile
  {
    try IDXFile.parse(
      [0, 0, type, UInt8(shape.count)]
        + shape.flatMap { size in (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) } }
        + data, path: path)
  }

  private func doubles(_ values: [Double]) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.bitPattern.bigEndian) { Array($0) } }
  }

  private func inputs(_ part: DataPart) throws -> [Float] {
    let dataset = try part.dataset
    var values = [Float](repeating: 0, count: dataset.count * dataset.inputSize)
    try values.withUnsafeMutableBufferPointer {
      try dataset.copyInputs(of: Array(0..<dataset.count)[...], into: $0)
    }
    return values
  }

  @Test("bytes are normalised by the training part's mean and deviation, channel by channel")
  func bytes() throws {
    let images = try idx(8, [3, 2, 1, 2], [0, 255, 10, 20, 255, 0, 30, 40, 7, 7, 7, 7])
    let labels = try idx(8, [3], [0, 1, 1], "l")
    let content = try ArrayContent(images, labels: labels, ArrayOptions())
    let description = try content.describe([0, 1])
    guard case .array(let array) = description.input else { return }
    #expect(array.normalization.mean == [0.5, 25.0 / 255])
    #expect(array.normalization.deviation[0] == 0.5)
    let values = try inputs(content.part([0, 1], as: description))
    #expect(values[0] == -1 && values[1] == 1)
    let again = try DataDescription(description.json, source: "d")
    #expect(
      try inputs(content.part([2], as: again)) == inputs(content.part([2], as: description)))
  }

  @Test("numbers of any type are read, fitted and subtracted in Double")
  func numbers() throws {
    let values = [0.0, 5, 0.25, 5, 0.5, 5, 0.75, 5].enumerated().map {
      $0.element + ($0.offset % 2 == 0 ? 1e9 : 0)
    }
    let content = try ArrayContent(
      idx(0x0e, [4, 2], doubles(values)), labels: idx(8, [4], [0, 1, 0, 1], "l"), ArrayOptions())
    let part = try content.part(as: content.describe())
    let column = try stride(from: 0, to: 8, by: 2).map { try inputs(part)[$0] }
    #expect(Set(column).count == 4)
    #expect(column.reduce(0, +).magnitude < 1e-5)
    #expect(try stride(from: 1, to: 8, by: 2).allSatisfy { try inputs(part)[$0] == 0 })
    var options = ArrayOptions()
    options.normalization = .given(.init(mean: [1e9, 5], deviation: [0.25, 2]))
    let given = try ArrayContent(
      idx(0x0e, [4, 2], doubles(values)), labels: idx(8, [4], [0, 1, 0, 1], "l"), options)
    #expect(try inputs(try given.part(as: given.describe())) == [0, 0, 1, 0, 2, 0, 3, 0])
  }

  @Test("numbers that become one in Float32 are named, of inputs and of labels")
  func rounding() throws {
    let values: [Double] = (0..<8).map { index in
      let offset: Double = index % 2 == 0 ? 0 : 1e9
      return offset + Double(index)
    }
    let targets: [Double] = [16_777_216, 16_777_217, 3, 4]
    var options = ArrayOptions()
    options.normalization = .none
    let content = try ArrayContent(
      idx(0x0e, [4, 2], doubles(values)), labels: idx(0x0e, [4], doubles(targets), "l"), options)
    #expect(
      try content.roundingNotices(as: content.describe()) == [
        "f: channel 2 holds 1000000001 and 1000000007, which are one number in Float32, as inputs are "
          + "kept: rescale it, or subtract an offset",
        "l: value 1 of the labels holds 16777216 and 16777217, which are one number in Float32, as "
          + "targets are kept: subtract an offset",
      ])
    let fitted = try ArrayContent(
      idx(0x0e, [4, 2], doubles(values)), labels: idx(8, [4], [0, 1, 0, 1], "l"), ArrayOptions())
    #expect(try fitted.roundingNotices(as: fitted.describe()).isEmpty)
  }

  @Test("files of other shapes, types and kinds are refused with what training had")
  func refusals() throws {
    let content = try ArrayContent(
      idx(8, [2, 3, 2, 2], [UInt8](repeating: 1, count: 12) + [UInt8](0..<12)),
      labels: idx(8, [2], [0, 1], "l"), ArrayOptions())
    let description = try content.describe()
    func message(_ inputs: IDXFile, _ labels: IDXFile?) -> String? {
      #expect(throws: FileError.self) {
        try ArrayContent(inputs, labels: labels, as: description).part(as: description)
      }?.description
    }
    let labels = try idx(8, [1], [1], "l")
    #expect(
      message(try idx(8, [1, 2, 2], [1, 2, 3, 4]), labels)
        == "f: an example has the shape [1, 2, 2], and the run was trained on [3, 2, 2]")
    #expect(
      message(labels, labels)?.contains("trained on [3, 2, 2]: is it the file of labels?") == true)
    #expect(
      message(try idx(9, [1, 3, 2, 2], [UInt8](0..<12)), labels)?
        .contains("holds int8 values, and the run was trained on uint8") == true)
    let sound = try idx(8, [1, 3, 2, 2], [UInt8](0..<12))
    #expect(
      message(sound, try idx(0x0d, [1], [0, 0, 0, 0], "l"))?.contains("trained on classes") == true)
    #expect(
      message(sound, try idx(8, [1], [2], "l"))
        == "l: example 1: the class 2 is unknown; the classes are 0...1")
    #expect(
      message(sound, try idx(8, [2], [0, 1], "l"))?.contains("expected 1 labels") == true)
    #expect(throws: DatasetError.self) {
      let none = try idx(8, [0, 3, 2, 2], [])
      _ = try ArrayContent(none, labels: idx(8, [0], [], "l"), as: description).part(
        as: description)
    }
    let unlabelled = try ArrayContent(sound, labels: nil, as: description).part(as: description)
    #expect(unlabelled.isLabelled == [false])
  }

  @Test("a file of labels in the place of inputs is refused when training begins")
  func labelsAsInputs() throws {
    let labels = try idx(8, [2], [0, 1], "l")
    func message(_ inputs: IDXFile, _ labels: IDXFile) -> String? {
      #expect(throws: FileError.self) {
        try ArrayContent(inputs, labels: labels, ArrayOptions())
      }?.description
    }
    #expect(
      message(labels, try idx(8, [2], [0, 1], "other"))?.contains("is it the file of labels?")
        == true)
    #expect(message(labels, labels)?.contains("is named by 'inputs' and by 'labels'") == true)
  }
}
