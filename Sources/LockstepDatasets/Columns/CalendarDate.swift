import LockstepFiles

/// The order in which a date names its day, its month and its year.
package enum DateOrder: String, Sendable, CaseIterable {
  /// 2024-01-31.
  case ymd
  /// 31/01/2024.
  case dmy
  /// 01/31/2024.
  case mdy
}

/// A number that a date has.
package enum DatePart: String, Sendable, CaseIterable {
  case year
  /// 1 to 12.
  case month
  /// 1 to 31.
  case day
  /// 1 for Monday to 7 for Sunday (ISO 8601).
  case weekday
  /// 1 to 366.
  case dayOfYear
  /// 0 to 23.
  case hour
  /// 0 to 59.
  case minute
  /// Days since 1 January 1970, with the time as a fraction.
  case days

  /// The parts where nothing is said; the hour where a column has times.
  static let usual: [DatePart] = [.year, .month, .day, .weekday, .hour]
}

/// A day of the Gregorian calendar, with a time or without. An offset from UTC is passed over: parts are
/// those of the clock that wrote it.
struct CalendarDate: Equatable {
  let year: Int
  let month: Int
  let day: Int
  /// The seconds since midnight; nil without a time.
  let seconds: Double?

  /// What a text says of a date.
  enum Reading: Equatable {
    case date(CalendarDate)
    /// A date only where it is known whether the day comes first.
    case ambiguous
  }

  /// The three numbers of a date as a text has them, and which is which.
  struct Spelling {
    let first: Int
    let second: Int
    let third: Int
    /// The order; nil where it takes more than this text to know.
    let order: DateOrder?
    let seconds: Double?

    /// Reads a trimmed text; nil where it is no date.
    init?(_ text: String) {
      guard text.utf8.count <= 64, text.utf8.contains(where: { (0x30...0x39).contains($0) }) else {
        return nil
      }
      let (date, clock) = Self.cut(text)
      guard let numbers = Self.numbers(date) else { return nil }
      if let clock {
        guard let seconds = Self.seconds(clock) else { return nil }
        self.seconds = seconds
      } else {
        seconds = nil
      }
      (first, second, third, order) = numbers
    }

    /// The date in front, and the time behind it.
    private static func cut(_ text: String) -> (Substring, Substring?) {
      // A time has a colon; what is in front of the blank before it, or of a T, is the date.
      guard let colon = text.firstIndex(of: ":") else {
        guard text.hasSuffix("T00") else { return (text[...], nil) }
        return (text.dropLast(3), nil)
      }
      guard let split = text[..<colon].lastIndex(where: { $0 == " " || $0 == "T" }) else {
        return (text[...], nil)
      }
      return (text[..<split], text[text.index(after: split)...])
    }

    private static let months = [
      "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let longMonths = [
      "january", "february", "march", "april", "may", "june", "july", "august", "september",
      "october", "november", "december", "sept",
    ]

    private static func numbers(_ date: Substring) -> (Int, Int, Int, DateOrder?)? {
      let parts = date.split { " -/.,".contains($0) }
      if parts.count == 1, date.count == 8, let number = digits(date) {
        return (number / 10_000, number / 100 % 100, number % 100, .ymd)
      }
      guard parts.count == 3 else { return nil }
      // 31 Jan 2024, Jan 31, 2024, 2024-Jan-31.
      for (place, part) in parts.enumerated() where place < 2 {
        guard let month = month(part) else { continue }
        let others = parts.enumerated().filter { $0.offset != place }.map(\.element)
        guard let a = digits(others[0]), let b = digits(others[1]) else { return nil }
        if others[1].count == 4, others[0].count <= 2 { return (b, month, a, .ymd) }
        if place == 1, others[0].count == 4, others[1].count <= 2 { return (a, month, b, .ymd) }
        return nil
      }
      guard Set(date.filter { "-/.".contains($0) }).count == 1,
        !date.contains(" "), !date.contains(","),
        let a = digits(parts[0]), let b = digits(parts[1]), let c = digits(parts[2])
      else { return nil }
      if parts[0].count == 4, parts[1].count <= 2, parts[2].count <= 2 { return (a, b, c, .ymd) }
      guard parts[2].count == 4, parts[0].count <= 2, parts[1].count <= 2 else { return nil }
      // Dots are written where the day comes first.
      let order: DateOrder? =
        date.contains(".") || a > 12 ? .dmy : b > 12 ? .mdy : nil
      return (a, b, c, order)
    }

    private static func digits(_ text: Substring) -> Int? {
      guard (1...8).contains(text.utf8.count),
        text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
      else { return nil }
      return Int(text)
    }

    private static func month(_ text: Substring) -> Int? {
      let word = text.lowercased()
      if let place = months.firstIndex(of: word) { return place + 1 }
      return longMonths.firstIndex(of: word).map { $0 == 12 ? 9 : $0 + 1 }
    }

