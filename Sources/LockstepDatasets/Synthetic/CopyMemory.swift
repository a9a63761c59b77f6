import LockstepEngine
package import LockstepFiles

/// The copying memory problem: symbols are to be said again after a long delay.
///
/// An example has D + 2 L steps: L symbols, D − 1 blanks, a marker, and L blanks. Its labels are D + L blanks, and
/// then the L symbols. Inputs are Int32 tokens: the symbols 0..<S, the blank S, the marker S + 1. Labels are of
/// S + 1 classes. Who remembers nothing has a cross-entropy of L ln S / (D + 2 L).
///
/// Example i follows from the seed and i alone, however many there are. It is made when it is asked for.
///
/// Source: S. Hochreiter, J. Schmidhuber, "Long short-term memory", 1997; in the form of M. Arjovsky, A. Shah, Y.
/// Bengio, "Unitary evolution recurrent neural networks", ICML 2016.
package struct CopyMemory: ExampleSource {
  package let name = "copy-memory"
  /// S, the number of different symbols.
  package let symbols: Int
  /// L, the number of symbols to remember.
  package let length: Int
  /// D, the number of steps from the last symbol to the first one that is said again.
  package let delay: Int
  /// Keys all that is random.
  package let seed: UInt64
  /// The numbers of the examples.
  private let numbers: [UInt32]

  /// Makes examples 0..<`count`.
  ///
  /// - Throws: ``DatasetError`` where a number is out of range.
  package init(
    count: Int, symbols: Int = 8, length: Int = 10, delay: Int = 100, seed: UInt64
  ) throws(DatasetError) {
    let limit = 1 << 20
    guard (1...1 << 24).contains(count), (2...limit).contains(symbols),
      (1...limit).contains(length), (1...limit).contains(delay)
    else {
      throw DatasetError(
        name,
        "expected 1...\(1 << 24) examples, 2...\(limit) symbols, a length and a delay of "
          + "1...\(limit); found \(count), \(symbols), \(length) and \(delay)")
    }
    self.symbols = symbols
    self.length = length
    self.delay = delay
    self.seed = seed
    numbers = (0..<UInt32(count)).map { $0 }
  }

  private init(_ whole: Self, numbers: [UInt32]) {
    (symbols, length, delay, seed) = (whole.symbols, whole.length, whole.delay, whole.seed)
    self.numbers = numbers
  }

  package var count: Int { numbers.count }

  /// D + 2 L, the number of steps of an example.
  package var steps: Int { delay + 2 * length }

  package var inputFields: [ExampleField] {
    [ExampleField(ExampleField.inputName, [steps], .int32(limit: symbols + 2))]
  }

  package var labelFields: [ExampleField] {
    [ExampleField(ExampleField.labelName, [steps], .int32(limit: symbols + 1))]
  }

  package var fingerprint: Fingerprint {
    .tree([
      ("recipe", Fingerprint(of: [symbols, length, delay])), ("seed", Fingerprint(of: [seed])),
      ("examples", Fingerprint(of: numbers)),
    ])
  }

  package func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
  ) throws {
    try check(examples, of: field, room: values.count)
    let isLabel = field.name == ExampleField.labelName
    for (place, example) in examples.enumerated() {
      let start = place * steps
      for step in start..<start + steps { values[step] = Int32(symbols) }
      var random = CounterGenerator(seed: seed, .synthesis, index: numbers[example])
      let first = isLabel ? start + delay + length : start
      for step in first..<first + length { values[step] = Int32(random.index(below: symbols)) }
      if !isLabel { values[start + length + delay - 1] = Int32(symbols + 1) }
    }
  }

  /// Some of the examples, in the order given.
  fileprivate func subset(_ examples: [Int]) -> CopyMemory {
    CopyMemory(self, numbers: examples.map { numbers[$0] })
  }
}

/// Sequences to copy, to be cut into parts.
package struct CopyMemoryContent: DataContent {
  private let source: CopyMemory

  package init(_ source: CopyMemory) { self.source = source }

  package var name: String { source.name }
  package var count: Int { source.count }
  package var notices: [String] { [] }

  /// All sequences are alike.
  package func strata() throws -> [Int] { Array(repeating: 0, count: count) }

  package func describe(_ rows: [Int]?) throws -> DataDescription {
    DataDescription(
      input: .array(
        ArrayDescription(
          shape: [source.steps], element: .int32,
          normalization: .init(mean: [0], deviation: [1]))),
      target: TargetDescription(kind: .classes(ClassNames(count: source.symbols + 1))))
  }

  package func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart {
    guard description.inputShape == [source.steps] else {
      throw DatasetError(
        name,
        "has inputs of the shape [\(source.steps)], and the run was trained on "
          + "\(description.inputShape)")
    }
    let rows = rows ?? Array(0..<count)
    let part = source.subset(rows)
    return DataPart(
      part, places: ExamplePlaces(file: name, rows: rows.map { $0 + 1 }),
      summary: PartSummary(
        examples: part.count, columns: [.init("sequences", part.fingerprint)], blocks: []))
  }
}
