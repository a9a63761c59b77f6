import LockstepDatasets
import LockstepFiles
import Testing

@Suite struct SeriesContentTests {
  static func table(_ text: String) throws -> CSVTable {
    try CSVTable.parse(Array(text.utf8), path: "series.csv")
  }

  static func options(_ change: (inout SeriesOptions) -> Void = { _ in }) -> SeriesOptions {
    var options = SeriesOptions(.steps)
    options.series = "id"
    options.time = "t"
    options.target = "kind"
    change(&options)
    return options
  }

  /// Three series whose rows lie among each other, not in the order of time.
  static let steps = """
    id,t,x,y,kind
    a,2,3,30,up
    b,1,5,50,down
    a,1,1,10,up
    b,2,7,70,down
    b,3,9,90,down
    c,7,2,20,up
    """

  private func values(_ source: any ExampleSource, _ example: Int) throws -> [Float] {
    let field = source.inputFields[0]
    var values = [Float](repeating: 0, count: field.size)
    try values.withUnsafeMutableBufferPointer {
      try source.read(field, of: [example][...], into: $0)
    }
    return values
  }

  private func classes(_ labels: Dataset.Labels) -> [Int32] {
    if case .classes(let classes, _) = labels { classes } else { [] }
  }

  private func targets(_ labels: Dataset.Labels) -> [Float] {
    if case .targets(let values, _) = labels { values } else { [] }
  }

  @Test("rows become series, ordered by time, padded to powers of two")
  func rowsOfSteps() throws {
    let content = try SeriesContent(
      Self.table(Self.steps), Self.options { $0.standardize = false })
    #expect(content.count == 3)
    let description = try content.describe()
    let part = try content.part(as: description)
    #expect(part.ids == ["a", "b", "c"])
    #expect(part.places.lines == [4, 3, 7])
    let source = try #require(part.examples as? SequenceDataset)
    #expect(source.padding.values == [1, 2, 4])
    #expect(try values(source, 0) == [1, 10, 3, 30, 0, 0, 0, 0])
    #expect(try values(source, 1) == [5, 50, 7, 70, 9, 90, 0, 0])
    #expect((0..<3).map(source.bucket) == [1, 2, 0])
    #expect(classes(source.labels) == [1, 0, 1])
    #expect(try content.strata() == [1, 0, 1])
  }

  @Test("means and deviations are those of the training part's steps")
  func standardization() throws {
    let classes = try ClassNames(names: ["down", "up"])
    let content = try SeriesContent(
      Self.table(Self.steps),
      Self.options {
        $0.lengths = [4]
        $0.classes = classes
      })
    let description = try content.describe([0, 2])
    guard case .series(let series) = description.input else { throw Unexpected() }
    #expect(series.table.columns.map(\.number.mean) == [2, 20])
    let part = try content.part([1], as: description)
    let deviation = (2.0 / 3).squareRoot()
    #expect(try values(part.examples, 0)[0] == Float(3 / deviation))
  }

  @Test("times with offsets from UTC are instants: a night that repeats an hour is in order")
  func offsets() throws {
    let night = """
      id,t,x,y,kind
      a,2024-10-27T02:00:00+01:00,3,0,up
      a,2024-10-27T02:00:00+02:00,2,0,up
      a,2024-10-27T03:00:00+01:00,4,0,up
      a,2024-10-27T01:00:00+02:00,1,0,up
      """
    let content = try SeriesContent(Self.table(night), Self.options { $0.standardize = false })
    let part = try content.part(as: content.describe())
    let inputs = try values(part.examples, 0)
    #expect(stride(from: 0, to: 8, by: 2).map { inputs[$0] } == [1, 2, 3, 4])
  }

  @Test("a target for each step")
  func targetsOfSteps() throws {
    let content = try SeriesContent(
      Self.table(Self.steps),
      Self.options {
        $0.target = "y"
        $0.ignoring = ["kind"]
        $0.perStep = true
        $0.kind = .values
        $0.standardizesTarget = true
      })
    let description = try content.describe([1])
    #expect(description.target.perStep && description.target.scale?.mean == [70])
    #expect(description.target.unscaled(0, at: 0) == 70)
    let part = try content.part([1], as: description)
    let labels = targets(try part.labels)
    #expect(labels.count == 3 && labels[1] == 0 && labels[2] == -labels[0])
    #expect(abs(description.target.unscaled(labels[2], at: 0) - 90) < 1e-4)
    #expect(part.example(ofLabel: 2) == 0)
  }

  @Test("rows of series end with their last filled cell")
  func rowsOfSeries() throws {
    var options = SeriesOptions(.rows)
    options.target = "kind"
    options.series = "id"
    options.standardize = false
    let content = try SeriesContent(
      Self.table("id,kind,s1,s2,s3\np,1,4,5,6\nq,0,7,,\nr,1,8,9,\n"), options)
    let description = try content.describe()
    let part = try content.part(as: description)
    let source = try #require(part.examples as? SequenceDataset)
    #expect((0..<3).map(source.length) == [3, 1, 2])
    #expect(try values(source, 2) == [8, 9, 0, 0])
    // A later file may have fewer columns, and no target.
    let later = try SeriesContent(
      Self.table("id,s1,s2\nz,1,2\n"), as: try #require(description.series),
      description.target, isTargetOptional: true
    ).part(as: description)
    #expect(try values(later.examples, 0) == [1, 2, 0, 0])
    #expect(later.isLabelled == [false])
  }

  @Test("series of one length are arrays, and may have their features first")
  func oneLength() throws {
    var options = SeriesOptions(.steps)
    options.series = "id"
    options.target = "kind"
    options.standardize = false
    options.channelsFirst = true
    let content = try SeriesContent(
      Self.table("id,x,y,kind\na,1,2,0\na,3,4,0\nb,5,6,1\nb,7,8,1\n"), options)
    let description = try content.describe()
    let source = try content.part(as: description).dataset
    #expect(source.inputShape == [2, 2])
    #expect(try source.inputValues(of: [0, 1]) == [1, 3, 2, 4, 5, 7, 6, 8])
  }

  @Test("a description is the same when it has been written and read")
  func json() throws {
    for forecast in [false, true] {
      var options = Self.options { $0.standardizesTarget = false }
      let content = try SeriesContent(Self.table(Self.steps), options)
      var description = try content.describe()
      if forecast {
        options.target = nil
        options.ignoring = ["kind"]
        options.forecast = .init(targets: ["y"], window: 1, horizon: 1)
        description = try SeriesForecast(
          SeriesContent(Self.table(Self.steps), options), try #require(options.forecast),
          part: .all
        ).describe()
      }
      #expect(try DataDescription(description.json, source: "here") == description)
    }
  }

  @Test("other values, lengths or labels are told from these")
  func summaries() throws {
    func summary(_ text: String) throws -> PartSummary {
      let content = try SeriesContent(Self.table(text), Self.options())
      return try content.part(as: content.describe()).summary
    }
    let own = try summary(Self.steps)
    #expect(try summary(Self.steps) == own)
    for (from, to) in [("b,3,9", "b,3,8"), ("c,7,2,20,up", "c,7,2,20,down"), ("b,3", "c,8")] {
      let text = Self.steps.replacing(from, with: to)
      let other = from == "b,3" ? text.replacing("90,down", with: "90,up") : text
      #expect(try summary(other) != own, "\(to)")
    }
  }

  struct Unexpected: Error {}
}

extension DataDescription {
  var series: SeriesDescription? { if case .series(let series) = input { series } else { nil } }
}
