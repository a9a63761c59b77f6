import LockstepState
import LockstepEngine
import LockstepFiles
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct WeightsTests {
  @Test func weightsComeBackUnderTheirOwnNames() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/weights.safetensors"
      let source = LinearRegression()
      try Weights(of: source).write(path)
      #expect(
        try SafetensorsFile(path).tensors.map(\.name) == ["weight", "bias", "runningMean"])
      let other = LinearRegression()
      other.parameters[3] = 42
      #expect(Weights(of: other).fingerprint() != Weights(of: source).fingerprint())
      try Weights(of: other).read(path)
      #expect(Weights(of: other).fingerprint() == Weights(of: source).fingerprint())
    }
  }

  /// File, tensor and index are named, by both ways of reading, and nothing changes.
  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func weightsThatAreNotFiniteAreNamed(_ value: Float) throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/weights.safetensors"
      let sick = LinearRegression()
      sick.parameters[2] = value
      try Weights(of: sick).write(path)
      let source = LinearRegression()
      let before = Weights(of: source).fingerprint()
      for read in [
        { try Weights(of: source).read(path) },
        { try Weights(of: source).load(path, names: NameMap(), .lenient) },
      ] as [() throws -> Void] {
        let error = #expect(throws: FileError.self) { try read() }
        #expect(
          error?.description
            == "\(path): the weight weight[2] is \(value): weights must be finite")
      }
      #expect(Weights(of: source).fingerprint() == before)
      // What is left out is not looked at.
      _ = try Weights(of: source).load(
        path, names: NameMap([.init("weight", to: nil)]), .lenient)
    }
  }

  /// A tensor of a type that is not known stands in nobody's way, unless it is the one that is wanted.
  @Test func typesThatAreNotKnownArePassedOver() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/weights.safetensors"
      try Weights(of: LinearRegression()).write(path)
      let file = try SafetensorsFile(path)
      // The same tensors, one under another type, or one more behind them.
      func write(_ header: String, more: [UInt8] = []) throws {
        let bytes = try contents(path)
        let length = Int(bytes[0]) + Int(bytes[1]) << 8
        let size = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
        let end = file.tensors.map(\.range.upperBound).max() ?? 0
        try AtomicFile.write("\(directory)/other", text: "")
        overwrite(
          "\(directory)/other",
          size + Array(header.utf8) + bytes[8 + length..<8 + length + end]
            + more)
      }
      func header(_ types: [String: String], _ more: String = "") -> String {
        "{"
          + file.tensors.map {
            "\"\($0.name)\":{\"dtype\":\"\(types[$0.name] ?? $0.type)\",\"shape\":\($0.shape),"
              + "\"data_offsets\":[\($0.range.lowerBound),\($0.range.upperBound)]}"
          }.joined(separator: ",") + more + "}"
      }
      let end = file.tensors.map(\.range.upperBound).max() ?? 0
      try write(
        header([:], ",\"q\":{\"dtype\":\"F4\",\"shape\":[6],\"data_offsets\":[\(end),\(end + 3)]}"),
        more: [1, 2, 3])
      let source = LinearRegression()
      try Weights(of: source).read("\(directory)/other")
      let report = try Weights(of: source).load("\(directory)/other", names: NameMap())
      #expect(report.unreadable == ["q"] && report.isComplete)
      #expect(report.lines == ["passed over: q has a type that is not known"])
      try write(header(["bias": "C64"]))
      let error = #expect(throws: FileError.self) {
        try Weights(of: source).load("\(directory)/other", names: NameMap())
      }
      #expect(error?.reason.contains("bias is C64 [") == true, "\(error?.reason ?? "")")
    }
  }

  @Test func weightsThatDoNotFitChangeNothing() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/weights.safetensors"
      let values: [Float] = [1, 2, 3]
      try values.withUnsafeBufferPointer {
        try SafetensorsWriter.write(
          path, [TensorSource("bias", shape: [3], $0), TensorSource("gain", shape: [3], $0)])
      }
      let source = LinearRegression()
      let before = Weights(of: source).fingerprint()
      do {
        try Weights(of: source).read(path)
        Issue.record("weights of another model were accepted")
      } catch let error as FileError {
        #expect(
          error.reason
            == "does not fit the model: it lacks weight, runningMean; it has gain besides")
      }
      #expect(Weights(of: source).fingerprint() == before)
    }
  }
}
