import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

/// Arrays in NumPy's files, in archives and without headers are the numbers that were written.
@Suite struct ArrayFileTests {
  private let directory = TemporaryDirectory()

  private func message(
    _ bytes: [UInt8], plain: (shape: [Int], element: ArrayElement)? = nil
  ) -> String {
    let path = directory.write(bytes, to: "f.npy")
    defer { unlinkFile(path) }
    do throws(FileError) {
      _ = try ArrayFile.open(path, plain: plain)
      return "opened"
    } catch { return error.reason }
  }

  @Test func everyNumberTypeInBothByteOrders() throws {
    func bytes<Word: FixedWidthInteger>(_ words: [Word]) -> [UInt8] { littleEndian(words) }
    let halves: [UInt16] = [0x3c00, 0xc100, 0x0001, 0x7bff]
    let cases: [(String, [UInt8], [Double])] = [
      ("b1", [0, 1, 1, 0], [0, 1, 1, 0]), ("u1", [0, 1, 200, 255], [0, 1, 200, 255]),
      ("i1", [0, 1, 200, 255], [0, 1, -56, -1]),
      ("u2", bytes([0, 1, 40000, 65535] as [UInt16]), [0, 1, 40000, 65535]),
      ("i2", bytes([0, 1, -2, 300] as [Int16]), [0, 1, -2, 300]),
      ("u4", bytes([0, 1, 2, 4_000_000_000] as [UInt32]), [0, 1, 2, 4_000_000_000]),
      ("i4", bytes([0, 1, -2, .min] as [Int32]), [0, 1, -2, -2_147_483_648]),
      ("u8", bytes([0, 1, 2, 1 << 40] as [UInt64]), [0, 1, 2, 0x1p40]),
      ("i8", bytes([0, 1, -2, -1 << 40] as [Int64]), [0, 1, -2, -0x1p40]),
      ("f2", bytes(halves), [1, -2.5, 0x1p-24, 65504]),
      (
        "f4", bytes([0.1, -2, 3, 1e30].map { Float($0).bitPattern }),
        [0.1, -2, 3, 1e30].map { Double(Float($0)) }
      ),
      ("f8", bytes([0.1, -2, 3, 1e30].map { $0.bitPattern }), [0.1, -2, 3, 1e30]),
    ]
    for (type, data, numbers) in cases {
      let size = data.count / 4
      let swapped = (0..<4).flatMap { data[$0 * size..<($0 + 1) * size].reversed() }
      for (order, data) in [("<", data), (">", swapped), ("|", data)] {
        let path = directory.write(numpyFile(order + type, [2, 2], data), to: "a.npy")
        let array = try ArrayFile.open(path)
        #expect(array.fullShape == [2, 2])
        #expect(try array.numbers() == numbers, "\(order)\(type)")
      }
    }
  }

  @Test func filesWithoutAHeader() throws {
    let data = littleEndian((0..<12).map { Float($0).bitPattern })
    let path = directory.write(data, to: "plain.bin")
    let array = try ArrayFile.open(path, plain: ([2, 3], .float32))
    #expect(array.fullShape == [2, 2, 3])
    #expect(try array.numbers() == (0..<12).map(Double.init))
    #expect(
      message(Array(data.dropLast()), plain: ([2, 3], .float32))
        == "has 47 bytes, which are no examples of the shape [2, 3] of float32, 24 bytes each: it is not "
        + "complete, or 'shape' or 'element' is another one")
  }

  @Test func whatIsWrongIsNamed() {
    let data = littleEndian((0..<6).map { Float($0).bitPattern })
    let file = numpyFile("<f4", [2, 3], data)
    #expect(message(file) == "opened")
    #expect(message(Array(file.dropLast())).contains("truncated: expected "))
    #expect(message(file + [0]).contains("bytes for the shape (2, 3) of '<f4', found "))
    #expect(message(Array(file.prefix(30))) == "truncated: ends within its NumPy header")
    #expect(message(Array(file.prefix(8))) == "has a damaged NumPy header")
    #expect(message([]).contains("expected an IDX file, found 0 bytes"))
    #expect(message(numpyFile("<f4", [2, 3], data, isFortran: true)).contains("ascontiguousarray"))
    #expect(message(numpyFile("<f4", [6, 1], data, isFortran: true)) == "opened")
    #expect(
      message(numpyFile("<c8", [3], data)).contains(
        "NumPy's type '<c8', which are no numbers that a model takes"))
    #expect(message(numpyFile("|O", [1], [1])).contains("NumPy's type '|O'"))
    #expect(message(numpyFile("<f4", [], Array(data.prefix(4)))).contains("holds a single number"))
    #expect(message(numpyFile("<f4", [-2, 3], data)).contains("damaged NumPy header"))
    #expect(message(Array("hello, this is no array".utf8)).contains("is not an IDX file"))
    #expect(
      message([0x50, 0x4b] + Array(repeating: 0, count: 60)).contains("no end of a zip archive"))
  }

  @Test func archivesHaveArraysByName() throws {
    for name in ["stored.npz", "packed.npz"] {
      let path = imageFixture("../\(name)")
      #expect(try ArrayFile.open("\(path)/x").fullShape == [3, 2, 2])
      #expect(try ArrayFile.open("\(path)/x").numbers() == (0..<12).map { Double($0) / 4 })
      #expect(try ArrayFile.open("\(path)/y").numbers() == [2, 0, 1])
      let several = #expect(throws: FileError.self) { try ArrayFile.open(path) }?.reason
      #expect(several?.contains("holds 2 arrays, 'x', 'y': name one behind the path") == true)
      let other = #expect(throws: FileError.self) { try ArrayFile.open("\(path)/z") }?.reason
      #expect(other == "holds no array 'z'; its arrays are 'x', 'y'")
      let bytes = try FileInput.contents(of: path)
      for place in stride(from: 0, to: bytes.count, by: 3) {
        var damaged = bytes
        damaged[place] ^= 0x55
        let copy = directory.write(damaged, to: "damaged.npz")
        _ = try? ArrayFile.open("\(copy)/x").numbers()
        let short = directory.write(Array(bytes[..<place]), to: "short.npz")
        #expect(throws: FileError.self) { try ArrayFile.open("\(short)/x").numbers() }
      }
    }
  }
}

extension ArrayFileTests {
  private func unlinkFile(_ path: String) { try? SystemFileSystem().remove(path) }
}
