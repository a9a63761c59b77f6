import LockstepFiles

/// How a scanner goes through the bytes of a piece.
extension CSVScanner {
  mutating func scan(_ bytes: UnsafeBufferPointer<UInt8>) throws(FileError) {
    var next = 0
    while next < bytes.count {
      let byte = bytes[next]
      switch place {
      case .fieldStart where byte == quote:
        place = .quoted
        quoteLine = line
        next += 1
      case .fieldStart where isComment(byte):
        place = .comment
        next += 1
      case .fieldStart, .unquoted:
        next = try unquoted(bytes, from: next)
      case .carriageReturn:
        if byte == UInt8(ascii: "\n") {
          try endBufferedRow()
          next += 1
        } else {
          hasLoneCarriageReturn = true
          append(UInt8(ascii: "\r"))
          place = .unquoted
        }
      case .quoted:
        next = try quoted(bytes, from: next)
      case .closingQuote:
        try afterQuote(byte)
        next += 1
      case .closedCarriageReturn:
        guard byte == UInt8(ascii: "\n") else {
          if header == nil { throw onlyCarriageReturns }
          throw corrupt("line \(line)" + Self.loneCarriageReturn)
        }
        try endBufferedRow()
        next += 1
      case .comment:
        if byte == UInt8(ascii: "\n") {
          place = .fieldStart
          line += 1
          passLine()
        }
        next += 1
      }
    }
  }

  /// Takes unquoted fields to the end of their row, to a quote, or to the end of the piece.
  private mutating func unquoted(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int
  ) throws(FileError) -> Int {
    var next = start
    while next < bytes.count {
      if place == .fieldStart {
        if bytes[next] == quote { return next }
        // A number that ends in this piece needs no second look.
        if isNumber,
          let found = DecimalNumber.prefix(
            UnsafeBufferPointer(rebasing: bytes[next...]), point: cells.point),
          next + found.length < bytes.count, found.value.isFinite
        {
          let end = bytes[next + found.length]
          if end == delimiter {
            takeNumber(found.value)
            next += found.length + 1
            continue
          }
          if end == UInt8(ascii: "\n") {
            takeNumber(found.value)
            try endRow()
            return next + found.length + 1
          }
        }
      }
      let end = endOfField(bytes, from: next)
      let text = UnsafeBufferPointer(rebasing: bytes[next..<end])
      guard end < bytes.count, bytes[end] != UInt8(ascii: "\r") else {
        try append(text)
        place = end < bytes.count ? .carriageReturn : .unquoted
        return min(end + 1, bytes.count)
      }
      let isRowEnd = bytes[end] != delimiter
      if place == .unquoted {
        try append(text)
        if isRowEnd { try endBufferedRow() } else { try endBufferedField() }
      } else {
        try checkLength(text.count)
        try endField(text)
        if isRowEnd { try endRow(isBlank: text.isEmpty) }
      }
      next = end + 1
      if isRowEnd { return next }
    }
    return next
  }

  /// The place of the next delimiter or line end, or of the end of the piece.
  @inline(__always)
  private mutating func endOfField(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int {
    var end = start
    var bits: UInt8 = 0
    while end < bytes.count {
      let byte = bytes[end]
      if byte == delimiter || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { break }
      bits |= byte
      end += 1
    }
    self.bits |= bits
    return end
  }

  /// Takes a quoted field's bytes to the next quote, or to the end of the piece.
  private mutating func quoted(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int
  ) throws(FileError) -> Int {
    var end = start
    while end < bytes.count, bytes[end] != quote {
      if bytes[end] == UInt8(ascii: "\n") { line += 1 }
      bits |= bytes[end]
      end += 1
    }
    try append(UnsafeBufferPointer(rebasing: bytes[start..<end]))
    guard end < bytes.count else { return end }
    place = .closingQuote
    return end + 1
  }

  private mutating func afterQuote(_ byte: UInt8) throws(FileError) {
    switch byte {
    case quote:
      append(byte)
      place = .quoted
    case delimiter: try endBufferedField()
    case UInt8(ascii: "\n"): try endBufferedRow()
    case UInt8(ascii: "\r"): place = .closedCarriageReturn
    default:
      throw corrupt("line \(line): expected the end of a field behind its closing quote")
    }
  }

  mutating func append(_ byte: UInt8) {
    if !isSuperfluous { buffer.append(byte) }
  }

  private mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) throws(FileError) {
    if isSuperfluous || bytes.isEmpty { return }
    try checkLength(buffer.count + bytes.count)
    buffer.append(contentsOf: bytes)
  }

  private func checkLength(_ count: Int) throws(FileError) {
    guard count <= Self.fieldLimit else {
      throw FileError(
        path: path, kind: .tooLarge,
        reason: "line \(place == .quoted ? quoteLine : line): a field is longer than "
          + "\(Self.fieldLimit) bytes")
    }
  }
}
