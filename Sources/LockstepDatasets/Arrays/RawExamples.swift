import LockstepFiles

/// The inputs of examples as files hold them: arrays of one shape, of bytes that are not yet numbers.
///
/// They are asked for one by one, from several threads at once, so that they need not be in memory.
package protocol RawExamples: Sendable {
  /// What they are called in messages: a file's path.
  var name: String { get }
  /// The number of examples.
  var count: Int { get }
  /// The shape of one, `[channels, height, width]` for images.
  var shape: [Int] { get }
  /// How the numbers are stored.
  var format: ArrayFormat { get }
  /// Writes the bytes of an example, ``exampleSize`` of them.
  ///
  /// - Throws: `FileError` that names the file and what is wrong with it.
  func read(_ example: Int, into bytes: UnsafeMutableRawBufferPointer) throws(FileError)
  /// Writes the bytes of examples, one behind the other, where they stand in the file.
  func read(_ examples: Range<Int>, into bytes: UnsafeMutableRawBufferPointer) throws(FileError)
  /// The name of each example; nil where they have none.
  var ids: [String]? { get }
  /// A hash of what is known without reading examples: names and sizes of files; nil for nothing.
  var outline: Fingerprint? { get }
}

extension RawExamples {
  package var ids: [String]? { nil }
  package var outline: Fingerprint? { nil }

  /// The number of values of one example.
  package var valueCount: Int { shape.reduce(1, &*) }
  /// The number of bytes of one example.
  package var exampleSize: Int { valueCount &* format.element.size }

  package func read(
    _ examples: Range<Int>, into bytes: UnsafeMutableRawBufferPointer
  ) throws(FileError) {
    let size = exampleSize
    for (place, example) in examples.enumerated() {
      try read(
        example,
        into: UnsafeMutableRawBufferPointer(rebasing: bytes[place * size..<(place + 1) * size]))
    }
  }

  /// Hands the bytes of examples to `body`, in the order given; neighbours are read together.
  func forEach(
    _ examples: some Collection<Int>,
    _ body: (_ example: Int, UnsafeRawBufferPointer) throws(FileError) -> Void
  ) throws(FileError) {
    let size = exampleSize
    let room = max(min((1 << 20) / max(size, 1), examples.count), 1)
    let block = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(room * size, 1), alignment: 16)
    defer { block.deallocate() }
    var run = 0..<0
    func take(_ run: Range<Int>) throws(FileError) {
      guard !run.isEmpty else { return }
      try ReadingStop.check(name)
      try read(run, into: UnsafeMutableRawBufferPointer(rebasing: block[..<(run.count * size)]))
      for (place, example) in run.enumerated() {
        try body(
          example, UnsafeRawBufferPointer(rebasing: block[place * size..<(place + 1) * size]))
      }
    }
    for example in examples {
      if example == run.upperBound, run.count < room, !run.isEmpty {
        run = run.lowerBound..<example + 1
      } else {
        try take(run)
        run = example..<example + 1
      }
    }
    try take(run)
  }
}
