import LockstepReports
import Testing

@Suite struct RocCurveTests {
  private static func scores(_ count: Int, levels: UInt64) -> ([Double], [Bool]) {
    var state: UInt64 = 7
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    return (0..<count).reduce(into: ([], [])) { result, _ in
      let isPositive = next() % 3 == 0
      result.0.append(Double(next() % levels + (isPositive ? levels / 4 : 0)))
      result.1.append(isPositive)
    }
  }

  /// The area is the share of pairs that are ordered right; ties count half.
  @Test(arguments: [UInt64(4), 100, 1_000_000])
  func theAreaCountsPairs(levels: UInt64) throws {
    let (scores, isPositive) = Self.scores(300, levels: levels)
    var (twice, pairs) = (0, 0)
    for (a, isA) in zip(scores, isPositive) where isA {
      for (b, isB) in zip(scores, isPositive) where !isB {
        pairs += 1
        twice += a > b ? 2 : a == b ? 1 : 0
      }
    }
    let curve = try #require(RocCurve("x", scores: scores, isPositive: isPositive))
    #expect(abs(curve.area - Double(twice) / Double(2 * pairs)) < 1e-12)
  }

  @Test func itGoesFromOneCornerToTheOther() throws {
    let (scores, isPositive) = Self.scores(5000, levels: 1_000_000)
    let curve = try #require(RocCurve("x", scores: scores, isPositive: isPositive))
    #expect(curve.falsePositives.first == 0 && curve.truePositives.first == 0)
    #expect(curve.falsePositives.last == 1 && curve.truePositives.last == 1)
    #expect(curve.falsePositives == curve.falsePositives.sorted())
    #expect(curve.truePositives == curve.truePositives.sorted())
    #expect(curve.truePositives.count <= 400)
  }

  @Test func theOrderOfExamplesDoesNotMatter() throws {
    let (scores, isPositive) = Self.scores(100, levels: 5)
    let one = try #require(RocCurve("x", scores: scores, isPositive: isPositive))
    let other = RocCurve(
      "x", scores: scores.reversed(), isPositive: Array(isPositive.reversed()))
    #expect(one == other)
  }

  @Test func oneKindAloneHasNone() {
    #expect(RocCurve("x", scores: [1, 2], isPositive: [true, true]) == nil)
    #expect(RocCurve("x", scores: [1, .nan], isPositive: [true, false]) == nil)
    #expect(RocCurve("x", scores: [], isPositive: []) == nil)
  }
}
