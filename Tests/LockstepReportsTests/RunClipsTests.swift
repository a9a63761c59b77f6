import LockstepFiles
import LockstepReports
import Testing

/// What a run's configuration says of its clips, and what is put in their place.
@Suite struct RunClipsTests {
  private static func suggestion(_ norms: [Double]) throws -> ClipSuggestion {
    try ClipSuggestion(
      RunHistory(
        steps: norms.enumerated().map { index, norm in
          .init(
            step: index + 1, loss: 1, gradientNorm: norm, clippedGradientNorm: norm, clipped: false)
        }))
  }

  private static let flat = (0..<200).map { 1 + Double(($0 * 37) % 100) / 100 }
  private static let falling = (0..<200).map { 100 / Double($0 + 10) }

  /// What acts before gradients are added up stays first, and the rest makes room.
  @Test(arguments: [
    (#"{}"#, 0), (#"{"clip": null}"#, 0), (#"{"clip": []}"#, 0), (#"{"clip": 3}"#, 0),
    (#"{"clip": "zClip"}"#, 0), (#"{"clip": {"type": "zClip", "alpha": 0.9}}"#, 0),
    (#"{"clip": [{"type": "spike"}, {"type": "globalNorm", "limit": 1}]}"#, 0),
    (#"{"clip": {"type": "perShard", "norm": 2}}"#, 1),
    (
      #"{"clip": [{"type": "perExample", "norm": 2}, {"type": "perShard", "norm": 2}, "zClip"]}"#, 2
    ),
  ])
  func clipsOfTheSumAreReplaced(configuration: String, kept: Int) throws {
    let configuration = try JSONValue.parse(configuration)
    let found = try Self.suggestion(Self.flat).clips(for: RunClips(configuration))
    #expect(found.count == 1)
    let value = found[0].value
    let clips = value.arrayValue ?? [value]
    #expect(clips.count == kept + 1)
    #expect(
      clips.dropLast()
        == (configuration["clip"]?.arrayValue ?? [configuration["clip"] ?? .null])[..<kept])
    #expect(clips.last?["type"] == "globalNorm" && clips.last?["limit"]?.doubleValue == 1.98)
  }

  @Test func theNormOfExamplesChangesAlone() throws {
    let run = RunClips(
      try JSONValue.parse(
        #"{"clip": [{"type": "perExample", "norm": 2}, {"type": "norm", "limit": 1, "scope": "*'s"}]}"#
      ))
    let value = run.value(exampleNorm: 7)
    #expect(value.arrayValue?.first?["norm"]?.doubleValue == 7)
    #expect(value.arrayValue?.last?["type"] == "norm")
    // A shell's quotes end at a quote.
    #expect(RunClips.option(value).contains(#""*'\''s""#))
    #expect(
      RunClips(["clip": ["type": "perExample", "norm": 2]]).value(exampleNorm: 7).objectValue != nil
    )
  }

  /// Norms with a trend, and matrices with updates of one size, want a clip that follows norms.
  @Test func whatTheOptimizerTakesIsSuggested() throws {
    func types(_ norms: [Double], _ optimizer: String) throws -> [String] {
      let run = RunClips(["optimizer": ["type": .string(optimizer)]])
      #expect((run.reason == nil) == (optimizer == "sgd"))
      return try Self.suggestion(norms).clips(for: run).compactMap { $0.value["type"]?.stringValue }
    }
    #expect(try types(Self.flat, "sgd") == ["globalNorm"])
    #expect(try types(Self.falling, "sgd") == ["zClip", "autoClip", "globalNorm"])
    for optimizer in ["muon", "scion"] {
      #expect(try types(Self.flat, optimizer) == ["zClip", "autoClip"])
      #expect(try types(Self.falling, optimizer) == ["zClip", "autoClip"])
    }
    #expect(try types(Self.falling, "signSGD").isEmpty)
  }

  /// Falling and rising norms have a trend, and neither spikes nor wandering make one.
  @Test func trendsAreFound() throws {
    let trend = try #require(NormTrend(Self.falling))
    #expect(trend.falls && trend.medians == trend.medians.sorted(by: >))
    #expect(NormTrend(Self.falling.reversed())?.falls == false)
    #expect(NormTrend(Self.flat) == nil && NormTrend([1, 2, 3]) == nil)
    var spiky = Self.flat
    for index in 0..<20 { spiky[index] = 1e6 }
    #expect(NormTrend(spiky) == nil)
    // Up and down again.
    #expect(NormTrend(Self.flat.enumerated().map { $1 * ((50..<150).contains($0) ? 5 : 1) }) == nil)
    // By less than a factor of 3, and by more.
    func growing(_ factor: Double) -> [Double] {
      (0..<400).map { 1 + (factor - 1) * Double($0) / 399 }
    }
    #expect(NormTrend(growing(2)) == nil && NormTrend(growing(9))?.falls == false)
    let found = try Self.suggestion(Self.falling)
    #expect(found.reasoning.contains { $0.contains("falls over the run") })
    #expect(found.json["trend"]?["falls"] == true)
    #expect(try Self.suggestion(Self.flat).json["trend"] == .null)
  }
}
