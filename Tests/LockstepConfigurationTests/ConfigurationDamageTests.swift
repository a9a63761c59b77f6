import LockstepConfiguration
import LockstepFiles
import Testing

@Suite struct ConfigurationDamageTests {
  @Test func fillValuesBeyondFloat32AreRefused() {
    for value in ["1e39", "-1e300"] {
      let text = """
        {"data": {"type": "csv", "file": "x.csv", "target": "t", "fillMissing": \(value)},
        "model": {"type": "mlp", "sizes": [4]}}
        """
      let error = #expect(throws: ConfigurationError.self) {
        try RunConfiguration(parsing: Array(text.utf8), source: "c.json")
      }
      #expect(error?.reason.contains("'data.fillMissing' must be") == true)
    }
  }
}
