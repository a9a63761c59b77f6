import LockstepFiles

/// The end of a file of JSON lines, looked at from behind: where the lines of later steps begin.
///
/// Steps rise from line to line. One damaged byte can make a line unreadable or give it another step,
/// and must not decide alone: the file is cut where the fewest lines are on the wrong side, and it is
/// read so many lines beyond the best place as are surely not all damaged.
struct LinesTail {
  /// A line that is not what its place asks for.
  struct Damage {
    let range: Range<Int>
    /// What is wrong, behind "line N".
    let reason: String
  }

  /// Where the file is to end.
  private(set) var end: Int
  /// Whether the last line to be kept has no line feed.
  private(set) var lacksLineFeed = false
  /// The damaged lines among those that were looked at.
  private(set) var damaged: [Damage] = []
  /// How many steps have no line, of the last so many that were looked at, where each step has one.
  private(set) var missing = (steps: 0, of: 0)

  /// How many lines are read beyond the place of the cut, at most in how many bytes.
  private static let margin = (lines: 10_000, bytes: 64 << 20)
  private static let step = JSONMembers(["step"])

  /// Why a line has no step.
  private struct Unreadable: Error {
    let reason: String
  }

  private struct Line {
    let range: Range<Int>
    /// The line's step, or why there is none.
    let step: Result<Int, Unreadable>
  }

  /// Looks at a file.
  ///
  /// - Throws: `FileError` where it cannot be read, or a line of its end is too long to be one.
  init(_ path: String, afterStep last: Int) throws(FileError) {
    let file = try FileInput(path, followsLinks: false)
    end = file.size
    /// The lines so far that are on the wrong side if the file is cut in front of the one at hand,
    /// against a cut at its end.
    var (balance, best) = (0, 0)
    /// The lines on either side of the best cut so far that are on the wrong one.
    var (early, late): ([Line], [Line]) = ([], [])
    var linesBeyond = 0
    var start = file.size
    try file.forEachLineFromBehind { bytes, range, isWhole throws(FileError) in
      start = range.lowerBound
      let line = Line(range: range, step: Self.step(of: bytes, path))
      guard case .success(let step) = line.step else {
        // The end of a crash.
        if !isWhole {
          end = range.lowerBound
        } else {
          early.append(line)
        }
        return true
      }
      if !isWhole, step <= last { lacksLineFeed = true }
      if step > last {
        balance -= 1
        if balance < best {
          best = balance
          (end, linesBeyond) = (range.lowerBound, 0)
          // What was in front of the old place is behind the new one now.
          late += early.filter { (try? $0.step.get()) ?? .min <= last }
          early = []
          return true
        }
        early.append(line)
      } else {
        balance += 1
        early.append(line)
      }
      linesBeyond += 1
      return linesBeyond < Self.margin.lines && end - range.lowerBound < Self.margin.bytes
    }
    if lacksLineFeed, end < file.size { lacksLineFeed = false }
    damaged = early.compactMap { line in
      Self.damage(line, where: { $0 > last }, "which has not been reached")
    }
    let kept = Set(early.compactMap { try? $0.step.get() }.filter { $0 > 0 && $0 <= last })
    let looked = start == 0 ? last : last - (kept.min() ?? last) + 1
    let unreadable = damaged.count { $0.range.lowerBound < end }
    missing = (max(looked - kept.count - unreadable, 0), looked)
    damaged += late.compactMap { line in
      Self.damage(line, where: { $0 <= last }, "and stands among later steps")
    }
  }

  /// What is wrong with a line; nil where nothing is.
  private static func damage(
    _ line: Line, where isWrong: (Int) -> Bool, _ why: String
  ) -> Damage? {
    switch line.step {
    case .failure(let error): return Damage(range: line.range, reason: error.reason)
    case .success(let step):
      return isWrong(step)
        ? Damage(range: line.range, reason: "is of step \(step), \(why)") : nil
    }
  }

  private static func step(
    of bytes: UnsafeRawBufferPointer, _ path: String
  ) -> Result<Int, Unreadable> {
    do throws(JSONSyntaxError) {
      let value = try Self.step.values(of: bytes, source: path)[0]
      return value?.integerValue.map { .success($0) }
        ?? .failure(Unreadable(reason: "has no whole number under 'step'"))
    } catch {
      return .failure(
        Unreadable(reason: "cannot be read (column \(error.column): \(error.reason))"))
    }
  }
}

extension FileInput {
  /// How many line feeds there are in a range.
  func lineFeeds(in range: Range<Int>) throws(FileError) -> Int {
    var count = 0
    try forEachBlock(in: range) { block, _ throws(FileError) in
      var start = 0
      while let place = block.lineFeed(from: start) {
        count += 1
        start = place + 1
      }
    }
    return count
  }

  /// Hands the lines to `body` from the last to the first, with where they lie and whether a line feed
  /// ends them, until it returns false. Lines of blanks alone are passed over.
  fileprivate func forEachLineFromBehind(
    _ body: (UnsafeRawBufferPointer, Range<Int>, _ isWhole: Bool) throws(FileError) -> Bool
  ) throws(FileError) {
    /// The bytes from `low` on; lines from `end` on were handed out.
    var window: [UInt8] = []
    var low = size
    var end = size
    var isWhole = false
    while low > 0 || end > 0 {
      let start = window[..<(end - low)].lastIndex(of: UInt8(ascii: "\n"))
      if start == nil, low > 0 {
        // Twice as much each time, so that a long line is not copied over and over.
        let count = min(low, max(1 << 18, end - low))
        guard end - low <= 64 << 20 else {
          throw FileError(
            path: path, kind: .tooLarge,
            reason: "the line that ends at byte \(end) is longer than 64 MiB")
        }
        window = try bytes((low - count)..<low) + window[..<(end - low)]
        low -= count
        continue
      }
      let first = start.map { $0 + 1 } ?? 0
      let range = (low + first)..<end
      let line = window[first..<(end - low)]
      if line.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") }) {
        var result: Result<Bool, FileError> = .success(true)
        line.withUnsafeBytes { bytes in
          result = Result { () throws(FileError) in try body(bytes, range, isWhole) }
        }
        guard try result.get() else { return }
      }
      // What stands in front of a line feed is whole.
      isWhole = true
      if start == nil { return }
      end = low + first - 1
    }
  }
}
