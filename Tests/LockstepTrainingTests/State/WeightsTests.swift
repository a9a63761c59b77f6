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
