import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepOptimization
import LockstepState
import LockstepTraining
import Testing

/// Values of layers and marked values, read out of a model by name.
@Suite struct ReadableValueTests {
  private struct Network: Model {
    let hidden = Linear(4, 6)
    let head = Linear(6, 3)

    func callAsFunction(_ input: Tensor) -> Tensor {
      let features = hidden(input).relu().named("features")
      return head(features)
    }
  }

  private static func points() throws -> Dataset {
    try Dataset(
      name: "points", inputShape: [4],
      inputs: .floats((0..<40).map { Float($0 * 37 % 23) / 10 - 1 }),
      labels: .classes((0..<10).map { Int32($0 % 3) }, count: 3))
  }

  private static func source(_ model: any Model = Network()) throws -> ModelSource {
    try ModelSource(model, loss: SoftmaxCrossEntropy(), on: points(), seed: 1)
  }

  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  /// x Wᵀ + b in Double.
  private func linear(_ name: String, _ input: [Double], in source: ModelSource) throws -> [Double]
  {
    let layout = source.memory.trainableLayout
    let weight = layout.slots[try #require(layout.index(of: "\(name).weight"))]
    let bias = layout.slots[try #require(layout.index(of: "\(name).bias"))]
    let values = Array(source.parameters)
    return (0..<bias.count).map { row in
      var sum = Double(values[bias.offset + row])
      for (column, value) in input.enumerated() {
        sum += value * Double(values[weight.offset + row * input.count + column])
      }
      return sum
    }
  }

  private func near(_ found: [Float]?, _ expected: [Double]) -> Bool {
    guard let found, found.count == expected.count else { return false }
    return zip(found, expected).allSatisfy { abs(Double($0) - $1) < 1e-5 }
  }

  @Test("a layer's and a marked value are what the model computes")
  func values() throws {
    let source = try Self.source()
    let predictor = try Predictor(source)
    #expect(predictor.readableNames == ["output", "hidden", "features", "head"])
    let input: [Float] = [0.5, -1, 2, 0.25]
    let found = try predictor.outputs(of: ["features", "hidden", "output"], for: input)
    let hidden = try linear("hidden", input.map(Double.init), in: source)
    #expect(near(found["hidden"], hidden))
    #expect(near(found["features"], hidden.map { max($0, 0) }))
    #expect(near(found["output"], try linear("head", hidden.map { max($0, 0) }, in: source)))
    #expect(found["output"] == (try predictor.predict(input)))
    #expect(found.count == 3)
    #expect(try predictor.outputShape(of: "features") == [6])
    let named = try predictor.outputs(of: ["hidden"], for: ["input": .floats(input)])
    #expect(named["hidden"] == found["hidden"])
  }

  @Test("an evaluator gives a row an example")
  func rows() throws {
    let source = try Self.source()
    let points = try Self.points()
    let predictor = try Predictor(source)
    let evaluator = try ModelEvaluator(source, on: points)
    #expect(evaluator.readableNames == predictor.readableNames)
    guard case .floats(let inputs) = points.inputs else { return }
    let examples = [7, 0, 3]
    let found = try evaluator.outputs(of: ["features", "output"], examples: examples)
    for (row, example) in examples.enumerated() {
      let input = Array(inputs[4 * example..<4 * example + 4])
      let expected = try predictor.outputs(of: ["features", "output"], for: input)
      let features = Array(try #require(found["features"])[6 * row..<6 * row + 6])
      let output = Array(try #require(found["output"])[3 * row..<3 * row + 3])
      #expect(
        features.map(Double.init).elementsEqual(try #require(expected["features"])) {
          abs($0 - Double($1)) < 1e-5
        })
      #expect(
        output.map(Double.init).elementsEqual(try #require(expected["output"])) {
          abs($0 - Double($1)) < 1e-5
        })
    }
    #expect(try evaluator.outputs(of: ["features"], examples: []) == ["features": []])
    #expect(throws: DatasetError.self) {
      try evaluator.outputs(of: ["features"], examples: [10])
    }
  }

  @Test("weights are read when the predictor is refreshed")
  func refreshed() throws {
    let source = try Self.source()
    let predictor = try Predictor(source)
    let input: [Float] = [0.5, -1, 2, 0.25]
    let before = try predictor.outputs(of: ["hidden"], for: input)
    for index in source.parameters.indices { source.parameters[index] *= 2 }
    try predictor.refresh()
    let after = try predictor.outputs(of: ["hidden"], for: input)
    #expect(before["hidden"]?.map { 2 * $0 } == after["hidden"])
  }

  @Test("an unknown name is refused with the nearest one")
  func unknown() throws {
    let source = try Self.source()
    let predictor = try Predictor(source)
    let text = message { _ = try predictor.outputs(of: ["hiden"], for: [0.0, 0, 0, 0] as [Float]) }
    #expect(text.contains("'hiden'") && text.contains("did you mean 'hidden'?"))
    #expect(text.contains("'output', 'hidden', 'features', 'head'"))
    let evaluator = try ModelEvaluator(source, on: Self.points())
    #expect(message { _ = try evaluator.outputs(of: ["x"], examples: []) }.contains("'features'"))
    #expect(try predictor.outputs(of: [], for: [0.0, 0, 0, 0] as [Float]).isEmpty)
  }

  @Test("two values do not share a name, and an input can have one")
  func marks() throws {
    struct Twice: Model {
      let head = Linear(4, 3)
      let name: String
      func callAsFunction(_ input: Tensor) -> Tensor {
        head(input.named(name).relu().named(name))
      }
    }
    struct Seen: Model {
      let head = Linear(4, 3)
      func callAsFunction(_ input: Tensor) -> Tensor { head(input.named("pixels")) }
    }
    for name in ["a", "head"] {
      #expect(message { _ = try Self.source(Twice(name: name)) }.contains("'\(name)'"))
    }
    #expect(message { _ = try Self.source(Twice(name: "")) }.contains("without a name"))
    let predictor = try Predictor(Self.source(Seen()))
    let found = try predictor.outputs(of: ["pixels"], for: [1, 2, 3, 4] as [Float])
    #expect(found == ["pixels": [1, 2, 3, 4]])
  }
}
