import LockstepEngine

/// Deterministic damage to files: the cases of a fuzzing loop.
public struct Mutator {
  private var generator: CounterGenerator

  public init(seed: UInt64) { generator = CounterGenerator(seed: seed, .synthesis) }

  /// A copy of bytes with one to four random changes.
  public mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0...generator.index(below: 4) { change(&bytes) }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else {
      bytes.append(UInt8(generator.index(below: 256)))
      return
    }
    let place = generator.index(below: bytes.count)
    let length = min(1 + generator.index(below: 16), bytes.count - place)
    switch generator.index(below: 10) {
    case 0: bytes[place] ^= 1 << UInt8(generator.index(below: 8))
    case 1: bytes[place] = UInt8(generator.index(below: 256))
    case 2: bytes[place] = [0, 1, 0x7f, 0x80, 0xff][generator.index(below: 5)]
    case 3: bytes.removeSubrange(place..<(place + length))
    case 4: bytes.insert(contentsOf: bytes[place..<(place + length)], at: place)
    case 5: bytes.removeSubrange(place...)
    case 6: bytes.append(contentsOf: (0..<length).map { UInt8($0) })
    case 7: for offset in 0..<length { bytes[place + offset] = 0xff }
    case 8:
      // What breaks texts: long numbers, quotes, brackets, separators.
      let pieces = [
        "99999999999999999999", "9223372036854775807", "-1", "1e999", "\"", "[", "{", "}", ",",
        ":", "\\u", "\r\n", "0", ".", "null",
      ]
      let piece = Array(pieces[generator.index(below: pieces.count)].utf8)
      bytes.replaceSubrange(
        place..<(place + (generator.index(below: 2) == 0 ? 0 : length)), with: piece)
    default:
      let other = generator.index(below: bytes.count)
      bytes.swapAt(place, other)
    }
  }
}
