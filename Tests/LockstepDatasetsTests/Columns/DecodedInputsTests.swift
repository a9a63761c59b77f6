import LockstepDatasets
import LockstepFiles
import Testing

/// What a model's inputs say in the words of the table.
@Suite struct DecodedInputsTests {
  @Test func cellsComeBack() throws {
    let description = ColumnsDescription(columns: [
      .init("size", mean: 10, deviation: 4),
      .init(
        "gap", .number(NumberEncoding(mean: 1, deviation: 2, fill: 3, hasIndicator: true))),
      .init(
        "colour",
        .category(CategoryEncoding(levels: ["blue", "red"], rare: ["x"], hasMissing: true))
      ), .init("open", .boolean(BooleanEncoding(hasMissing: true))),
    ])
    #expect(description.inputNames.count == 9)
    for (inputs, wanted) in [
      ([0.5, 1, 0, 0, 1, 0, 0, 1, 0] as [Float], ["12", "3", "red", "yes"]),
      ([-1, 1, 1, 0, 0, 1, 0, 0, 0], ["6", "(missing)", "(rare)", "no"]),
      ([0, 0, 0, 0, 0, 0, 0, 0, 1], ["10", "1", "(none of the known)", "(missing)"]),
    ] {
      let cells = description.cells(of: inputs)
      #expect(cells.map(\.name) == ["size", "gap", "colour", "open"])
      #expect(cells.map(\.value) == wanted)
    }
  }
}
