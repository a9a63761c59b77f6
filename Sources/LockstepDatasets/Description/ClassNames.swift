import LockstepFiles

/// The classes of a target and their numbers, fixed by the training part.
package struct ClassNames: Sendable, Equatable {
  /// The most classes that numbers in a table may stand for.
  static let limit = 1_000_000

  /// The name of each class in the order of their numbers; nil where the classes are the numbers
  /// 0, 1, … themselves.
  package let names: [String]?
  /// The number of classes.
  package let count: Int
  /// The numbers below ``count`` of which training had no example though nobody declared them, in
  /// ascending order.
  package let absent: [Int]
  private let numbers: [String: Int32]

  /// Classes with names, which lose white space at their ends as the cells of a table do.
  ///
  /// - Throws: ``DatasetError`` where two have one name, there is none, or one stands for a missing value.
  package init(names: [String]) throws(DatasetError) {
    let names = names.map(CellText.trimmed)
    if let missing = names.first(where: CellText.isMissing) {
      throw DatasetError(
        "classes",
        "\(missing.quoted) stands for a missing value in a table, and no example has this class")
    }
    try self.init(recorded: names)
  }

  /// Classes with names as a run recorded them.
  init(recorded names: [String]) throws(DatasetError) {
    var numbers: [String: Int32] = [:]
    for name in names {
      guard numbers.updateValue(Int32(numbers.count), forKey: name) == nil else {
        throw DatasetError("classes", "the name \(name.quoted) stands twice")
      }
    }
    guard !names.isEmpty else { throw DatasetError("classes", "there are none") }
    self.names = names
    self.numbers = numbers
    count = names.count
    absent = []
  }

  /// The classes 0, 1, …, `count` − 1.
  package init(count: Int, absent: [Int] = []) {
    names = nil
    numbers = [:]
    self.count = count
    self.absent = absent
  }

  /// Numbers the classes of a training part: by their own numbers where all are integers, else in the
  /// order of their names.
  ///
  /// - Parameters:
  ///   - texts: trimmed texts, none of them missing.
  ///   - fault: makes the error about the text at an index.
  init(
    numbering texts: [String], fault: (_ index: Int, _ reason: String) -> FileError
  ) throws(FileError) {
    let values = texts.map { CellText.number($0) }
    guard values.contains(where: { $0 != nil }) else {
      let distinct = Set(texts).sorted()
      // Numbers in a notation that features do not take either: 0x1, inf.
      let numbersOfOthers = Set(distinct.filter { Double($0) != nil })
      if let index = texts.firstIndex(where: { numbersOfOthers.contains($0) }) {
        throw fault(
          index,
          "expected a class, found \(texts[index].quoted): numbers are decimal and finite; if it is a "
            + "name, give it in 'data.classes'")
      }
      names = distinct
      var numbers: [String: Int32] = [:]
      for name in distinct { numbers[name] = Int32(numbers.count) }
      self.numbers = numbers
      count = numbers.count
      absent = []
      return
    }
    var classes: Set<Int> = []
    for (index, value) in values.enumerated() {
      guard let number = value.flatMap({ Int(exactly: $0) }), number >= 0 else {
        let hint =
          value == nil ? "" : "; numbers that are no classes need 'targetKind' to be 'values'"
        throw fault(index, "expected a class 0, 1, …, found '\(texts[index].prefix(40))'\(hint)")
      }
      guard number < Self.limit else {
        throw fault(
          index,
          "the class \(number) is too large; classes are numbered from 0 to at most "
            + "\(Self.limit - 1): is this an identifier, or a number to predict?")
      }
      classes.insert(number)
    }
    names = nil
    numbers = [:]
    count = (classes.max() ?? -1) + 1
    absent = (0..<count).filter { !classes.contains($0) }
  }

  /// The number of the class that a trimmed text names.
  ///
  /// - Throws: why there is none, in words.
  func number(of text: String) throws(UnknownClass) -> Int32 {
    if let names {
      if let number = numbers[text] { return number }
      let nearest = NearestName.find(text, among: names)
      throw UnknownClass(
        reason: "the class '\(text.prefix(40))' is unknown: the training part has no example of it"
          + (nearest.map { "; did you mean \($0.quoted)? The" } ?? "; the")
          + " classes are \(list)")
    }
    guard let number = CellText.number(text).flatMap({ Int(exactly: $0) }) else {
      throw UnknownClass(
        reason:
          "the class '\(text.prefix(40))' is unknown: the training part has no example of it; "
          + "the classes are \(list)")
    }
    guard let problem = problem(with: number) else { return Int32(number) }
    throw UnknownClass(reason: problem)
  }

  /// Why a number is no class; nil where it is one.
  func problem(with number: Int) -> String? {
    guard number >= 0, number < count else {
      return "the class \(number) is unknown; the classes are \(list)"
    }
    return absent.contains(number)
      ? "the class \(number) is unknown: the training part has no example of it" : nil
  }

  /// The name of a class; its number where classes have no names.
  package func name(_ number: Int) -> String {
    if let names, names.indices.contains(number) { return names[number] }
    return "\(number)"
  }

  /// The classes, in words: a few names, or a range of numbers.
  private var list: String {
    guard let names else { return "0...\(count - 1)" }
    return names.prefix(8).map(\.quoted).joined(separator: ", ")
      + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }
}

/// Why a text names no class.
struct UnknownClass: Error {
  let reason: String
}
