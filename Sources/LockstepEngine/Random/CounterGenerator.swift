/// What random numbers are for: the streams of different purposes never meet, whatever the seed.
package struct RandomPurpose: Sendable, Equatable, RawRepresentable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The order of examples; the index is the epoch.
  package static let shuffling = Self(rawValue: 1)
  /// The cut of a data set into parts.
  package static let splitting = Self(rawValue: 2)
  /// Made-up data; the index counts the draws.
  package static let synthesis = Self(rawValue: 3)
  /// Initial weights; the index is the parameter.
  package static let initialization = Self(rawValue: 4)
  /// Masks of dropout.
  package static let dropout = Self(rawValue: 5)
  /// Random changes to inputs; the index is the epoch, the position begins at example · 2^32.
  package static let augmentation = Self(rawValue: 6)
  /// Mixtures of examples; the index is the epoch, the position begins at example · 2^32.
  package static let mixing = Self(rawValue: 12)
  /// The choice of tokens of a generated text; two words a token.
  package static let generation = Self(rawValue: 7)
  /// Noise added to gradients; the index is the step, the position follows the place in the layout.
  package static let gradientNoise = Self(rawValue: 21)
  /// Examples drawn with replacement; the index is the epoch, two words a draw.
  package static let sampling = Self(rawValue: 8)
  /// Examples that are each in a batch or not by a draw of their own; the index is the step.
  package static let inclusion = Self(rawValue: 9)
  /// Noise that keeps examples private; the index is the step.
  package static let privacyNoise = Self(rawValue: 10)
}

/// A stream of random numbers fixed by (seed, purpose, index): `Philox` with a running counter.
///
/// The counter's words are (position low, position high, index, purpose), the key is the seed; a
/// stream has 2^66 words. No library function enters the numbers, so that they are the same bits on
/// any machine.
public struct CounterGenerator: RandomNumberGenerator, Sendable {
  private let key: SIMD2<UInt32>
  private let purpose: UInt32
  private let index: UInt32
  private var position: UInt64
  private var words = SIMD4<UInt32>()
  private var used = 4

  /// The stream of a purpose with an index, from its start or from a later block of four words.
  package init(seed: UInt64, _ purpose: RandomPurpose, index: UInt32 = 0, position: UInt64 = 0) {
    key = Philox.key(seed: seed)
    self.purpose = purpose.rawValue
    self.index = index
    self.position = position
  }

  /// The next 32 random bits.
  package mutating func nextWord() -> UInt32 {
    if used == 4 {
      words = Philox.block(
        counter: SIMD4(
          UInt32(truncatingIfNeeded: position), UInt32(truncatingIfNeeded: position >> 32),
          index, purpose),
        key: key)
      position &+= 1
      used = 0
    }
    defer { used += 1 }
    return words[used]
  }

  /// The next 64 random bits, low word first.
  public mutating func next() -> UInt64 {
    let low = UInt64(nextWord())
    return low | UInt64(nextWord()) << 32
  }

  /// An integer in `0..<bound`, each with exactly the same probability.
  ///
  /// Source: D. Lemire, "Fast random integer generation in an interval", ACM TOMACS 2019.
  ///
  /// - Throws: ``ArgumentError`` where `bound` is not positive.
  package mutating func next(below bound: Int) throws(ArgumentError) -> Int {
    try ArgumentError.require(bound, atLeast: 1, "bound", of: "CounterGenerator.next(below:)")
    return index(below: bound)
  }

  /// As ``next(below:)`` for a bound that is known to be positive.
  @usableFromInline package mutating func index(below bound: Int) -> Int {
    let bound = UInt64(bound)
    var (high, low) = next().multipliedFullWidth(by: bound)
    if low < bound {
      let threshold = (0 &- bound) % bound
      while low < threshold { (high, low) = next().multipliedFullWidth(by: bound) }
    }
    return Int(high)
  }

  /// A multiple of 2^-53 in [0, 1), each with the same probability.
  public mutating func nextUniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number of the standard normal distribution.
  ///
  /// Source: Marsaglia's polar method, G. Marsaglia, T. Bray, SIAM Review 1964.
  public mutating func nextNormal() -> Double {
    while true {
      let x = 2 * nextUniform() - 1
      let y = 2 * nextUniform() - 1
      let square = x * x + y * y
      if square > 0, square < 1 {
        return x * (-2 * naturalLogarithm(square) / square).squareRoot()
      }
    }
  }

  /// Brings elements into a random order, each order with the same probability (Fisher–Yates).
  @inlinable
  package mutating func shuffle<Element>(_ elements: inout [Element]) {
    var last = elements.count - 1
    while last > 0 {
      elements.swapAt(last, index(below: last + 1))
      last -= 1
    }
  }
}

/// ln x for a positive normal number, within 4 units of the last place, by basic operations alone: a
/// library's logarithm has different bits on different processors.
package func naturalLogarithm(_ x: Double) -> Double {
  // x = m · 2^e with m in [√½, √2); ln m = 2 artanh((m − 1) / (m + 1)).
  var exponent = x.exponent
  var mantissa = x.significand
  if mantissa > 1.414_213_562_373_095_1 {
    mantissa /= 2
    exponent += 1
  }
  let t = (mantissa - 1) / (mantissa + 1)
  let square = t * t
  // |t| < 0.1716: the term in t^23 is below 2^-53 of the sum.
  var sum = 0.0
  for odd in stride(from: 21, through: 1, by: -2) { sum = sum * square + 1 / Double(odd) }
  return 2 * t * sum + Double(exponent) * 0.693_147_180_559_945_31
}
