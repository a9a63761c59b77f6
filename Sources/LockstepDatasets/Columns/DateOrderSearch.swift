import LockstepFiles

/// Finds the order of day, month and year that the dates of a column show together.
struct DateOrderSearch {
  private var shown: [DateOrder: (text: String, row: Int)] = [:]
  private var ambiguous: (text: String, row: Int)?

  /// Looks at one more text; texts come in the order of their rows. What is no date is passed over.
  mutating func take(_ text: String, row: Int) {
    guard let spelling = CalendarDate.Spelling(text), spelling.order != .ymd else { return }
    if let order = spelling.order {
      if shown[order] == nil { shown[order] = (text, row) }
    } else if ambiguous == nil {
      ambiguous = (text, row)
    }
  }

  /// The order; nil where each date shows its own.
  ///
  /// - Parameters:
  ///   - place: where a row stands, in words.
  ///   - whose: whose dates do not show the order: "of the training part".
  ///   - remedy: what to do then.
  ///   - fault: makes an error about the column's cell in a row.
  func order(
    place: (Int) -> String, of whose: String, remedy: String, fault: (Int, String) -> FileError
  ) throws(FileError) -> DateOrder? {
    if let day = shown[.dmy], let month = shown[.mdy] {
      let (first, second) = day.row < month.row ? (day, month) : (month, day)
      let dayIsSecond = day.row >= month.row
      throw fault(
        second.row,
        "'\(second.text)' has the \(dayIsSecond ? "day" : "month") first, and "
          + "'\(first.text)' on \(place(first.row)) the "
          + "\(dayIsSecond ? "month" : "day"): write all dates alike")
    }
    if let ambiguous, shown.isEmpty {
      throw fault(
        ambiguous.row,
        "'\(ambiguous.text)' may have the day or the month first, and no date\(whose) shows "
          + "which: \(remedy)")
    }
    return shown.keys.first
  }
}
