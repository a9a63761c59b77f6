import LockstepFiles
import Testing

@Suite struct DecimalNumberTests {
  private func read(_ text: String) -> Double? {
    let bytes = Array(text.utf8)
    return DecimalNumber.read(bytes, 0..<bytes.count)
  }

  @Test("the nearest Double, as the standard library finds it")
  func numbers() {
    var texts = [
      "0", "-0", "1", "-1.5", "+2", ".5", "5.", "1e3", "1E+3", "1e-3", "9007199254740993",
      "0.1", "123456789012345678901234567890", "1e22", "1e23", "1e-22", "2.2250738585072014e-308",
      "4.9e-324", "1.7976931348623157e308", "0e999999", "0.000000000000000000000000000001",
      "00012.5000", "1e-400",
    ]
    var state: UInt64 = 1
    for _ in 0..<3000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      texts.append("\(Double(Int64(bitPattern: state >> 20)) * 1e-9)")
      texts.append("\(Float(bitPattern: UInt32(state >> 33)))")
    }
    for text in texts where !text.contains("n") {
      #expect(read(text) == Double(text) && read(text)?.sign == Double(text)?.sign, "\(text)")
      #expect(read("  \(text)\t") == Double(text))
    }
  }

  @Test("up to nineteen digits with a point anywhere are rounded once")
  func manyDigits() {
    var state: UInt64 = 7
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 11
    }
    for _ in 0..<20_000 {
      let digits = "\(next())\(next())".prefix(16 + Int(next() % 4))
      let point = digits.index(digits.startIndex, offsetBy: Int(next() % 17))
      let text = digits[..<point] + "." + digits[point...]
      #expect(read(String(text)) == Double(text), "\(text)")
    }
    // Halves between two neighbours go to the even one, and a little more goes up.
    for text in [
      "9007199254740993", "900719925474099.3", "9007199254740993.001", "9007199254740995.0",
    ] {
      #expect(read(text) == Double(text), "\(text)")
    }
  }

  @Test("a comma may be the point")
  func commas() {
    let bytes = Array("-12345678901234567,5".utf8)
    #expect(
      DecimalNumber.read(bytes, 0..<bytes.count, point: UInt8(ascii: ","))
        == -12_345_678_901_234_567.5)
    #expect(DecimalNumber.read(bytes, 0..<bytes.count) == nil)
  }

  @Test(
    "anything else is no number",
    arguments: [
      "", " ", "-", ".", "e5", "1e", "1e+", "--1", "1.2.3", "0x10", "inf", "nan", "1_000", "1,5",
      "1 2", "1e999", "12a", "٣",
    ])
  func others(text: String) { #expect(read(text) == nil) }
}
