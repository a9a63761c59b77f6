import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct PrintableTextTests {
  @Test("what a terminal would obey is escaped, everything else stays")
  func escapes() {
    #expect("weiß 重み 'a'".printable == "weiß 重み 'a'")
    #expect("\u{1b}[31mred\u{7}".printable == "\\u{1b}[31mred\\u{7}")
    // The one-character form of ESC [, in UTF-8; right-to-left override; line separator.
    #expect("\u{9b}2J\u{202e}\u{2028}".printable == "\\u{9b}2J\\u{202e}\\u{2028}")
    #expect("a\nb\t\r".printable == "a\\u{a}b\\u{9}\\u{d}")
    #expect("a\nb\t\r".printableLines == "a\nb\t\\u{d}")
  }

  @Test("long names are cut")
  func cut() {
    #expect("abc".quoted == "'abc'")
    let long = String(repeating: "x", count: 1000)
    #expect(long.quoted == "'" + String(repeating: "x", count: 79) + "…'")
    #expect(long.shortened(to: 1000) == long)
  }

  @Test("errors that quote a file's content are printable")
  func errors() throws {
    let directory = TemporaryDirectory()
    let header = Array(#"{"\u001b[2Ja":{"dtype":"\u009b","shape":[1],"data_offsets":[0,4]}}"#.utf8)
    let path = directory.write(
      withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header)
    let error = #expect(throws: FileError.self) { try SafetensorsFile(path) }
    #expect(
      error?.reason
        == "truncated: tensor '\\u{1b}[2Ja' ends at offset 4, the data at 0")
    let syntax = #expect(throws: JSONSyntaxError.self) {
      try JSONValue.parse(#"{"\u001b[2J":1,"\u001b[2J":2}"#)
    }
    #expect(syntax?.description.contains("the key '\\u{1b}[2J' is there twice") == true)
    // What Lockstep writes as JSON is safe to look at, too.
    let text = JSONValue.string("\u{1b}\u{7f}\u{9b}\u{202e}ü").compactText
    #expect(text == "\"\\u001b\\u007f\\u009b\\u202eü\"")
    #expect(text.printable == text)
    #expect(try JSONValue.parse(text).stringValue == "\u{1b}\u{7f}\u{9b}\u{202e}ü")
  }
}
