import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

/// The bytes of an IDX file.
private func idx(_ type: UInt8, _ shape: [Int], _ data: [UInt8]) -> [UInt8] {
  [0, 0, type, UInt8(shape.count)]
    + shape.flatMap { extent in
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: extent >> $0) }
    } + data
}

@Suite struct IDXFileTests {
  @Test("all element types, plain and in gzip")
  func types() throws {
    let cases: [(UInt8, [UInt8], [Double], [Int32]?)] = [
      (0x08, [0, 255], [0, 255], [0, 255]),
      (0x09, [1, 255], [1, -1], [1, -1]),
      (0x0b, [1, 0, 0xff, 0xfe], [256, -2], [256, -2]),
      (0x0c, [0, 1, 0, 0, 0x80, 0, 0, 0], [65536, -2_147_483_648], [65536, .min]),
      (0x0d, [0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0], [1, -2.5], nil),
      (0x0e, [0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0x04, 0, 0, 0, 0, 0, 0], [1, -2.5], nil),
    ]
    for (type, data, numbers, integers) in cases {
      let bytes = idx(type, [2], data)
      for file in [bytes, gzipped(bytes)] {
        let array = try IDXFile.parse(file, path: "f")
        #expect(array.element.rawValue == type)
        #expect(array.shape == [2])
        #expect(array.count == 2)
        #expect(try array.numbers() == numbers)
        #expect(array.integers == integers)
      }
    }
  }

  @Test("numbers that Float32 does not hold are named by example and value, counted from 1")
  func numbersOutOfRange() throws {
    func big(_ value: Double) -> [UInt8] {
      withUnsafeBytes(of: value.bitPattern.bigEndian) { Array($0) }
    }
    func message(_ value: Double) throws -> String? {
      let data = [0, 1, 2, 3, value, 5].flatMap(big)
      let array = try IDXFile.parse(idx(0x0e, [2, 3], data), path: "f")
      return #expect(throws: FileError.self) { try array.numbers() }?.description
    }
    #expect(
      try message(1e300) == "f: example 2, value 2: 1e+300 is out of the range of Float32")
    #expect(
      try message(-.infinity) == "f: example 2, value 2: -inf is not a finite number")
    #expect(try message(.nan) == "f: example 2, value 2: nan is not a finite number")
  }

  @Test("what is wrong with a file is said: expected, found")
  func refusals() {
    let cases: [([UInt8], FileError.Kind, String)] = [
      ([], .truncated, "truncated: expected an IDX file, found 0 bytes"),
      (
        [1, 2, 3, 4], .corrupt,
        "is not an IDX file: expected the magic number 00 00, a type 08, 09, 0b, 0c, 0d or 0e and "
          + "the number of dimensions; found 01 02 03 04"
      ),
      (
        [0, 0, 8, 3, 0, 0], .truncated,
        "truncated: expected a header of 16 bytes, found 6"
      ),
      (
        idx(8, [2, 3], [1, 2, 3, 4, 5]), .truncated,
        "truncated: expected 18 bytes for the shape [2, 3], found 17"
      ),
      (
        idx(8, [2, 3], [UInt8](repeating: 0, count: 7)), .corrupt,
        "expected 18 bytes for the shape [2, 3], found 19"
      ),
      (
        idx(14, [0xffff_ffff, 0xffff_ffff], []), .corrupt,
        "corrupt: its first dimensions [4294967295, 4294967295] are too large"
      ),
    ]
    for (bytes, kind, reason) in cases {
      let error = #expect(throws: FileError.self) { try IDXFile.parse(bytes, path: "f") }
      #expect(error?.kind == kind)
      #expect(error?.description == "f: \(reason)")
      if bytes.count > 6 {
        let error = #expect(throws: FileError.self) {
          try IDXFile.parse(gzipped(bytes), path: "f")
        }
        #expect(error?.kind == kind)
      }
    }
  }

  @Test("a compressed file that holds more than it claims is not inflated")
  func bomb() async {
    await #expect(processExitsWith: .success) {
      let bomb = gzipBomb(megabytes: 500, start: idx(8, [10], []))
      withMemoryBound(growth: 16 << 20) {
        let error = #expect(throws: FileError.self) {
          _ = try IDXFile.parse(bomb, path: "f")
        }
        #expect(error?.reason == "expected 18 bytes for the shape [10], found more")
      }
    }
  }

  @Test("a compressed file that claims more than the limit, or than it holds, takes no memory")
  func claims() async {
    await #expect(processExitsWith: .success) {
      withMemoryBound(growth: 16 << 20) {
        let large = gzipped(idx(8, [1 << 31, 16], []))
        let error = #expect(throws: FileError.self) { try IDXFile.parse(large, path: "f") }
        #expect(error?.kind == .tooLarge)
        let empty = gzipped(idx(8, [1 << 30], []))
        let other = #expect(throws: FileError.self) { try IDXFile.parse(empty, path: "f") }
        #expect(other?.kind == .truncated)
      }
    }
  }

  @Test("every truncation of a compressed file is an error")
  func truncations() {
    let file = gzipped(idx(8, [4, 4], (0..<16).map { $0 * 15 }))
    for length in 0..<file.count {
      #expect(throws: FileError.self) { try IDXFile.parse(Array(file[..<length]), path: "f") }
    }
  }

  @Test("damaged files never crash or take memory without bound")
  func fuzz() async {
    await #expect(processExitsWith: .success) {
      let plain = idx(0x0d, [2, 3], [UInt8](repeating: 0x3f, count: 24))
      var mutator = Mutator(seed: 5)
      var parsed = 0
      withMemoryBound {
        for round in 0..<6000 {
          let bytes =
            switch round % 3 {
            case 0: mutator.mutate(plain)
            case 1: gzipped(mutator.mutate(plain))
            default: mutator.mutate(gzipped(plain))
            }
          if let array = try? IDXFile.parse(bytes, path: "f") {
            parsed += 1
            if let numbers = try? array.numbers() { #expect(numbers.count == array.count) }
            #expect(array.shape.reduce(1, *) == array.count)
          }
        }
      }
      #expect(parsed > 200)
      #expect(parsed < 5000)
    }
  }
}

