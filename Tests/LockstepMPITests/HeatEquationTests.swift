import MPITesting
import Testing

/// The example with a halo exchange: whatever the number of ranks, each cell goes through the same
/// additions.
@Suite struct HeatEquationTests {
  /// The wall's last line, `fingerprint …`.
  private func fingerprint(_ ranks: Int, _ wall: [Int]) throws -> String {
    let result = try MPIRunner.run(
      MPIRunner.builtExecutable("heat-equation"), wall.map(String.init), ranks: ranks)
    #expect(result.succeeded, "\(result.transcript)")
    return try #require(
      result.lines.last { $0.hasPrefix("fingerprint ") }, "\(result.transcript)")
  }

  /// Rows and columns that divide among the ranks, that do not, and hardly one for each rank.
  @Test(arguments: [[48, 60, 100], [31, 17, 60], [7, 6, 25]])
  func everyNumberOfRanksGivesOneRanksBits(_ wall: [Int]) throws {
    let expected = try fingerprint(1, wall)
    for ranks in [2, 3, 4, 6] {
      #expect(try fingerprint(ranks, wall) == expected, "\(ranks) ranks")
    }
  }

  /// The fingerprint tells walls apart: another step gives another one.
  @Test func anotherStepIsAnotherWall() throws {
    #expect(try fingerprint(2, [12, 12, 5]) != fingerprint(2, [12, 12, 6]))
  }

  @Test func aWallWithFewerRowsThanRanksIsRefused() throws {
    let result = try MPIRunner.run(
      MPIRunner.builtExecutable("heat-equation"), ["1", "9", "1"], ranks: 4)
    #expect(
      result.lines.contains("a wall needs 2 rows and 2 columns at least"), "\(result.transcript)")
  }
}