    /// The seconds since midnight of 18:30, 18:30:05.5, 6:30 PM, with or without an offset from UTC.
    private static func seconds(_ text: Substring) -> Double? {
      var clock = text
      let lower = clock.lowercased()
      var half: Int?
      if lower.hasSuffix("am") || lower.hasSuffix("pm") {
        half = lower.hasSuffix("pm") ? 12 : 0
        clock = clock.dropLast(2)
        if clock.hasSuffix(" ") { clock = clock.dropLast() }
      } else if clock.hasSuffix("Z") {
        clock = clock.dropLast()
      } else if let sign = clock.lastIndex(where: { $0 == "+" || $0 == "-" }) {
        let offset = clock[clock.index(after: sign)...].filter { $0 != ":" }
        guard [2, 4].contains(offset.count), digits(offset[...]) != nil else { return nil }
        clock = clock[..<sign]
        if clock.hasSuffix(" ") { clock = clock.dropLast() }
      }
      let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
      guard (2...3).contains(parts.count), var hour = digits(parts[0]), parts[0].count <= 2,
        parts[1].count == 2, let minute = digits(parts[1]), minute < 60,
        let second = parts.count == 3 ? CellText.number(String(parts[2])) : 0,
        (0..<61).contains(second)
      else { return nil }
      if let half {
        guard (1...12).contains(hour) else { return nil }
        hour = hour % 12 + half
      }
      guard hour < 24 else { return nil }
      return Double(hour * 3600 + minute * 60) + second
    }
  }

  /// The offset from UTC behind a time, as it is written: `Z`, `+02:00`; empty where there is none.
  static func offset(_ text: String) -> String {
    guard let colon = text.firstIndex(of: ":") else { return "" }
    if text.hasSuffix("Z") { return "Z" }
    let clock = text[colon...]
    return clock.lastIndex { $0 == "+" || $0 == "-" }.map { String(clock[$0...]) } ?? ""
  }

  /// How many seconds the clock of a time is ahead of UTC; 0 where it has no offset.
  static func offsetSeconds(_ text: String) -> Double {
    let offset = offset(text)
    let digits = offset.filter(\.isNumber)
    guard let hours = Int(digits.prefix(2)) else { return 0 }
    let seconds = Double(hours * 3600 + (Int(digits.dropFirst(2)) ?? 0) * 60)
    return offset.hasPrefix("-") ? -seconds : seconds
  }

  /// Whether a date has a time behind it.
  static func hasTime(_ text: String) -> Bool { text.contains(":") }

  /// The first of some dates whose offset from UTC is another than that of the first date with a time; nil where
  /// there is one clock.
  static func firstOtherOffset(_ texts: [String]) -> Int? {
    var known: String?
    for (place, text) in texts.enumerated() where hasTime(text) {
      let offset = offset(text)
      if known ?? offset != offset { return place }
      known = offset
    }
    return nil
  }

  /// Reads a trimmed text; nil where it is no date.
  ///
  /// - Parameter order: the order of dates that do not show it themselves.
  static func read(_ text: String, order: DateOrder?) -> Reading? {
    guard let spelling = Spelling(text) else { return nil }
    guard let order = spelling.order == .ymd ? .ymd : order ?? spelling.order else {
      return .ambiguous
    }
    let (a, b, c) = (spelling.first, spelling.second, spelling.third)
    let date =
      switch order {
      case .ymd: CalendarDate(a, b, c, spelling.seconds)
      case .dmy: CalendarDate(c, b, a, spelling.seconds)
      case .mdy: CalendarDate(c, a, b, spelling.seconds)
      }
    return date.map { .date($0) }
  }

  private init?(_ year: Int, _ month: Int, _ day: Int, _ seconds: Double?) {
    guard (1...9999).contains(year), (1...12).contains(month), day >= 1,
      day <= Self.days(ofMonth: month, year)
    else { return nil }
    (self.year, self.month, self.day, self.seconds) = (year, month, day, seconds)
  }

  private static func days(ofMonth month: Int, _ year: Int) -> Int {
    if month == 2 { return isLeap(year) ? 29 : 28 }
    return [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  private static func isLeap(_ year: Int) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  /// Days since 1 January 1970. Source: H. Hinnant, "chrono-compatible low-level date algorithms".
  var dayNumber: Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// One of its numbers.
  func value(_ part: DatePart) -> Double {
    let clock = Int(seconds ?? 0)
    return switch part {
    case .year: Double(year)
    case .month: Double(month)
    case .day: Double(day)
    // 1 January 1970 was a Thursday.
    case .weekday: Double(((dayNumber + 3) % 7 + 7) % 7 + 1)
    case .dayOfYear:
      Double((1..<month).reduce(day) { $0 + Self.days(ofMonth: $1, year) })
    case .hour: Double(clock / 3600)
    case .minute: Double(clock / 60 % 60)
    case .days: Double(dayNumber) + (seconds ?? 0) / 86_400
    }
  }
}
