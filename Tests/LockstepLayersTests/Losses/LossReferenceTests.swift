import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepTestSupport
import Testing

/// Mean and gradient of every loss against PyTorch's in float64; see `scripts/reference/losses.py`.
@Suite struct LossReferenceTests {
  private static let file = Result {
    try ReferenceFile("LockstepTestSupport/Data/losses.safetensors")
  }

  private func loss(_ case: JSONObject) throws -> any LossFunction {
    func floats(_ key: String) -> [Float]? {
      `case`[key]?.arrayValue?.compactMap { $0.doubleValue.map { Float($0) } }
    }
    switch `case`.text("loss") {
    case "softmaxCrossEntropy":
      return SoftmaxCrossEntropy(
        labelSmoothing: `case`.float("labelSmoothing") ?? 0,
        ignoreIndex: `case`.integer("ignoreIndex").map { Int32($0) },
        classWeights: floats("classWeights"))
    case "meanSquaredError": return MeanSquaredError()
    case "meanAbsoluteError": return MeanAbsoluteError()
    case "huber": return Huber(delta: try #require(`case`.float("delta")))
    case "smoothL1": return SmoothL1(beta: try #require(`case`.float("beta")))
    case "quantile": return Quantile(levels: try #require(floats("levels")))
    case "poisson": return Poisson()
    case "binaryCrossEntropy": return BinaryCrossEntropy(positiveWeights: floats("positiveWeights"))
    case "focal":
      return Focal(alpha: `case`.float("alpha"), gamma: try #require(`case`.float("gamma")))
    case "klDivergence": return KLDivergence()
    default: throw GraphError("the test knows no loss '\(`case`.text("loss") ?? "")'")
    }
  }

  @Test("every case has PyTorch's mean and gradient")
  func cases() throws {
    let file = try Self.file.get()
    #expect(file.descriptions.count >= 32)
    for description in file.descriptions {
      let name = try #require(description.text("name"))
      let (prediction, target) = (
        try file.tensor("\(name)/prediction"), try file.tensor("\(name)/target")
      )
      let graph = Graph(batchCount: prediction.shape[0], training: true)
      let x = graph.input("x", prediction.shape)
      let loss = try loss(description)
      let wanted = loss.targetType(for: x.type)
      let t = graph.input("t", wanted.shape, wanted.scalar)
      let value = loss(x, t)
      let gradient = try #require(graph.gradients(of: value.sum, by: [x])[0])
      let weight =
        value.weight ?? graph.constant(Float(prediction.shape[0]) * value.weightPerExample)
      let results = try ReferenceEvaluator(graph).evaluate(
        [value.sum, gradient, weight],
        ReferenceEvaluator.Leaves(inputs: ["x": prediction, "t": target]))
      let divisor = results[2].values[0]
      let mean = try file.tensor("\(name)/mean")
      // What follows from hyperparameters, 1 − s say, is rounded to Float32.
      #expect(deviation(results[0].map { $0 / divisor }, from: mean) < 1e-7, "\(name)")
      let expected = try file.tensor("\(name)/gradient")
      #expect(deviation(results[1].map { $0 / divisor }, from: expected) < 1e-7, "\(name)")
    }
  }

  @Test("a plan computes every case in Float32")
  func plans() throws {
    let file = try Self.file.get()
    for description in file.descriptions {
      let name = try #require(description.text("name"))
      let loss = try loss(description)
      let prediction = try file.tensor("\(name)/prediction")
      let graph = Graph(batchCount: prediction.shape[0], training: true)
      // A parameter in the prediction's place: a plan gives gradients by parameters.
      let x = graph.parameter(
        ParameterSpecification(
          name: "x", shape: prediction.shape, initializer: ConstantInitializer(0)))
      let wanted = loss.targetType(for: x.type)
      let value = loss(x, graph.input("t", wanted.shape, wanted.scalar))
      let program = try Program(
        differentiating: value.sum, scalars: [value.sum] + (value.weight.map { [$0] } ?? []))
      let parameters = Arena<Float>(count: program.parameterLayout.count)
      for (place, number) in prediction.values.enumerated() {
        parameters.buffer[place] = Float(number)
      }
      let plan = try Plan(
        program, parameters: parameters.buffer, statistics: Arena<Float>(count: 0).buffer,
        isa: .current)
      try plan.packParameters()
      let lane = try Lane(plan)
      let target = try file.tensor("\(name)/target").values
      let input = lane.input("t")
      let bytes = try #require(input)
      for (place, number) in target.enumerated() {
        if wanted.scalar == .int32 {
          bytes.storeBytes(of: Int32(number), toByteOffset: 4 * place, as: Int32.self)
        } else {
          bytes.storeBytes(of: Float(number), toByteOffset: 4 * place, as: Float.self)
        }
      }
      let leaf = Arena<Float>(count: plan.leafCount)
      try lane.run(RunContext(), leaf: leaf.base)
      let divisor =
        value.weight == nil
        ? Double(prediction.shape[0]) * Double(value.weightPerExample) : Double(lane.scalar(1))
      let mean = HostTensor([], [Double(lane.scalar(0)) / divisor])
      #expect(deviation(mean, from: try file.tensor("\(name)/mean")) < 2e-6, "\(name)")
      let gradient = HostTensor(
        prediction.shape, leaf.buffer.prefix(prediction.values.count).map { Double($0) / divisor })
      #expect(deviation(gradient, from: try file.tensor("\(name)/gradient")) < 5e-6, "\(name)")
    }
  }
}
