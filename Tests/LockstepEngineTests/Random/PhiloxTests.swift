#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import LockstepEngine
import Testing

@Suite struct PhiloxTests {
  @Test("known answers of Random123, philox4x32-10")
  func knownAnswers() {
    let cases: [(SIMD4<UInt32>, SIMD2<UInt32>, SIMD4<UInt32>)] = [
      (
        .zero, .zero,
        SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)
      ),
      (
        SIMD4(repeating: .max), SIMD2(repeating: .max),
        SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)
      ),
      (
        SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
        SIMD2(0xa409_3822, 0x299f_31d0),
        SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
      ),
    ]
    for (counter, key, answer) in cases {
      #expect(Philox.block(counter: counter, key: key) == answer)
    }
  }

  @Test("the key of a seed is its two halves, low first")
  func seeds() {
    #expect(Philox.key(seed: 0x299f_31d0_a409_3822) == SIMD2(0xa409_3822, 0x299f_31d0))
  }
}

@Suite struct CounterGeneratorTests {
  @Test("a stream is the blocks of its counter, in order")
  func streamIsBlocks() {
    var generator = CounterGenerator(seed: 0x1234_5678_9abc_def0, .dropout, index: 9)
    for position in 0..<5 {
      let block = Philox.block(
        counter: SIMD4(UInt32(position), 0, 9, RandomPurpose.dropout.rawValue),
        key: Philox.key(seed: 0x1234_5678_9abc_def0))
      for lane in 0..<4 { #expect(generator.nextWord() == block[lane]) }
    }
  }

  @Test("streams of other seeds, purposes and indices are other streams")
  func streamsDiffer() {
    var firsts: Set<UInt64> = []
    var count = 0
    for seed in [0, 1, 1 << 32] as [UInt64] {
      for purpose in [RandomPurpose.shuffling, .splitting, .initialization] {
        for index in 0..<4 as Range<UInt32> {
          var generator = CounterGenerator(seed: seed, purpose, index: index)
          firsts.insert(generator.next())
          count += 1
        }
      }
    }
    #expect(firsts.count == count)
  }

  @Test("bounded integers are in range and evenly spread", arguments: [1, 2, 3, 10, 1000])
  func bounded(bound: Int) {
    var generator = CounterGenerator(seed: 7, .synthesis)
    var counts = [Int](repeating: 0, count: bound)
    let draws = 200 * bound
    for _ in 0..<draws { counts[generator.index(below: bound)] += 1 }
    // Chi-squared with bound − 1 degrees of freedom: mean bound − 1, variance 2 (bound − 1).
    let squares = counts.reduce(0.0) { $0 + Double(($1 - 200) * ($1 - 200)) / 200 }
    let freedom = Double(bound - 1)
    #expect(abs(squares - freedom) <= 5 * (2 * freedom).squareRoot())
  }

  @Test("a bound beside a power of two rejects what would be drawn twice")
  func largeBound() {
    var generator = CounterGenerator(seed: 3, .synthesis)
    let bound = (1 << 62) + 1
    for _ in 0..<1000 { #expect((0..<bound).contains(generator.index(below: bound))) }
  }

  @Test("uniform numbers have mean 1/2, variance 1/12 and lie in [0, 1)")
  func uniform() {
    var generator = CounterGenerator(seed: 11, .synthesis)
    let values = (0..<20_000).map { _ in generator.nextUniform() }
    #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
    let mean = values.reduce(0, +) / 20_000
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
    #expect(abs(mean - 0.5) < 5 * (1.0 / 12 / 20_000).squareRoot())
    #expect(abs(variance - 1.0 / 12) < 5 * (1.0 / 180 / 20_000).squareRoot())
  }

  @Test("the logarithm agrees with the library's to 4 units of the last place")
  func logarithm() {
    #expect(naturalLogarithm(1) == 0)
    var generator = CounterGenerator(seed: 14, .synthesis)
    for _ in 0..<20_000 {
      let x = Double(
        sign: .plus, exponent: generator.index(below: 2000) - 1000,
        significand: 1 + generator.nextUniform())
      let expected = log(x)
      #expect(abs(naturalLogarithm(x) - expected) <= 4 * max(expected.ulp, 0x1p-1000))
    }
  }

  @Test("normal numbers have the moments and tails of the standard normal distribution")
  func normal() {
    var generator = CounterGenerator(seed: 12, .synthesis)
    let n = 40_000.0
    let values = (0..<Int(n)).map { _ in generator.nextNormal() }
    let mean = values.reduce(0, +) / n
    let second = values.reduce(0) { $0 + $1 * $1 } / n
    let fourth = values.reduce(0) { $0 + $1 * $1 * $1 * $1 } / n
    #expect(abs(mean) < 5 / n.squareRoot())
    #expect(abs(second - 1) < 5 * (2 / n).squareRoot())
    #expect(abs(fourth - 3) < 5 * (96 / n).squareRoot())
    let beyond = Double(values.count { abs($0) > 1.959_963_985 }) / n
    #expect(abs(beyond - 0.05) < 5 * (0.05 * 0.95 / n).squareRoot())
  }

  @Test("a shuffle is a permutation, and each order of three comes equally often")
  func shuffle() {
    var generator = CounterGenerator(seed: 13, .shuffling)
    var many = Array(0..<1000)
    generator.shuffle(&many)
    #expect(many != Array(0..<1000))
    #expect(many.sorted() == Array(0..<1000))

    var counts: [[Int]: Int] = [:]
    for _ in 0..<6000 {
      var three = [0, 1, 2]
      generator.shuffle(&three)
      counts[three, default: 0] += 1
    }
    #expect(counts.count == 6)
    for count in counts.values { #expect(abs(Double(count) - 1000) < 5 * 833.0.squareRoot()) }
  }
}
