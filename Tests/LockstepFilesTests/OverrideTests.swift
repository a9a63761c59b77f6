import LockstepFiles
import Testing

@Suite struct OverrideTests {
  @Test("values are JSON where they parse as JSON, else text")
  func parsing() throws {
    let cases: [(String, String, JSONValue)] = [
      ("a.b=3", "a.b", 3), ("rate=1e-3", "rate", 0.001), ("x=true", "x", true),
      ("x=[1,2]", "x", [1, 2]), ("x=cosine", "x", "cosine"), ("x=\"3\"", "x", "3"),
      ("x=", "x", ""), ("x=a=b", "x", "a=b"), ("x=null", "x", nil),
    ]
    for (text, path, value) in cases {
      #expect(try Override(parsing: text) == Override(path: path, value: value))
    }
    for text in ["", "=3", "novalue"] {
      let error = #expect(throws: ConfigurationError.self) { try Override(parsing: text) }
      #expect(error?.description == "--set: expected key.path=value, found '\(text)'")
    }
  }

  @Test("an override goes into what is null, and into a text that stands for an object")
  func shorthands() throws {
    var value: JSONValue = [
      "optimizer": "adam", "average": nil, "nonFinite": "skip", "initialWeights": "a.safetensors",
    ]
    for text in [
      "optimizer.learningRate=0.5", "average.decay=0.9", "nonFinite.limit=3",
      "initialWeights.mode=lenient",
    ] {
      try Override(parsing: text).apply(to: &value)
    }
    #expect(
      value == [
        "optimizer": ["type": "adam", "learningRate": 0.5], "average": ["decay": 0.9],
        "nonFinite": ["policy": "skip", "limit": 3],
        "initialWeights": ["file": "a.safetensors", "mode": "lenient"],
      ])
  }

  @Test("an override replaces and adds")
  func applying() throws {
    var value: JSONValue = ["layers": [["units": 3]]]
    try Override(parsing: "layers.0.units=128").apply(to: &value)
    try Override(parsing: "layers.0.unts=1").apply(to: &value)
    #expect(value == ["layers": [["units": 128, "unts": 1]]])
    let wrong = #expect(throws: ConfigurationError.self) {
      try Override(parsing: "layers.7.units=1").apply(to: &value)
    }
    #expect(
      wrong?.description
        == "--set: cannot set 'layers.7.units': '7' is not an index of an array of 1")
  }
}
