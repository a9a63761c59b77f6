import LockstepFiles
import LockstepTestSupport
import Testing

/// A file that comes with the tests.
private func fixture(_ name: String, file: String = #filePath) -> String {
  file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    + "/Fixtures/\(name)"
}

/// The bytes of a safetensors file with this header and this much data.
private func bytes(_ header: String, data: Int = 0) -> [UInt8] {
  let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
  return length + Array(header.utf8) + [UInt8](repeating: 7, count: data)
}

/// The values of a tensor as Float32.
private func floats(_ file: SafetensorsFile, _ name: String) throws -> [Float] {
  var values = [Float](repeating: .nan, count: try #require(file.tensor(name)).count)
  try values.withUnsafeMutableBufferPointer { try file.read(name, into: $0) }
  return values
}

/// The bytes of a tensor.
private func raw(_ file: SafetensorsFile, _ name: String) throws -> [UInt8] {
  var values = [UInt8](repeating: 0, count: try #require(file.tensor(name)).range.count)
  try values.withUnsafeMutableBytes { try file.read(name, into: $0) }
  return values
}

@Suite struct SafetensorsTests {
  @Test("a file of the reference implementation, all element types")
  func reference() throws {
    let file = try SafetensorsFile(fixture("reference.safetensors"))
    #expect(file.tensors.count == 11)
    #expect(file.metadata == ["format": "pt", "note": "quotes \" and \\ and\nline ends"])
    let values: [Float] = [0, -0.0, 1, -1.5, 0.333251953125, 65504, 0x1p-14, 0x1p-24]
    #expect(file.tensor("f32")?.shape == [2, 4])
    for name in ["f32", "f64", "f16"] {
      #expect(try floats(file, name).map(\.bitPattern) == values.map(\.bitPattern))
    }
    #expect(
      try floats(file, "bf16").map(\.bitPattern)
        == [0, -0.0, 1, -1.5, 3.140625, 0x1p100, 0x1p-130].map { (value: Float) in value.bitPattern
        })
    var integers = [Int64](repeating: 0, count: 4)
    try integers.withUnsafeMutableBufferPointer { try file.read("i64", into: $0) }
    #expect(integers == [.min, -1, 0, .max])
    var doubles = [Double](repeating: 0, count: 8)
    try doubles.withUnsafeMutableBufferPointer { try file.read("f64", into: $0) }
    #expect(doubles == values.map(Double.init))
    #expect(try raw(file, "i32") == [0, 0, 0, 0x80, 0xff, 0xff, 0xff, 0x7f])
    #expect(try raw(file, "u8") == [0, 127, 255])
    #expect(try raw(file, "flag") == [1, 0])
    #expect(file.tensor("flag")?.element == .bool)
    #expect(file.tensor("scalar")?.shape == [])
    #expect(try floats(file, "scalar") == [42])
    #expect(file.tensor("empty")?.shape == [0, 3])
    #expect(try floats(file, "empty") == [])
    #expect(try floats(file, "größe.0.weight") == [1])
  }

  /// Writes the tensors that `scripts/reference/safetensors_fixtures.py` checks.
  private func write(to path: String) throws {
    let weight = (0..<6).map { Float($0) / 4 }
    let bias: [Float] = [-1, 1e-30]
    let scalar = [0.1]
    let step: [Int64] = [7, -(1 << 62)]
    let bytes: [UInt8] = [1, 2, 255]
    try weight.withUnsafeBufferPointer { weight in
      try bias.withUnsafeBufferPointer { bias in
        try scalar.withUnsafeBufferPointer { scalar in
          try step.withUnsafeBufferPointer { step in
            try bytes.withUnsafeBytes { bytes in
              try SafetensorsWriter.write(
                path,
                [
                  TensorSource("bytes", .uint8, shape: [3], bytes: bytes),
                  TensorSource("layer.weight", shape: [2, 3], weight),
                  TensorSource("layer.bias", shape: [2], bias),
                  TensorSource(
                    "empty", .float16, shape: [0, 5], bytes: .init(start: nil, count: 0)),
                  TensorSource("scalar", shape: [], scalar),
                  TensorSource("step", shape: [2], step),
                ], metadata: ["z": "last \"one\"", "a": "first"])
            }
          }
        }
      }
    }
  }

  @Test("what is written is what the reference implementation was seen to read, byte for byte")
  func written() throws {
    let directory = TemporaryDirectory()
    try write(to: directory.file("w"))
    #expect(
      try FileInput.contents(of: directory.file("w"))
        == FileInput.contents(of: fixture("written.safetensors")))
  }

  @Test("what is written reads back; larger elements first, data aligned to 64 bytes")
  func roundTrip() throws {
    let directory = TemporaryDirectory()
    try write(to: directory.file("w"))
    let file = try SafetensorsFile(directory.file("w"))
    #expect(
      file.tensors.map(\.name) == [
        "scalar", "step", "layer.weight", "layer.bias", "empty", "bytes",
      ])
    for tensor in file.tensors {
      #expect(tensor.range.lowerBound.isMultiple(of: tensor.element?.size ?? 0))
    }
    let size = try FileInput(directory.file("w")).size
    #expect((size - file.tensors.last!.range.upperBound).isMultiple(of: 64))
    #expect(try floats(file, "layer.weight") == (0..<6).map { Float($0) / 4 })
    #expect(try floats(file, "layer.bias") == [-1, 1e-30])
    #expect(file.metadata == ["a": "first", "z": "last \"one\""])
  }

  @Test("conversion in chunks: a half-precision tensor longer than a chunk")
  func chunks() throws {
    let directory = TemporaryDirectory()
    let halves = (0..<200_000).map { UInt16(truncatingIfNeeded: $0 % 0x7c00) }
    try halves.withUnsafeBytes { bytes in
      try SafetensorsWriter.write(
        directory.file("h"), [TensorSource("h", .float16, shape: [200_000], bytes: bytes)])
    }
    let values = try floats(try SafetensorsFile(directory.file("h")), "h")
    // All halves that are not negative and finite ascend with their bits.
    for index in 1..<0x7c00 { #expect(values[index] > values[index - 1]) }
    #expect(values[0x3c00] == 1)
    #expect(values[0x7bff] == 65504)
    #expect(values[199_999] == values[199_999 % 0x7c00])
  }

  @Test("asking for what is not there: tensor, type, size")
  func mismatches() throws {
    let path = fixture("written.safetensors")
    let file = try SafetensorsFile(path)
    var few = [Float](repeating: 0, count: 3)
    func message(_ body: () throws -> Void) -> String? {
      #expect(throws: FileError.self, performing: body)?.reason
    }
    few.withUnsafeMutableBufferPointer { few in
      #expect(
        message { try file.read("layer.weigth", into: few) }
          == "has no tensor 'layer.weigth'; did you mean 'layer.weight'?")
      #expect(
        message { try file.read("layer.weight", into: few) }
          == "tensor 'layer.weight' has shape [2, 3], 6 values; expected 3 values")
      #expect(
        message { try file.read("bytes", into: few) }
          == "tensor 'bytes' has elements of type U8; expected F32")
      #expect(
        message { try file.read("layer.bias", into: UnsafeMutableRawBufferPointer(few)) }
          == "tensor 'layer.bias' has 8 bytes; expected 12")
    }
    var integers: [Int64] = [0]
    #expect(
      message { try integers.withUnsafeMutableBufferPointer { try file.read("scalar", into: $0) } }
        == "tensor 'scalar' has elements of type F64; expected I64")
  }

  @Test(
    "headers that the reference implementation refuses are refused, with file and tensor",
    arguments: [
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, 12,
        "tensor 'a' begins at offset 4; expected 0: there is a hole"
      ),
      (
        #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#,
        6, "tensor 'b' begins at offset 2; expected 4: there is an overlap"
      ),
      (
        #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, 5,
        "1 bytes follow the last tensor"
      ),
      (
        #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, 3,
        "truncated: tensor 'a' ends at offset 4, the data at 3"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4,
        "tensor 'a' has 4 bytes by its offsets; expected 8 by its shape [2] of F32"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0,
        "tensor 'a' is too large: its shape is [4611686018427387904, 4]"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4,
        "tensor 'a' has no valid 'shape'"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4,
        "tensor 'a' has no valid 'data_offsets'"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}"#, 4,
        "tensor 'a' has no valid 'data_offsets'"
      ),
      (#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, 4, "tensor 'a' has no 'dtype'"),
      (
        #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":0}}"#, 1,
        "tensor 'a' has an unknown key 'x'"
      ),
      (#"{"a":3}"#, 0, "tensor 'a' must be an object, found an integer"),
      (#"{"__metadata__":{"k":1}}"#, 0, "'__metadata__' must hold strings; 'k' is an integer"),
      (#"{"__metadata__":1}"#, 0, "'__metadata__' must be an object, found an integer"),
      (
        #" {}"#, 0,
        "is not a safetensors file, or corrupt: its header does not begin with '{'"
      ),
      (
        #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
        1, "corrupt safetensors header: line 1, column 54: the key 'a' is there twice"
      ),
    ])
  func refusals(header: String, data: Int, reason: String) {
    let directory = TemporaryDirectory()
    let path = directory.write(bytes(header, data: data))
    let error = #expect(throws: FileError.self) { try SafetensorsFile(path) }
    #expect(error?.description == "\(path): \(reason)")
  }

  @Test("lengths of headers: too short a file, beyond the file, beyond the limit")
  func lengths() {
    let directory = TemporaryDirectory()
    func reason(_ bytes: [UInt8]) -> String? {
      let path = directory.write(bytes)
      return #expect(throws: FileError.self) { try SafetensorsFile(path) }?.reason
    }
    #expect(reason([1, 2]) == "truncated: expected a safetensors file, found 2 bytes")
    #expect(
      reason([9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d])
        == "truncated: expected a header of 9 bytes, found 2")
    #expect(
      reason([UInt8](repeating: 0xff, count: 8) + [0x7b, 0x7d])
        == "is not a safetensors file, or corrupt: its header would be 18446744073709551615 bytes "
        + "long, more than the limit of 100000000")
  }

  @Test("tensors without elements may share an offset; padding behind the header is fine")
  func emptyTensors() throws {
    let directory = TemporaryDirectory()
    let header =
      #"{"z":{"dtype":"F32","shape":[0],"data_offsets":[1,1]},"#
      + #""y":{"dtype":"F32","shape":[3,0],"data_offsets":[0,0]},"#
      + #""x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}   "#
    let file = try SafetensorsFile(directory.write(bytes(header, data: 1)))
    #expect(file.tensors.map(\.name) == ["y", "x", "z"])
    #expect(try SafetensorsFile(directory.write(bytes("{}"))).tensors.isEmpty)
  }

  /// The reference implementation's later types, and ones that nobody has thought of yet.
  @Test(
    "tensors of types that are not known are stepped over; asked for, they are named",
    arguments: [("F4", "[4]", 2), ("F8_E8M0", "[3]", 3), ("C64", "[2]", 16), ("NEW", "[]", 5)])
  func unknownTypes(type: String, shape: String, size: Int) throws {
    let directory = TemporaryDirectory()
    let header =
      #"{"a":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[0,\#(size)]},"#
      + #""b":{"dtype":"F32","shape":[1],"data_offsets":[\#(size),\#(size + 4)]}}"#
    let path = directory.write(bytes(header, data: size + 4))
    let file = try SafetensorsFile(path)
    #expect(file.tensors.map(\.type) == [type, "F32"])
    #expect(file.tensor("a")?.element == nil && file.tensor("a")?.range == 0..<size)
    #expect(try raw(file, "a") == [UInt8](repeating: 7, count: size))
    #expect(try floats(file, "b") == [Float(bitPattern: 0x0707_0707)])
    let error = #expect(throws: FileError.self) { try floats(file, "a") }
    #expect(
      error?.description == "\(path): tensor 'a' has elements of type \(type); expected F32")
    // A hole is one whatever the type.
    let hole = header.replacing("[0,\(size)]", with: "[1,\(size)]")
    #expect(throws: FileError.self) {
      try SafetensorsFile(directory.write(bytes(hole, data: size + 4)))
    }
  }

  @Test("values that are not finite in Float32 are found, in every type, wherever they are")
  func notFinite() throws {
    let directory = TemporaryDirectory()
    let places = [0, 1, 65_535, 65_536, 100_000]
    for place in places {
      var doubles = [Double](repeating: 1, count: 100_001)
      doubles[place] = 1e39
      var halves = [UInt16](repeating: 0x3c00, count: 100_001)
      halves[place] = 0x7e00
      var floats = [Float](repeating: .greatestFiniteMagnitude, count: 100_001)
      floats[place] = -.infinity
      try doubles.withUnsafeBufferPointer { doubles in
        try halves.withUnsafeBytes { halves in
          try floats.withUnsafeBufferPointer { floats in
            try SafetensorsWriter.write(
              directory.file("w"),
              [
                TensorSource("doubles", shape: [100_001], doubles),
                TensorSource("halves", .float16, shape: [100_001], bytes: halves),
                TensorSource("floats", shape: [100_001], floats),
              ])
          }
        }
      }
      let file = try SafetensorsFile(directory.file("w"))
      for name in ["doubles", "halves", "floats"] {
        #expect(try file.firstNotFinite(name)?.index == place, "\(name)")
      }
      #expect(try file.firstNotFinite("doubles")?.value == .infinity)
      #expect(try file.firstNotFinite("halves")?.value.isNaN == true)
      #expect(try file.firstNotFinite("floats")?.value == -.infinity)
    }
    #expect(try SafetensorsFile(fixture("reference.safetensors")).firstNotFinite("f32") == nil)
  }

  @Test("what cannot be written is refused before a file is made")
  func writerRefusals() throws {
    let directory = TemporaryDirectory()
    let values: [Float] = [1, 2]
    func reason(_ tensors: [(String, [Int])]) -> String? {
      values.withUnsafeBufferPointer { values in
        #expect(throws: FileError.self) {
          try SafetensorsWriter.write(
            directory.file("w"), tensors.map { TensorSource($0.0, shape: $0.1, values) })
        }?.reason
      }
    }
    #expect(reason([("a", [2]), ("a", [1, 2])]) == "tensor 'a' is there twice")
    #expect(
      reason([("a", [3])]) == "tensor 'a' has 8 bytes; expected 12 by its shape [3] of F32")
    #expect(
      reason([("__metadata__", [2])])
        == "tensor '__metadata__' has a name that the format reserves")
    #expect(reason([("a", [-2])]) == "tensor 'a' has the shape [-2]")
    #expect(try SystemFileSystem().list(directory.path).isEmpty)
  }

  @Test("after any prefix of the writer's calls the old or the new file is whole")
  func powerFailures() throws {
    let fileSystem = RecordingFileSystem(initial: ["d/w": [1, 2, 3]])
    let values: [Float] = [1, 2, 3]
    try values.withUnsafeBufferPointer { values in
      try SafetensorsWriter.write(
        "d/w", [TensorSource("a", shape: [3], values)], fileSystem: fileSystem)
    }
    let new = try #require(fileSystem.worlds(after: fileSystem.calls.count).last?["d/w"])
    #expect(new.count % 64 == 12)
    for prefix in 0...fileSystem.calls.count {
      for world in fileSystem.worlds(after: prefix) {
        #expect(world["d/w"] == [1, 2, 3] || world["d/w"] == new)
      }
    }
  }

  @Test("damaged files never crash or take memory without bound")
  func fuzz() async {
    await #expect(processExitsWith: .success) {
      let directory = TemporaryDirectory()
      let seeds = [
        try FileInput.contents(of: fixture("reference.safetensors")),
        try FileInput.contents(of: fixture("written.safetensors")),
        bytes(#"{"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}"#, data: 8),
      ]
      var mutator = Mutator(seed: 4)
      var opened = 0
      try withMemoryBound { () throws in
        for round in 0..<4500 {
          let path = directory.write(mutator.mutate(seeds[round % 3]))
          guard let file = try? SafetensorsFile(path) else { continue }
          opened += 1
          for tensor in file.tensors {
            #expect(try raw(file, tensor.name).count == tensor.range.count)
            if [.float32, .float16, .bfloat16, .float64].contains(tensor.element) {
              #expect(try floats(file, tensor.name).count == tensor.count)
            }
          }
        }
      }
      #expect(opened > 50)
      #expect(opened < 4000)
    }
  }
}
