import LockstepDatasets
import LockstepFiles
import Testing

@Suite struct EmbeddedDataTests {
  @Test("the program carries the committed files, byte for byte")
  func bytes() throws {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
      .joined(separator: "/")
    #expect(EmbeddedData.paths.count == 6)
    for path in EmbeddedData.paths {
      let file = try FileInput.contents(of: "\(root)/Sources/CLockstepData/Resources/\(path)")
      #expect(Fingerprint(of: try EmbeddedData.file(path)) == Fingerprint(of: file))
    }
    #expect(throws: FileError.self) { try EmbeddedData.file("nothing") }
  }

  @Test("the digits: 4,000 and 1,000, evenly over ten classes")
  func digits() throws {
    let (training, test) = try EmbeddedData.digits()
    for (data, each) in [(training, 400), (test, 100)] {
      #expect(data.count == 10 * each)
      #expect(data.inputShape == [1, 28, 28])
      #expect(data.classCount == 10)
      for digit in 0..<10 { #expect(data.strata.count { $0 == digit } == each) }
    }
    #expect(training.fingerprint != test.fingerprint)
    // MNIST's mean and deviation, as the normalization takes them, hold for the subset too.
    var values = [Float](repeating: 0, count: 784 * 1000)
    try values.withUnsafeMutableBufferPointer {
      try test.copyInputs(of: Array(0..<1000)[...], into: $0)
    }
    let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    let square = values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(values.count)
    #expect(abs(mean) < 0.05)
    #expect(abs(square - 1) < 0.05)
  }

  @Test("breast cancer: 569 examples, 357 of them benign")
  func breastCancer() throws {
    let data = try EmbeddedData.breastCancer()
    #expect(data.count == 569)
    #expect(data.inputShape == [30])
    #expect(data.targetWidth == 1)
    #expect(data.strata.reduce(0, +) == 357)
    #expect(try EmbeddedData.breastCancer(as: .classes).classCount == 2)
    guard case .floats(let values) = data.inputs else { return }
    #expect(values[0] == 17.99)
    #expect(values[29] == 0.1189)
  }

  @Test("the King James Bible: lines of verses below the names of their chapters")
  func kingJames() throws {
    let text = try EmbeddedData.kingJames()
    #expect(text.utf8.count == 1_266_411)
    #expect(text.utf8.allSatisfy { $0 == 10 || (32..<127).contains($0) })
    #expect(Set(text.utf8).count == 72)
    let start = "Genesis 1\n\nIn the beginning God created the heaven and the earth.\n"
    #expect(text.hasPrefix(start))
    #expect(text.hasSuffix("and the plague was stayed from Israel.\n"))
  }

  @Test("data sets by name; an unknown name gets a hint")
  func names() throws {
    #expect(try EmbeddedData.named("mnist-5k").test?.count == 1000)
    #expect(try EmbeddedData.named("breast-cancer").test == nil)
    for name in EmbeddedData.names { _ = try EmbeddedData.named(name) }
    let near = #expect(throws: DatasetError.self) { try EmbeddedData.named("mnist5k") }
    #expect(near?.description == "mnist5k: is no embedded data set; did you mean 'mnist-5k'?")
    let far = #expect(throws: DatasetError.self) { try EmbeddedData.named("imagenet-21k") }
    #expect(
      far?.description
        == "imagenet-21k: is no embedded data set; there are 'mnist-5k' and 'breast-cancer'")
  }
}
