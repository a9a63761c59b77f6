internal import CZlib

/// A zip archive, whose members are stored as they are or deflated: NumPy's `.npz`.
///
/// Source: PKWARE's APPNOTE.TXT, sections 4.3 to 4.5; zip64 where members are larger than 4 GiB.
package struct ZipArchive: Sendable {
  /// A file in the archive.
  package struct Member: Sendable {
    /// Its name.
    package let name: String
    /// The length of its content.
    package let size: Int
    /// The content's bytes in the archive; nil where they are deflated.
    package let stored: Range<Int>?
    fileprivate let packed: Range<Int>
    fileprivate let checksum: UInt32
  }

  /// The archive's file.
  package let file: FileInput
  /// The files in it, in the order of its directory.
  package let members: [Member]

  private static let mostMembers = 1 << 16

  /// Reads the directory at the archive's end.
  package init(_ path: String) throws(FileError) {
    let file = try FileInput(path)
    func refuse(_ kind: FileError.Kind, _ reason: String) -> FileError {
      FileError(path: path, kind: kind, reason: reason)
    }
    // The end record is 22 bytes, and a comment of up to 64 KiB may follow.
    let tailStart = max(file.size - (22 + 1 << 16), 0)
    let tail = Bytes(try file.bytes(tailStart..<file.size))
    guard let end = tail.last(signature: 0x0605_4b50, room: 22) else {
      throw refuse(
        .truncated, "truncated: has no end of a zip archive; it is not complete, or no archive")
    }
    var (count, size, start) = (
      tail.number(end + 10, 2), tail.number(end + 12, 4), tail.number(end + 16, 4)
    )
    if count == 0xffff || size == 0xffff_ffff || start == 0xffff_ffff, end >= 20,
      tail.number(end - 20, 4) == 0x0706_4b50
    {
      let place = tail.number(end - 12, 8)
      guard place >= 0, place <= file.size - 56 else {
        throw refuse(.corrupt, "has a damaged directory")
      }
      let wide = Bytes(try file.bytes(place..<place + 56))
      (count, size, start) = (wide.number(32, 8), wide.number(40, 8), wide.number(48, 8))
    }
    guard start >= 0, size >= 0, start <= file.size, size <= file.size - start,
      (0...Self.mostMembers).contains(count)
    else { throw refuse(.corrupt, "has a damaged directory") }
    let directory = Bytes(try file.bytes(start..<start + size))
    var members: [Member] = []
    var place = 0
    for _ in 0..<count {
      guard let (member, next) = try Self.member(directory, at: place, in: file) else {
        throw refuse(.corrupt, "has a damaged directory")
      }
      members.append(member)
      place = next
    }
    self.file = file
    self.members = members
  }

  /// A record of the directory, and where the next one begins; nil where it is damaged.
  private static func member(
    _ directory: Bytes, at place: Int, in file: FileInput
  ) throws(FileError) -> (Member, next: Int)? {
    guard directory.has(place, 46), directory.number(place, 4) == 0x0201_4b50 else { return nil }
    let (flags, method) = (directory.number(place + 8, 2), directory.number(place + 10, 2))
    var sizes = [
      directory.number(place + 24, 4), directory.number(place + 20, 4),
      directory.number(place + 42, 4),
    ]
    let lengths = [28, 30, 32].map { directory.number(place + $0, 2) }
    let next = place + 46 + lengths.reduce(0, +)
    guard directory.has(place + 46, next - place - 46) else { return nil }
    let name = String(
      decoding: directory.bytes[place + 46..<place + 46 + lengths[0]], as: UTF8.self)
    // Zip64 keeps the numbers that do not fit in a field of their own, in this order.
    var field = place + 46 + lengths[0]
    let fieldsEnd = field + lengths[1]
    while field + 4 <= fieldsEnd {
      let length = directory.number(field + 2, 2)
      if directory.number(field, 2) == 1 {
        var from = field + 4
        for index in sizes.indices where sizes[index] == 0xffff_ffff {
          guard from + 8 <= min(field + 4 + length, fieldsEnd) else { return nil }
          sizes[index] = directory.number(from, 8)
          from += 8
        }
      }
      field += 4 + length
    }
    let (size, packed, header) = (sizes[0], sizes[1], sizes[2])
    guard size >= 0, packed >= 0, header >= 0, header <= file.size - 30 else { return nil }
    guard flags & 1 == 0, method == 0 || method == 8 else {
      throw FileError(
        path: file.path, kind: .mismatch,
        reason:
          "its member \(name.quoted) is \(flags & 1 == 0 ? "packed by a method that is not read here" : "encrypted"); "
          + "write it with numpy.savez or numpy.savez_compressed")
    }
    let local = Bytes(try file.bytes(header..<header + 30))
    guard local.number(0, 4) == 0x0403_4b50 else { return nil }
    let begin = header + 30 + local.number(26, 2) + local.number(28, 2)
    guard begin <= file.size, packed <= file.size - begin, method == 8 || packed == size else {
      return nil
    }
    let range = begin..<begin + packed
    return (
      Member(
        name: name, size: size, stored: method == 0 ? range : nil, packed: range,
        checksum: UInt32(truncatingIfNeeded: directory.number(place + 16, 4))), next
    )
  }

  /// The content of a member, whose checksum is compared.
  package func contents(
    of member: Member, limit: Int = 4 << 30
  ) throws(FileError) -> [UInt8] {
    let path = "\(file.path)/\(member.name)"
    guard member.size <= limit else { throw Gzip.tooLarge(path, limit: limit) }
    let packed = try file.bytes(member.packed)
    let content =
      member.stored == nil
      ? try Gzip.inflate(deflated: packed, path: path, limit: member.size) : packed
    let sum = content.withUnsafeBytes { bytes in
      crc32_z(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    }
    guard content.count == member.size,
      content.isEmpty || UInt32(truncatingIfNeeded: sum) == member.checksum
    else {
      throw FileError(
        path: path, kind: .corrupt, reason: "is damaged: its checksum or its length is another one")
    }
    return content
  }

  /// Bytes from which little-endian numbers are read.
  private struct Bytes {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func has(_ place: Int, _ count: Int) -> Bool {
      place >= 0 && count >= 0 && place <= bytes.count - count
    }

    /// A number of so many bytes; −1 beyond the end, or where it has more than 63 bits.
    func number(_ place: Int, _ count: Int) -> Int {
      guard has(place, count) else { return -1 }
      var value: UInt64 = 0
      for index in (place..<place + count).reversed() { value = value << 8 | UInt64(bytes[index]) }
      return Int(exactly: value) ?? -1
    }

    /// Where a record with this signature last begins.
    func last(signature: Int, room: Int) -> Int? {
      var place = bytes.count - room
      while place >= 0 {
        if number(place, 4) == signature { return place }
        place -= 1
      }
      return nil
    }
  }
}
