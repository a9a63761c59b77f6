import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct JSONTests {
  @Test("values of every kind")
  func values() throws {
    let value = try JSONValue.parse(
      #" {"b": [1, -2.5, 1e3, true, false, null, {}, []], "a": "x"} "#)
    #expect(
      value == [
        "b": [1, -2.5, 1000.0, true, false, nil, [:], []], "a": "x",
      ])
    guard case .object(let object) = value else { return }
    #expect(object.keys == ["b", "a"])
  }

  @Test("comments are passed over where they are allowed, and are errors elsewhere")
  func comments() throws {
    let text = "// a\n{\"a\": 1, // b }\n  // \"c\": 2\n\"d\": \"http://x\"}//"
    #expect(
      try JSONValue.parse(Array(text.utf8), allowsComments: true)
        == ["a": 1, "d": "http://x"])
    #expect(throws: JSONSyntaxError.self) { try JSONValue.parse(text) }
    let error = #expect(throws: JSONSyntaxError.self) {
      try JSONValue.parse(Array("// a\n/ b\n1".utf8), allowsComments: true)
    }
    #expect(error?.line == 2)
  }

  @Test("integers keep 64 bits; larger ones become numbers")
  func integers() throws {
    #expect(try JSONValue.parse("9223372036854775807") == .integer(.max))
    #expect(try JSONValue.parse("-9223372036854775808") == .integer(.min))
    #expect(try JSONValue.parse("9223372036854775808") == .number(0x1p63))
    #expect(try JSONValue.parse("-0") == .integer(0))
    #expect(try JSONValue.parse("-0.0").compactText == "-0.0")
  }

  @Test("strings: escapes, surrogate pairs, any Unicode")
  func strings() throws {
    #expect(
      try JSONValue.parse(#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀""#)
        == .string("\"\\/\u{8}\u{c}\n\r\té😀é😀"))
  }

  @Test(
    "what is not JSON is refused, with line and column",
    arguments: [
      ("", 1, 1, "expected a value, found the end of the text"),
      ("{\n  \"a\": 1,\n}", 3, 1, "expected a key in double quotes, found '}'"),
      ("{\"a\" 1}", 1, 6, "expected ':' behind the key 'a', found '1'"),
      ("[1,\n2,,3]", 2, 3, "expected a value, found ','"),
      ("[1 2]", 1, 4, "expected ',' or ']' in an array, found '2'"),
      ("{\"a\":1 \"b\"}", 1, 8, "expected ',' or '}' in an object, found '\"'"),
      ("{\"a\": 1, \"a\": 2}", 1, 10, "the key 'a' is there twice"),
      ("01", 1, 1, "a number must not begin with 0"),
      ("1.", 1, 3, "expected a digit, found the end of the text"),
      ("-", 1, 2, "expected a digit, found the end of the text"),
      ("1e+", 1, 4, "expected a digit, found the end of the text"),
      ("[1e999]", 1, 2, "the number is out of range"),
      ("+1", 1, 1, "expected a value, found '+'"),
      ("NaN", 1, 1, "expected a value, found 'N'"),
      ("nul", 1, 1, "expected a value, found an unknown word"),
      ("1 2", 1, 3, "expected the end of the text, found '2'"),
      ("\"é\\x\"", 1, 4, "unknown escape \\'x'"),
      ("\"a\nb\"", 1, 3, "a control character must be escaped in a string"),
      ("[\"abc", 1, 2, "the string has no closing quote"),
      ("\"\\ud800\"", 1, 2, "half of a surrogate pair"),
      ("\"\\udc00\"", 1, 2, "half of a surrogate pair"),
      ("\"\\u12g4\"", 1, 6, "expected four hexadecimal digits, found 'g'"),
      ("// no", 1, 1, "expected a value, found '/'"),
      ("\u{feff}[1\n2]", 2, 1, "expected ',' or ']' in an array, found '2'"),
      ("\u{feff}?", 1, 1, "expected a value, found '?'"),
      ("1\u{feff}", 1, 2, "expected the end of the text, found the byte 0xef"),
    ])
  func refusals(text: String, line: Int, column: Int, reason: String) {
    let error = #expect(throws: JSONSyntaxError.self) {
      try JSONValue.parse(text, source: "c.json")
    }
    #expect(error?.description == "c.json: line \(line), column \(column): \(reason)")
  }

  @Test("a byte-order mark in front is skipped; UTF-16 is named as such")
  func byteOrderMarks() throws {
    #expect(try JSONValue.parse("\u{feff}{\"a\": 1}") == ["a": 1])
    #expect(try JSONValue.parse("\u{feff} \"\u{feff}\"") == .string("\u{feff}"))
    for bytes in [[0xff, 0xfe, 0x7b, 0], [0xfe, 0xff, 0, 0x7b]] as [[UInt8]] {
      let error = #expect(throws: JSONSyntaxError.self) { try JSONValue.parse(bytes) }
      #expect(error?.place == "line 1, column 1: the text is UTF-16; save it as UTF-8")
    }
  }

  @Test("bytes that are not UTF-8 are refused")
  func invalidUTF8() {
    for bytes in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]] as [[UInt8]] {
      let error = #expect(throws: JSONSyntaxError.self) {
        try JSONValue.parse([0x22] + bytes + [0x22])
      }
      #expect(error?.reason == "the string is not valid UTF-8")
    }
  }

  @Test("nesting to the limit, and no deeper")
  func depth() throws {
    let limit = JSONValue.depthLimit
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try JSONValue.parse(nested(limit))
    let error = #expect(throws: JSONSyntaxError.self) { try JSONValue.parse(nested(limit + 1)) }
    #expect(error?.reason == "an array is nested deeper than 128 levels")
    #expect(throws: JSONSyntaxError.self) {
      try JSONValue.parse(String(repeating: "{\"a\":", count: 1_000_000))
    }
  }

  @Test("numbers have the fewest digits that read back the same bits")
  func numbers() throws {
    for number in [
      0.1, 1e-3, 1e21, Double.leastNonzeroMagnitude, 1.7976931348623157e308, 2.0 / 3, -1e-7, 100.0,
    ] {
      let text = JSONValue.number(number).compactText
      #expect(try JSONValue.parse(text) == .number(number))
      #expect(text.utf8.count <= 24)
    }
    #expect(JSONValue.number(0.1).compactText == "0.1")
    #expect(
      JSONValue.array([.number(.nan), .number(.infinity), .number(-.infinity)]).compactText
        == #"["NaN","Infinity","-Infinity"]"#)
  }

  @Test("both forms of text read back the same value")
  func roundTrip() throws {
    let value: JSONValue = [
      "a": [1, 2, 3], "nested": ["x": [["y": nil], []], "z": [:]], "quote\"": "line\nend\u{1}é😀",
    ]
    #expect(try JSONValue.parse(value.compactText) == value)
    #expect(try JSONValue.parse(value.prettyText) == value)
    #expect(
      value.compactText
        == #"{"a":[1,2,3],"nested":{"x":[{"y":null},[]],"z":{}},"quote\"":"line\nend\u0001é😀"}"#)
    #expect(
      (["a": [1, 2], "b": ["c": [:]]] as JSONValue).prettyText == """
        {
          "a": [1, 2],
          "b": {
            "c": {}
          }
        }
        """)
  }

  @Test("objects are equal whatever their order")
  func equality() {
    #expect(["a": 1, "b": 2] as JSONValue == ["b": 2, "a": 1])
    #expect(["a": 1] as JSONValue != ["a": 1, "b": 2])
    #expect(["a": 1] as JSONValue != ["a": 1.0])
  }

  @Test("paths read and write keys and indices")
  func paths() throws {
    var value: JSONValue = ["layers": [["units": 3], ["units": 5]], "rate": 0.1]
    #expect(value["layers.1.units"] == 5)
    #expect(value["layers.2.units"] == nil)
    #expect(value["rate.x"] == nil)
    try value.set("layers.0.units", to: 7)
    try value.set("new.deep.key", to: true)
    try value.set("layers.2.units", to: 9)
    try value.set("layers.3", to: "last")
    #expect(
      value == [
        "layers": [["units": 7], ["units": 5], ["units": 9], "last"], "rate": 0.1,
        "new": ["deep": ["key": true]],
      ])
    for (path, reason) in [
      ("rate.x", "'x' would be inside of a number"),
      ("layers.9", "'9' is not an index of an array of 4"),
      ("layers.-1.units", "'-1' is not an index of an array of 4"),
      ("a..b", "a part of the path is empty"), ("", "a part of the path is empty"),
    ] {
      let error = #expect(throws: JSONPathError.self) { try value.set(path, to: 1) }
      #expect(error?.description == "cannot set '\(path)': \(reason)")
    }
  }

  @Test("removing a key keeps the order of the others")
  func removal() {
    var object: JSONObject = ["a": 1, "b": 2, "c": 3]
    object["b"] = nil
    object["a"] = 4
    #expect(object.keys == ["a", "c"])
    #expect(object.members.map(\.value) == [4, 3])
    #expect(object.count == 2)
  }

  @Test("brackets without end are refused before they fill the memory")
  func bombs() async {
    await #expect(processExitsWith: .success) {
      for piece in ["[],", "0,", "{\"a\":[]},"] {
        let text = Array("[".utf8) + (0..<4_000_000).flatMap { _ in Array(piece.utf8) }
        withMemoryBound(growth: 12 * text.count) {
          let error = #expect(throws: JSONSyntaxError.self) { try JSONValue.parse(text) }
          #expect(error?.reason == "the text has too many values for its length")
        }
      }
    }
  }

  @Test("files: the path is in the errors")
  func files() throws {
    let directory = TemporaryDirectory()
    let path = directory.write(Array("{\"a\": [1, 2}".utf8), to: "c.json")
    let error = #expect(throws: JSONSyntaxError.self) { try JSONValue.read(path) }
    #expect(
      error?.description
        == "\(path): line 1, column 12: expected ',' or ']' in an array, found '}'")
  }

  @Test("damaged texts never crash; what parses reads back")
  func fuzz() async {
    await #expect(processExitsWith: .success) {
      let text = Array(
        #"{"a": [1, -2.5e-3, true, null], "b": {"c": "x\u00e9\n😀", "d": [[], {}]}, "e": 12345678}"#
          .utf8)
      var mutator = Mutator(seed: 2)
      var parsed = 0
      try withMemoryBound { () throws in
        for _ in 0..<8000 {
          if let value = try? JSONValue.parse(mutator.mutate(text)) {
            parsed += 1
            #expect(try JSONValue.parse(value.compactText) == value)
            #expect(try JSONValue.parse(value.prettyText) == value)
          }
        }
      }
      #expect(parsed > 100)
      #expect(parsed < 7000)
    }
  }
}
