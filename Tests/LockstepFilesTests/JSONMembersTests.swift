import LockstepFiles
import Testing

@Suite struct JSONMembersTests {
  private func values(_ keys: [String], _ text: String) throws -> [JSONValue?] {
    try Array(text.utf8).withUnsafeBytes { try JSONMembers(keys).values(of: $0, source: "line") }
  }

  /// What is read is what a parser of everything gives.
  @Test(arguments: [
    #"{"step": 3, "loss": 0.5, "names": ["a", {"b": [1, 2]}], "text": "x\"}"}"#,
    #"{"loss": null, "step": -1e3}"#,
    #"{"other": {"step": 7}, "step": [1]}"#,
    "{}",
  ])
  func membersAreTheParsers(text: String) throws {
    let whole = try JSONValue.parse(text)
    let read = try values(["step", "loss", "missing"], text)
    #expect(read == [whole["step"], whole["loss"], nil])
  }

  /// What nobody asks for is checked all the same.
  @Test(arguments: [
    (#"{"a": [1, 2}"#, "expected ',' or ']' in an array"),
    (#"{"a": "x"#, "the string has no closing quote"),
    (#"{"a" 1}"#, "expected ':' behind a key"),
    (#"{"a": 1} x"#, "expected the end of the text"),
    (#"[1]"#, "expected an object"),
    (#"{"step": 1, "step": 2}"#, "the key is there twice"),
  ])
  func damageIsNamed(text: String, reason: String) {
    let error = #expect(throws: JSONSyntaxError.self) { _ = try values(["step"], text) }
    let description = error.map { "\($0)" } ?? ""
    #expect(description.contains(reason), "\(description)")
  }
}