@Suite struct DatasetIDXTests {
  private let directory = TemporaryDirectory()

  @Test("images of two dimensions get a channel; integer labels are classes")
  func pair() throws {
    let inputs = directory.write(idx(8, [2, 2, 3], Array(0..<12)), to: "images")
    let labels = directory.write(gzipped(idx(8, [2], [3, 0])), to: "labels.gz")
    let data = try Dataset.idx(inputs: inputs, labels: labels)
    #expect(data.inputShape == [1, 2, 3])
    #expect(data.count == 2)
    #expect(data.classCount == 4)
    #expect(data.strata == [3, 0])
    #expect(try Dataset.idx(inputs: inputs, labels: labels, classCount: 10).classCount == 10)
  }

  @Test("floating-point labels are targets; other shapes stay")
  func targets() throws {
    let inputs = directory.write(idx(9, [2, 3], [1, 2, 3, 4, 5, 255]), to: "inputs")
    let labels = directory.write(
      idx(0x0d, [2, 1], [0x3f, 0x80, 0, 0, 0xbf, 0x80, 0, 0]), to: "labels")
    let data = try Dataset.idx(inputs: inputs, labels: labels)
    #expect(data.inputShape == [3])
    #expect(data.targetWidth == 1)
    var output = [Float](repeating: 0, count: 3)
    try output.withUnsafeMutableBufferPointer { try data.copyInputs(of: [1], into: $0) }
    #expect(output == [4, 5, -1])
  }

  @Test("mismatched pairs name both files, expected and found")
  func mismatches() {
    let inputs = directory.write(idx(8, [2, 2], [1, 2, 3, 4]), to: "inputs")
    func message(_ labels: [UInt8], classCount: Int? = nil) -> String? {
      let path = directory.write(labels, to: "labels")
      let text = #expect(throws: FileError.self) {
        try Dataset.idx(inputs: inputs, labels: path, classCount: classCount)
      }?.description
      return text.flatMap { $0.hasPrefix("\(path): ") ? String($0.dropFirst(path.count + 2)) : $0 }
    }
    #expect(
      message(idx(8, [3], [0, 1, 2]))
        == "expected 2 labels, as many as there are inputs in \(inputs); found 3")
    #expect(
      message(idx(8, [2, 2], [0, 1, 0, 1]))
        == "expected labels of one dimension, found the shape [2, 2]")
    #expect(
      message(idx(9, [2], [0, 255])) == "example 2: the class -1 is unknown; the classes are 0...0")
    #expect(
      message(idx(8, [2], [0, 7]), classCount: 5)
        == "example 2: the class 7 is unknown; the classes are 0...4")
  }

  @Test("a missing file is named")
  func missing() {
    let error = #expect(throws: FileError.self) {
      try Dataset.idx(inputs: "/nonexistent/images", labels: "/nonexistent/labels")
    }
    #expect(error?.description == "/nonexistent/images: open: No such file or directory")
  }
}
