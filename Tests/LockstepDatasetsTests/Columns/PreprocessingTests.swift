import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

/// A table's inputs are what scikit-learn's preprocessing makes of it.
@Suite struct PreprocessingTests {
  @Test("inputs equal those of SimpleImputer, StandardScaler and OneHotEncoder")
  func peers() throws {
    // #filePath is Tests/LockstepDatasetsTests/Columns/PreprocessingTests.swift.
    let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let path = "/\(tests)/LockstepTestSupport/Data/tables.json"
    let reference = try JSONValue.parse(FileInput.contents(of: path), source: path)
    let text = try #require(reference["csv"]?.stringValue)
    let fitted = try #require(reference["fitted"]?.integerValue)
    let cases = try #require(reference["cases"]?.arrayValue)
    #expect(cases.count == 6)
    for expected in cases {
      var options = TableOptions(target: "t")
      options.hasIndicators = true
      options.rules = [("deck", ColumnRule(.category))]
      options.standardize = expected["standardize"] == true
      options.missing =
        switch expected["missing"]?.stringValue {
        case "mean": .mean
        case "median": .median
        default: .fill(expected["missing"]?.doubleValue ?? 0)
        }
      let content = try TableContent(
        CSVTable.parse(Array(text.utf8), path: "t.csv", texts: options.texts), options)
      let description = try content.describe(Array(0..<fitted))
      let part = try content.part(as: description)
      let dataset = try part.dataset
      #expect(dataset.inputSize == expected["width"]?.integerValue)
      let inputs = try dataset.inputValues(of: Array(0..<dataset.count))
      let values = try #require(expected["inputs"]?.arrayValue).compactMap(\.doubleValue)
      #expect(inputs.count == values.count)
      let worst = zip(inputs, values).map { abs(Double($0) - $1) / max(1, abs($1)) }.max() ?? 1
      #expect(worst < 1e-6, "\(worst)")
      // Ports and decks that the fitted rows do not have.
      #expect(part.notices.count == 2)
    }
  }
}
