import LockstepCatalog
import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct ConfigurationReaderTests {
  /// A reader over a text.
  private func reader(_ text: String) throws -> ConfigurationReader {
    try ConfigurationReader(try JSONValue.parse(text), source: "c.json")
  }

  /// The message of the error that `body` throws.
  private func message(_ body: () throws -> Void) -> String? {
    #expect(throws: ConfigurationError.self, performing: body)?.description
  }

  @Test("values of every type, with defaults")
  func values() throws {
    let reader = try reader(
      #"""
      {"i": 3, "big": 1e4, "d": 2, "s": "x", "b": true, "is": [1, 2], "ds": [1, 0.5], "ss": ["a"],
       "o": {"k": 1}, "os": [{"k": 1}, {"k": 2}], "n": null}
      """#)
    #expect(try reader.integer("i") == 3)
    #expect(try reader.integer("big", in: 1...Int.max) == 10_000)
    #expect(try reader.double("d") == 2)
    #expect(try reader.choice("s", ["x", "y"]) == "x")
    #expect(try reader.bool("b"))
    #expect(try reader.integers("is", in: 0...2) == [1, 2])
    #expect(try reader.doubles("ds") == [1, 0.5])
    #expect(try reader.strings("ss") == ["a"])
    #expect(try reader.object("o").integer("k") == 1)
    #expect(try reader.objects("os").map { try $0.integer("k") } == [1, 2])
    #expect(try reader.optionalInteger("n") == nil)

    #expect(try reader.integer("i2", default: 4) == 4)
    #expect(try reader.double("d2", default: 0.5) == 0.5)
    #expect(try reader.string("s2", default: "z") == "z")
    #expect(try reader.bool("b2", default: false) == false)
    #expect(try reader.object("o2").integer("k", default: 5) == 5)
    #expect(try reader.objects("os2", required: false).isEmpty)
    #expect(try reader.optionalInteger("x") == nil)
    try reader.finish()
  }

  @Test("the resolved configuration has all defaults, in the order of reading, and reads the same")
  func resolved() throws {
    func read(_ reader: ConfigurationReader) throws {
      let training = try reader.object("training")
      _ = try training.integer("batchSize", default: 64)
      _ = try training.double("rate", default: 0.1)
      _ = try training.optionalInteger("shards")
      for layer in try reader.objects("layers") { _ = try layer.string("kind", default: "dense") }
      try reader.finish()
    }
    let first = try reader(#"{"layers": [{}, {"kind": "conv"}], "training": {"rate": 1}}"#)
    try read(first)
    #expect(
      first.resolved.compactText
        == #"{"training":{"batchSize":64,"rate":1.0,"shards":null},"#
        + #""layers":[{"kind":"dense"},{"kind":"conv"}]}"#)
    let second = try ConfigurationReader(first.resolved)
    try read(second)
    #expect(second.resolved == first.resolved)
  }

  @Test("unknown keys: path and nearest known key")
  func unknown() throws {
    let reader = try reader(
      #"{"training": {"batchsize": 8, "xyzzy": 1}, "layers": [{"unist": 3}], "modle": {}}"#)
    let training = try reader.object("training")
    _ = try training.integer("batchSize", default: 64)
    _ = try training.integer("epochs", default: 1)
    for layer in try reader.objects("layers") { _ = try layer.integer("units", default: 1) }
    _ = try reader.object("model")
    let error = #expect(throws: ConfigurationError.self) { try reader.finish() }
    #expect(error?.path == "modle")
    #expect(
      error?.description == """
        c.json: unknown key 'modle'; did you mean 'model'?
        unknown key 'batchsize' in 'training'; did you mean 'batchSize'?
        unknown key 'xyzzy' in 'training'; known here: 'batchSize', 'epochs'
        unknown key 'unist' in 'layers.0'; did you mean 'units'?
        """)
  }

  @Test("wrong types and ranges: path, expected, found")
  func mismatches() throws {
    let root = try reader(
      #"""
      {"t": {"i": "x", "f": 1.5, "z": 0, "big": 1e300, "d": true, "s": 3, "b": 1, "o": [], "os": {},
       "mixed": [1, "a"], "n": null, "opt": "sdg",
       "long": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "osx": [1]}}
      """#)
    let t = try root.object("t")
    #expect(
      message { _ = try t.integer("i", default: 1) }
        == #"c.json: 't.i' must be an integer; found a string, "x""#)
    #expect(
      message { _ = try t.integer("f") } == "c.json: 't.f' must be an integer; found a number, 1.5")
    #expect(
      message { _ = try t.integer("z", in: 1...Int.max) }
        == "c.json: 't.z' must be an integer of at least 1; found an integer, 0")
    #expect(
      message { _ = try t.integer("z", in: 1...5) }
        == "c.json: 't.z' must be an integer from 1 to 5; found an integer, 0")
    #expect(
      message { _ = try t.integer("big") }
        == "c.json: 't.big' must be an integer; found a number, 1e+300")
    #expect(
      message { _ = try t.double("d") } == "c.json: 't.d' must be a number; found a boolean, true")
    #expect(
      message { _ = try t.double("z", above: 0) }
        == "c.json: 't.z' must be a number greater than 0; found an integer, 0")
    #expect(
      message { _ = try t.double("f", in: 0...1) }
        == "c.json: 't.f' must be a number from 0 to 1; found a number, 1.5")
    #expect(
      message { _ = try t.double("f", above: 0, below: 1) }
        == "c.json: 't.f' must be a number greater than 0 and less than 1; found a number, 1.5")
    #expect(
      message { _ = try t.string("s") } == "c.json: 't.s' must be a string; found an integer, 3")
    #expect(
      message { _ = try t.bool("b") } == "c.json: 't.b' must be true or false; found an integer, 1")
    #expect(
      message { _ = try t.object("o") } == "c.json: 't.o' must be an object; found an array, []")
    // One object is a list of one.
    #expect(try t.objects("os").count == 1)
    #expect(
      message { _ = try t.objects("osx") }
        == "c.json: 't.osx.0' must be an object; found an integer, 1")
    #expect(
      message { _ = try t.integers("mixed") }
        == #"c.json: 't.mixed' must be an array of integers; found an array, [1,"a"]"#)
    #expect(
      message { _ = try t.integer("n", default: 1) }
        == "c.json: 't.n' must be an integer; found null")
    #expect(
      message { _ = try t.choice("opt", ["sgd", "adam"]) }
        == "c.json: 't.opt' must be one of 'sgd', 'adam'; found 'sdg'; did you mean 'sgd'?")
    #expect(
      message { _ = try t.integer("long") }
        == "c.json: 't.long' must be an integer; found a string, \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..."
    )
    #expect(
      message { throw t.error("f", "must be even") } == "c.json: 't.f' must be even")
    #expect(
      message { _ = try ConfigurationReader([1], source: "c.json") }
        == "c.json: expected an object, found an array")
  }

  @Test("a missing key is named, behind unknown keys that are not it")
  func missing() throws {
    let model = try reader(#"{"model": {"epoch": 3}}"#).object("model")
    #expect(
      message { _ = try model.integer("epochs", in: 1...Int.max) }
        == "c.json: unknown key 'epoch' in 'model'; did you mean 'epochs'?")
    let other = try reader(#"{"model": {"xyzzy": 3}}"#).object("model")
    #expect(
      message { _ = try other.integer("epochs", in: 1...Int.max) }
        == """
        c.json: unknown key 'xyzzy' in 'model'; known here: 'epochs'
        'model.epochs' is missing; it must be an integer of at least 1
        """)
    let empty = try reader(#"{"model": {}}"#).object("model")
    #expect(
      message { _ = try empty.objects("layers") }
        == "c.json: 'model.layers' is missing; it must be an array of objects")
  }

  @Test("one value and a list of one are the same, in the form that is asked for")
  func singles() throws {
    let reader = try reader(
      #"""
      {"is": 3, "ds": 0.5, "ss": "a", "os": {"k": 1}, "i": [3], "d": [2], "s": ["x"], "b": [true],
       "o": [{"k": 1}], "empty": [], "two": [1, 2], "nested": [[1, 2]]}
      """#)
    #expect(try reader.integers("is") == [3])
    #expect(try reader.doubles("ds") == [0.5])
    #expect(try reader.strings("ss") == ["a"])
    #expect(try reader.objects("os").map { try $0.integer("k") } == [1])
    #expect(try reader.integer("i") == 3)
    #expect(try reader.double("d") == 2)
    #expect(try reader.choice("s", ["x"]) == "x")
    #expect(try reader.bool("b"))
    #expect(try reader.object("o").integer("k") == 1)
    #expect(
      reader.resolved.compactText
        == #"{"is":[3],"ds":[0.5],"ss":["a"],"os":{"k":1},"i":3,"d":2.0,"s":"x","b":true,"o":{"k":1}}"#
    )
    #expect(message { _ = try reader.integer("empty") } != nil)
    #expect(message { _ = try reader.integer("two") } != nil)
    #expect(message { _ = try reader.integers("nested") } != nil)
  }

  @Test("a number stands for its digits among choices")
  func digits() throws {
    let reader = try reader(#"{"norm": 2, "other": 2.0, "wrong": 3}"#)
    #expect(try reader.choice("norm", ["1", "2"]) == "2")
    #expect(try reader.choice("other", ["1", "2"]) == "2")
    #expect(
      message { _ = try reader.choice("wrong", ["1", "2"]) }
        == "c.json: 'wrong' must be one of '1', '2'; found an integer, 3")
  }

  @Test("a text stands for an object where the reader says of which key")
  func shorthands() throws {
    let reader = try reader(#"{"o": "adam", "os": ["a", {"type": "b"}], "one": "c", "none": null}"#)
    #expect(try reader.object("o", shorthand: "type").string("type") == "adam")
    #expect(
      try reader.objects("os", shorthand: "type").map { try $0.string("type") } == ["a", "b"])
    #expect(try reader.objects("one", shorthand: "type").map { try $0.string("type") } == ["c"])
    #expect(try reader.objects("none", required: false).isEmpty)
    try reader.finish()
    let strict = try self.reader(#"{"o": "adam", "n": 1}"#)
    #expect(
      message { _ = try strict.object("o") }
        == #"c.json: 'o' must be an object; found a string, "adam""#)
    #expect(
      message { try strict.refuseNumber("n") { ["limit": $0] } }
        == #"c.json: 'n' must be an object; found 1; did you mean {"limit":1}?"#)
  }

  @Test("an unknown key leads to the place where it belongs")
  func places() throws {
    let reader = try reader(
      #"{"learning_rate": 1, "momentum": 1, "optimizer": {"epochs": 2, "nesterov": true}, "xyz": 1}"#
    )
    _ = try reader.integer("epochs", default: 1)
    let optimizer = try reader.object("optimizer")
    _ = try optimizer.double("learningRate", default: 1)
    optimizer.noteTypes([("sgd", ["momentum", "nesterov"]), ("lars", ["momentum"])])
    let error = #expect(throws: ConfigurationError.self) { try reader.finish() }
    #expect(
      error?.description == """
        c.json: unknown key 'learning_rate'; did you mean 'optimizer.learningRate'?
        unknown key 'momentum'; it is a key of 'optimizer' with the types 'sgd', 'lars'
        unknown key 'xyz'; known here: 'epochs', 'optimizer'
        unknown key 'epochs' in 'optimizer'; did you mean 'epochs'?
        unknown key 'nesterov' in 'optimizer'; it is a key of the type 'sgd'
        """)
  }

  @Test("looking does not count as reading")
  func peeking() throws {
    let reader = try reader(#"{"a": 1, "b": null}"#)
    #expect(reader.contains("a"))
    #expect(!reader.contains("b"))
    #expect(reader.peek("a") == 1)
    #expect(reader.keys == ["a", "b"])
    #expect(throws: ConfigurationError.self) { try reader.finish() }
  }

  @Test("damaged configurations never crash the reader")
  func fuzz() async {
    await #expect(processExitsWith: .success) {
      let text = Array(
        #"{"training": {"batchSize": 64, "rate": 0.1, "shuffle": true}, "layers": [{"kind": "conv"}]}"#
          .utf8)
      var mutator = Mutator(seed: 3)
      var read = 0
      withMemoryBound {
        for _ in 0..<8000 {
          do {
            let reader = try ConfigurationReader(try JSONValue.parse(mutator.mutate(text)))
            let training = try reader.object("training")
            _ = try training.integer("batchSize", default: 1, in: 1...4096)
            _ = try training.double("rate", default: 1, above: 0)
            _ = try training.bool("shuffle", default: true)
            for layer in try reader.objects("layers", required: false) {
              _ = try layer.choice("kind", ["conv", "dense"])
            }
            try reader.finish()
            read += 1
          } catch {
            #expect(!"\(error)".isEmpty)
          }
        }
      }
      #expect(read > 10)
      #expect(read < 6000)
    }
  }
}

// Values by their kinds.
extension ConfigurationReader {
  private func value<Value: HyperparameterValue>(
    _ key: String, _ kind: HyperparameterKind, _ fallback: JSONValue?, optional: Bool = false
  ) throws(ConfigurationError) -> Value {
    let hyperparameter: Hyperparameter =
      fallback.map { .with(key, kind, $0, "") }
      ?? (optional ? .optional(key, kind, "") : .required(key, kind, ""))
    let values = try Form("form", [hyperparameter]).read(self)
    return values[key]
  }

  fileprivate func integer(
    _ key: String, default fallback: Int? = nil, in range: ClosedRange<Int> = Int.min...Int.max
  ) throws(ConfigurationError) -> Int {
    try value(key, .integer(range), fallback.map { .integer($0) })
  }

  fileprivate func double(
    _ key: String, default fallback: Double? = nil,
    in range: ClosedRange<Double> = -Double.infinity...Double.infinity, above: Double? = nil,
    below: Double? = nil
  ) throws(ConfigurationError) -> Double {
    let range = NumberRange(
      from: range.lowerBound, to: range.upperBound, above: above, below: below)
    return try value(key, .number(range), fallback.map { .number($0) })
  }

  fileprivate func string(
    _ key: String, default fallback: String? = nil
  ) throws(ConfigurationError) -> String {
    try value(key, .text, fallback.map { .string($0) })
  }

  fileprivate func choice(_ key: String, _ choices: [String]) throws(ConfigurationError) -> String {
    try value(key, .choice(choices), nil)
  }

  fileprivate func bool(
    _ key: String, default fallback: Bool? = nil
  ) throws(ConfigurationError) -> Bool {
    try value(key, .boolean, fallback.map { .bool($0) })
  }

  fileprivate func integers(
    _ key: String, in range: ClosedRange<Int> = Int.min...Int.max
  ) throws(ConfigurationError) -> [Int] {
    try value(key, .integers(range, count: 0...Int.max), nil)
  }

  fileprivate func doubles(_ key: String) throws(ConfigurationError) -> [Double] {
    try value(key, .numbers(NumberRange()), nil)
  }

  fileprivate func strings(_ key: String) throws(ConfigurationError) -> [String] {
    try value(key, .texts, nil)
  }

  fileprivate func optionalInteger(_ key: String) throws(ConfigurationError) -> Int? {
    try value(key, .integer(Int.min...Int.max), nil, optional: true)
  }
}
