import LockstepState
import LockstepFiles
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct ConfigurationDifferenceTests {
  @Test func theDeepestDifferingKeysAreNamed() {
    let first: JSONValue = ["a": 1, "b": ["c": [1, 2], "d": "x"], "e": nil]
    let second: JSONValue = ["b": ["c": [1, 3], "d": "x", "f": true], "a": 1.5]
    // A key that is absent and one that is null mean the same.
    #expect(ConfigurationDifference.keys(first, second) == ["a", "b.c", "b.f"])
    #expect(ConfigurationDifference.keys(second, first) == ["b.c", "b.f", "a"])
    #expect(ConfigurationDifference.keys(first, second, ignoring: ["b"]) == ["a"])
    #expect(
      ConfigurationDifference.keys(first, second, ignoring: ["a", "b.c", "b.f"]).isEmpty)
  }

  @Test func keysMayBeAbsentButNotDiffer() {
    let given: JSONValue = ["a": 1, "b": ["c": 1]]
    for without in [["a": 1], ["a": 1, "b": nil]] as [JSONValue] {
      #expect(ConfigurationDifference.keys(given, without, absent: ["b"]).isEmpty)
      #expect(ConfigurationDifference.keys(without, given, absent: ["b"]).isEmpty)
      #expect(ConfigurationDifference.keys(given, without) == ["b"])
    }
    let other: JSONValue = ["a": 1, "b": ["c": 2]]
    #expect(ConfigurationDifference.keys(given, other, absent: ["b"]) == ["b.c"])
  }

  /// Runs of a program that did not know a key can be resumed by one that does, where the key is not used.
  @Test func newKeysThatSayNothingDoNotDiffer() {
    let old: JSONValue = ["a": 1, "b": ["c": 1]]
    let new: JSONValue = ["a": 1, "b": ["c": 1, "d": false], "e": [], "f": nil]
    #expect(ConfigurationDifference.keys(old, new).isEmpty)
    #expect(ConfigurationDifference.keys(new, old).isEmpty)
    let used: JSONValue = ["a": 1, "b": ["c": 1, "d": true], "e": [1]]
    #expect(ConfigurationDifference.keys(old, used) == ["b.d", "e"])
    #expect(ConfigurationDifference.keys(new, used) == ["b.d", "e"])
  }

  @Test func aConfigurationEqualsItself() throws {
    let value: JSONValue = ["a": 1, "b": ["c": [1, 2], "d": 0.1], "e": nil]
    #expect(ConfigurationDifference.keys(value, value).isEmpty)
    #expect(ConfigurationDifference.keys(value, try JSONValue.parse(value.compactText)).isEmpty)
    #expect(ConfigurationDifference.keys(value, 3) == ["(everything)"])
  }
}
