import LockstepConfiguration
import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct ConfigurationDamageTests {
  /// A configuration with bytes of other values is read or refused, and nothing else.
  @Test func damageNeverCrashes() async {
    await #expect(processExitsWith: .success) {
      let text = Array(
        """
        {"data": {"type": "csv", "file": "x.csv", "target": "t", "fillMissing": 0, "testFraction": 0.5},
        "model": {"type": "mlp", "sizes": [8, 4]}, "optimizer": {"type": "adamW", "learningRate": 0.1},
        "clip": {"type": "globalNorm", "limit": 1}, "batchSize": 32, "epochs": 2, "shards": 4}
        """.utf8)
      var mutator = Mutator(seed: 11)
      var read = 0
      withMemoryBound {
        for _ in 0..<2000 {
          let bytes = mutator.mutate(text)
          if (try? RunConfiguration(parsing: bytes, source: "c.json")) != nil { read += 1 }
        }
      }
      #expect(read > 50)
    }
  }

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
