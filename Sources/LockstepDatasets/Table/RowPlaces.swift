/// Where the rows of a table stand: in which of its files, and on which line.
struct RowPlaces: Sendable, Equatable {
  /// A row that does not begin on the line behind the beginning of the row before, and its line.
  private struct Jump: Equatable {
    let row: Int
    let line: Int
  }

  /// The files, in order.
  private(set) var files: [String] = []
  /// The first row of each file.
  private var starts: [Int] = []
  private var jumps: [Jump] = []
  private var lastLine = 0

  /// Begins a file with the next row, whatever its number.
  mutating func begin(_ file: String, row: Int) {
    files.append(file)
    starts.append(row)
    // Its first row stands on a line of its own, wherever that is.
    lastLine = -1
  }

  /// Notes the line on which a row begins.
  mutating func note(row: Int, line: Int) {
    if line != lastLine + 1 { jumps.append(Jump(row: row, line: line)) }
    lastLine = line
  }

  /// The line on which a row begins, from 1.
  func line(ofRow row: Int) -> Int {
    guard let place = Self.last(jumps.count, { jumps[$0].row <= row }) else { return row + 1 }
    return jumps[place].line + row - jumps[place].row
  }

  /// The file that a row is in.
  func file(ofRow row: Int) -> String {
    Self.last(starts.count) { starts[$0] <= row }.map { files[$0] } ?? files.first ?? ""
  }

  /// The last place for which something holds that holds for none behind it.
  private static func last(_ count: Int, _ holds: (Int) -> Bool) -> Int? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if holds(middle) { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? nil : low - 1
  }

  // MARK: Numbers

  /// Everything but the files' names, as numbers that a file can hold.
  var numbers: [Int] { [starts.count] + starts + jumps.flatMap { [$0.row, $0.line] } }

  init() {}

  /// The places that ``numbers`` tells of; nil where they tell of none in so many files.
  init?(_ files: [String], _ numbers: [Int]) {
    guard numbers.first == files.count, numbers.count > files.count,
      (numbers.count - 1 - files.count).isMultiple(of: 2)
    else { return nil }
    self.files = files
    starts = Array(numbers[1...files.count])
    jumps = stride(from: 1 + files.count, to: numbers.count, by: 2).map {
      Jump(row: numbers[$0], line: numbers[$0 + 1])
    }
  }
}
