import LockstepFiles
import LockstepReports
import Testing

@Suite struct TensorClipSuggestionTests {
  private static func table(_ rows: [(name: String, norms: [Double])]) -> NormHistory.Table {
    var table = NormHistory.Table()
    table.steps = rows[0].norms.indices.map { 10 * ($0 + 1) }
    table.names = rows.map(\.name)
    table.values = rows.map(\.norms)
    return table
  }

  private static func whole(_ percentile: Double) throws -> ClipSuggestion.Candidate {
    // Tame norms, so that the choice is the 99th percentile; or with rare large ones, the 95th.
    let norms = (0..<400).map { index -> Double in
      if percentile == 99 { return 1 + Double((index * 37) % 100) / 100 }
      return index % 97 == 50 ? 40 : 1
    }
    let steps = norms.enumerated().map { index, norm -> RunHistory.Step in
      RunHistory.Step(
        step: index + 1, loss: 1, gradientNorm: norm, clippedGradientNorm: norm, clipped: false)
    }
    let choice = try ClipSuggestion(RunHistory(steps: steps)).choice
    #expect(choice.percentile == percentile)
    return choice
  }

  /// Each tensor has the percentile of its own numbers, and clips what is above it.
  @Test(arguments: [95.0, 99])
  func eachTensorHasItsOwnThreshold(percentile: Double) throws {
    func norms(_ shift: Int, _ scale: Double) -> [Double] {
      (0..<200).map { index -> Double in
        scale * (1 + Double((index * 37 + shift) % 100) / 100)
      }
    }
    let rows: [(name: String, norms: [Double])] = [("a", norms(0, 1)), ("b", norms(11, 1000))]
    let found = try TensorClipSuggestion(
      .norms, Self.table(rows), whole: try Self.whole(percentile))
    #expect(found.stepCount == 180 && found.tensors.map(\.name) == ["a", "b"])
    var any = [Bool](repeating: false, count: 180)
    for (tensor, row) in zip(found.tensors, rows) {
      let settled = row.norms.dropFirst(20)
      let above = settled.map { $0 > tensor.threshold }
      #expect(tensor.clippedFraction == Double(above.count { $0 }) / 180)
      #expect(abs(tensor.clippedFraction - (1 - percentile / 100)) < 0.02)
      for (index, isAbove) in above.enumerated() where isAbove { any[index] = true }
    }
    #expect(found.clippedFraction == Double(any.count { $0 }) / 180)
    #expect(abs(found.tensors[1].threshold / found.tensors[0].threshold - 1000) < 1)
  }

  /// The lines are a list of clips, one a tensor, as configurations have them.
  @Test func theLinesAreAConfiguration() throws {
    let norms = (0..<30).map { 1 + Double($0 % 7) }
    let rows: [(name: String, norms: [Double])] = [("a", norms), ("b", norms)]
    for (kind, type) in [
      (TensorClipSuggestion.Kind.norms, "norm"), (.singularValues, "spectral"),
    ] {
      let found = try TensorClipSuggestion(kind, Self.table(rows), whole: try Self.whole(99))
      let text = "{" + found.configurationLines(for: RunClips(nil)).joined(separator: "\n") + "}"
      let clips = try #require(try JSONValue.parse(text)["clip"]?.arrayValue)
      #expect(clips.map { $0["type"] } == [.string(type), .string(type)])
      #expect(clips.map { $0["scope"] } == [["a"], ["b"]])
      #expect(clips.map { $0["limit"]?.doubleValue } == found.tensors.map { $0.threshold })
      #expect((found.adaptive == nil) == (kind == .singularValues))
    }
  }

  /// What never has a gradient has no threshold.
  @Test func tensorsWithoutNumbersAreLeftOut() throws {
    let late = (0..<40).map { $0 < 20 ? 0.0 : 3 }
    let odd = (0..<40).map { $0 == 30 ? Double.nan : 2 }
    let rows: [(name: String, norms: [Double])] = [
      ("still", [Double](repeating: 0, count: 40)), ("late", late), ("odd", odd),
    ]
    let found = try TensorClipSuggestion(.norms, Self.table(rows), whole: try Self.whole(99))
    #expect(found.tensors.map(\.name) == ["late", "odd"])
    #expect(found.tensors.map(\.threshold) == [3, 2] && found.clippedFraction == 0)
  }

  /// The least multiple of the mean that leaves as many steps behind the warm-up alone as the percentile says.
  @Test func limitsThatFollowTheNormsClipAsSeldom() throws {
    // Norms that fall, with one spike in thirty.
    let norms = (0..<300).map { index -> Double in
      let factor = index % 30 == 17 ? 4 : 1 + 0.2 * Double(index % 3)
      return factor * 1000 / Double(index + 100)
    }
    let spiky = AdaGCSuggestion(Self.table([("a", norms)]), percentile: 95, absolute: 100)
    #expect((1.2...3).contains(spiky.relative) && abs(spiky.clippedFraction - 1.0 / 30) < 0.01)
    #expect(spiky.clip["type"] == "adaGC" && spiky.clip["absolute"]?.doubleValue == 100)
    let none = AdaGCSuggestion(Self.table([("a", norms)]), percentile: 100, absolute: 100)
    #expect(none.relative >= 3 && none.clippedFraction == 0)
    // The first steps are longer than the threshold for all: they are not all clipped.
    let early = AdaGCSuggestion(Self.table([("a", norms)]), percentile: 95, absolute: 1)
    #expect((9...15).contains(early.absolute))
  }

  /// A long warm-up limits the norm of all tensors; behind it each has its own limit.
  @Test func theWarmUpLimitsTheGlobalNorm() {
    // Ten lines of the warm-up: the global norm is 5 but for one of 50. Then 'b' doubles.
    let a = (0..<20).map { $0 == 4 ? 30.0 : 3 }
    let b = (0..<20).map { $0 == 4 ? 40.0 : $0 == 15 ? 8 : 4 }
    let table = Self.table([("a", a), ("b", b)])
    func clipped(relative: Double, absolute: Double) -> [Int] {
      AdaGCSuggestion.clippedLines(table, relative: relative, absolute: absolute).enumerated()
        .compactMap { $1 ? $0 : nil }
    }
    #expect(clipped(relative: 1.5, absolute: 6) == [4, 15])
    #expect(clipped(relative: 2.5, absolute: 6) == [4])
    #expect(clipped(relative: 2.5, absolute: 60) == [])
    // Means start from what the warm-up left: all later steps are above them at first.
    #expect(clipped(relative: 1.05, absolute: 0.5).starts(with: Array(0..<11)))
  }

  @Test func tooLittleIsRefusedWithWhatToDo() throws {
    let short = Self.table([("a", (0..<15).map { Double($0 + 1) })])
    for (kind, words) in [
      (TensorClipSuggestion.Kind.norms, "train longer"),
      (.singularValues, "--set log.singularValues=true"),
    ] {
      for (table, found) in [(short, 14), (NormHistory.Table(), 0)] {
        let whole = try Self.whole(99)
        let error = #expect(throws: TensorClipSuggestionError.self) {
          try TensorClipSuggestion(kind, table, whole: whole)
        }
        #expect(error?.found == found && error?.description.contains(words) == true)
      }
    }
  }
}
