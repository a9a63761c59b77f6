import LockstepCatalog
import LockstepFiles
import Testing

private enum Shape: String, CaseIterable, HyperparameterValue {
  case round, square
}

private struct Refused: KeyedError {
  let key = "radius"
  let value = "3.0"
  let problem = "must not be 3"
}

/// A made thing, which may hold another one.
private struct Thing: Equatable {
  var radius = 0.0
  var shape = Shape.round
  var names: [String] = []
  var count: Int?
  indirect enum Inner: Equatable {
    case none
    case some(Thing)
  }
  var inner = Inner.none
}

private enum Things {
  static let catalog: Catalog<Thing> = Catalog(
    "thing",
    [
      Entry(
        "ball", "a ball",
        [
          .required("radius", .positive, "its size"), .with("shape", Shape.round, "its form"),
          .with("names", .texts, ["a"], "what it is called"),
          .optional("count", .integer(1...9), "how many"),
          .optional("inner", .object { Things.catalog.form }, "what is in it"),
        ]
      ) { values in
        let thing = Thing(
          radius: values["radius"], shape: values["shape"], names: values["names"],
          count: values["count"],
          inner: try values.make("inner", Things.catalog).map { .some($0) } ?? .none)
        if thing.radius == 3 { throw Refused() }
        return thing
      },
      Entry("point", "a point") { _ in Thing() },
    ], fallback: "point")
}

@Suite struct FormTests {
  @Test func valuesReachWhatIsMade() throws {
    #expect(try Things.catalog.make("point") == Thing())
    #expect(
      try Things.catalog.make("ball", ["radius": 2]) == Thing(radius: 2, names: ["a"]))
    #expect(
      try Things.catalog.make(
        "ball",
        [
          "radius": [1], "shape": "square", "names": "b", "count": 4,
          "inner": ["type": "ball", "radius": 1, "inner": "point"],
        ])
        == Thing(
          radius: 1, shape: .square, names: ["b"], count: 4,
          inner: .some(Thing(radius: 1, names: ["a"], inner: .some(Thing())))))
  }

  @Test(
    arguments: [
      ("ball", [:], "'radius' is missing; it must be a number greater than 0"),
      ("ball", ["radius": 0], "'radius' must be a number greater than 0; found an integer, 0"),
      ("ball", ["radius": 1, "shape": "sqare"], "found 'sqare'; did you mean 'square'?"),
      ("ball", ["radius": 1, "count": 10], "'count' must be an integer from 1 to 9"),
      ("ball", ["radius": 1, "names": [1]], "'names' must be an array of strings"),
      (
        "ball", ["radius": 1, "inner": ["type": "bal"]],
        "'inner.type' must be one of 'ball', 'point'"
      ),
      (
        "ball", ["radius": 1, "inner": ["type": "ball"]],
        "'inner.radius' is missing; it must be a number greater than 0"
      ),
      (
        "ball", ["radius": 1, "inner": ["type": "ball", "radius": 3]],
        "'inner.radius' must not be 3; found 3.0"
      ),
      (
        "ball", ["radius": 1, "inner": 3],
        "'inner' must be an object with a 'type'; found an integer, 3"
      ),
      ("ball", ["radius": 1, "radios": 1], "unknown key 'radios'; did you mean 'radius'?"),
      ("point", ["radius": 1], "unknown key 'radius'; it is a key of the type 'ball'"),
      ("bal", [:], "found 'bal'; did you mean 'ball'?"),
    ] as [(String, JSONObject, String)])
  func mistakesAreNamed(_ name: String, _ values: JSONObject, _ message: String) {
    let error = #expect(throws: ConfigurationError.self) {
      try Things.catalog.make(name, values)
    }
    #expect(error?.reason.contains(message) == true, "\(error?.reason ?? "")")
  }

  @Test func defaultsAreFilledIn() throws {
    let reader = try ConfigurationReader(["type": "ball", "radius": 1])
    let values = try Things.catalog.form.read(reader)
    #expect(
      values.resolved
        == [
          "type": "ball", "radius": .number(1), "shape": "round", "names": ["a"], "count": nil,
          "inner": nil,
        ])
    let again = try Things.catalog.form.read(ConfigurationReader(values.resolved))
    #expect(again.resolved == values.resolved)
    #expect(try Things.catalog.form.read(ConfigurationReader([:])).name == "point")
  }

  @Test func aDefaultMayFollowFromKeysBefore() throws {
    let form = Form(
      "pair",
      [
        .with("first", .number, 2, "the first"),
        .derived("second", .number, "the second", absence: "twice the first") { values in
          .number(2 * (values["first"]?.doubleValue ?? 0))
        },
      ])
    for (given, second): (JSONValue, Double) in [([:], 4), (["first": 3], 6), (["second": 1], 1)] {
      let values = try form.read(ConfigurationReader(given))
      #expect(values["second"] == second)
      #expect(values.resolved["second"] == .number(second))
    }
    #expect(throws: ConfigurationError.self) { try form.read(ConfigurationReader(["second": nil])) }
  }

  @Test func tablesShowKeysAndDefaults() {
    #expect(
      Things.catalog.form.markdown == """
        | type | meaning | keys (defaults) |
        |---|---|---|
        | `ball` | a ball | `radius` *required*, `shape` (round), `names` ([a]), `count`, `inner` |
        | `point` | a point |  |
        """)
    #expect(
      Things.catalog.form.text == """
        ball: a ball
            radius required, shape (round), names ([a]), count, inner
        point: a point

        """)
  }

  @Test func rangesAreWords() {
    for (kind, words): (HyperparameterKind, String) in [
      (.integer(atLeast: 2), "an integer of at least 2"),
      (.integer(1...3), "an integer from 1 to 3"),
      (.integer(Int.min...Int.max), "an integer"), (.number, "a number"),
      (.decayRate, "a number from 0 to 1 and less than 1"),
      (.integers(1...9, count: 1...Int.max), "an array of at least 1 integer from 1 to 9"),
      (.integers(1...9, count: 2...2), "an array of 2 integers from 1 to 9"),
      (
        .either(.choice(["automatic"]), .integer(atLeast: 1)),
        "'automatic' or an integer of at least 1"
      ),
      (
        .either(.choice(["valid", "same"]), .pair(0...Int.max)),
        "one of 'valid', 'same', an integer or [rows, columns] of at least 0"
      ),
    ] {
      #expect(kind.expectation == words)
    }
  }
}
