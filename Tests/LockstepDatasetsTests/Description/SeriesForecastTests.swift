import LockstepDatasets
import LockstepFiles
import Testing

@Suite struct SeriesForecastTests {
  /// Two series of 10 and 4 steps: x counts on, y is its square.
  private static let text =
    "id,x,y\n"
    + (0..<10).map { "a,\($0),\($0 * $0)\n" }.joined()
    + (20..<24).map { "b,\($0),\($0 * $0)\n" }.joined()

  private func forecast(
    _ part: SeriesForecast.Part, window: Int = 3, horizon: Int = 2, stride: Int = 1,
    testFraction: Double? = nil, targets: [String] = ["y"], standardize: Bool = false
  ) throws -> SeriesForecast {
    var options = SeriesOptions(.steps)
    options.series = "id"
    options.standardize = standardize
    let forecast = SeriesOptions.Forecast(
      targets: targets, window: window, horizon: horizon, stride: stride,
      testFraction: testFraction)
    options.forecast = forecast
    return try SeriesForecast(
      SeriesContent(SeriesContentTests.table(Self.text), options), forecast, part: part)
  }

  private func dataset(_ content: SeriesForecast) throws -> Dataset {
    try content.part(as: content.describe()).dataset
  }

  @Test("windows see the past, targets lie behind them, and none crosses a series")
  func windows() throws {
    let all = try dataset(forecast(.all))
    // Six windows of the first series; the second one has no five steps.
    #expect(all.count == 6)
    #expect(try all.inputValues(of: [5]) == [5, 25, 6, 36, 7, 49])
    #expect(try all.targets(of: [0, 5]) == [9, 16, 64, 81])
    let both = try dataset(forecast(.all, horizon: 1, targets: ["x", "y"]))
    #expect(both.count == 8)
    #expect(try both.targets(of: [7]) == [23, 529])
  }

  @Test("what is predicted in the test part is in no training window")
  func cut() throws {
    let training = try dataset(forecast(.training, testFraction: 0.3))
    let test = try dataset(forecast(.test, testFraction: 0.3))
    // The cut is behind x = 6.
    let seen = try training.targets(of: Array(0..<training.count))
    #expect(seen.max() == 36)
    #expect(try test.targets(of: Array(0..<test.count)) == [49, 64, 64, 81])
    #expect(try test.inputValues(of: [0]) == [4, 16, 5, 25, 6, 36])
    #expect(try dataset(forecast(.training, stride: 2, testFraction: 0.3)).count == 2)
  }

  @Test("means and deviations are those of the training part, and go back")
  func scale() throws {
    let content = try forecast(.training, testFraction: 0.3, standardize: true)
    let description = try content.describe()
    // x = 0...6 of the first series, and 20...22 of the second.
    let values = (Array(0...6) + Array(20...22)).map { Double($0 * $0) }
    let mean = values.reduce(0, +) / 10
    #expect(description.target.scale?.mean == [mean])
    let label = try content.part(as: description).dataset.targets(of: [0])[1]
    #expect(abs(description.target.unscaled(label, at: 1) - 16) < 1e-4)
    #expect(description.series?.forecast?.outputNames == ["y+1", "y+2"])
  }

  @Test("ahead of the table's end each series has one window without a label")
  func ahead() throws {
    let content = try forecast(.ahead)
    let part = try content.part(as: content.describe())
    #expect(part.ids == ["a", "b"])
    #expect(part.places.rows == [10, 14])
    #expect(part.isLabelled == [false, false])
    #expect(try part.dataset.inputValues(of: [1]) == [21, 441, 22, 484, 23, 529])
  }

  @Test("what cannot be forecast is refused")
  func errors() throws {
    func message(_ body: () throws -> Void) -> String {
      do { try body() } catch { return "\(error)" }
      return "nothing"
    }
    #expect(
      message { _ = try forecast(.all, window: 9) }.contains(
        "no series has the 11 steps of a window of 9 and a horizon of 2: the longest has 10"))
    #expect(
      message { _ = try forecast(.all, targets: ["z"]) }.contains("has no column 'z'"))
    #expect(
      message { _ = try forecast(.all, targets: ["id"]) }.contains("'id' is no feature"))
    #expect(throws: DatasetError.self) { try forecast(.all).strata() }
  }
}
