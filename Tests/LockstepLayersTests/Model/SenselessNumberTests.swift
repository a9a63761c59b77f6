import LockstepEngine
import LockstepLayers
import Testing

/// Layers, initializers and models whose numbers make no sense fail the trace that uses them, with the
/// layer's name and the number; making them is no error, so that they can be properties of a model.
@Suite struct SenselessNumberTests {
  private static let initializers: [(any Initializer, String)] = [
    (UniformInitializer(1, -1), "uniform from 1.0 to -1.0: the bounds must be finite and in order"),
    (UniformInitializer(.nan, 1), "uniform from nan"),
    (UniformInitializer(-.greatestFiniteMagnitude, .greatestFiniteMagnitude), "uniform from"),
    (NormalInitializer(mean: 0, standardDeviation: -1), "standard deviation -1.0"),
    (TruncatedNormalInitializer(standardDeviation: 0), "the deviation positive"),
    (TruncatedNormalInitializer(lower: 2, upper: -2), "truncated normal from 2.0 to -2.0"),
    (VarianceScaling(scale: 0, mode: .fanIn, distribution: .normal), "variance scaling by 0.0"),
    (VarianceScaling.glorot(gain: .infinity), "variance scaling by inf"),
    (OrthogonalInitializer(gain: .nan), "a gain of nan"),
    (ConstantInitializer(.nan), "a constant of nan"),
  ]

  @Test(
    "an initializer that cannot be used fails the trace, naming the parameter",
    arguments: initializers.indices)
  func initializerFails(_ index: Int) {
    let (initializer, words) = Self.initializers[index]
    let model = Sequential { Linear(4, weightInitializer: initializer) }
    let error = #expect(throws: GraphError.self) {
      try trace(model, inputShape: [3], batchCount: 2, training: true)
    }
    let text = error?.description ?? ""
    #expect(text.contains(words) && text.contains("'0.weight'"), "\(text)")
    // Filling with it ends, too.
    var values = [Float](repeating: 0, count: 12)
    var random = CounterGenerator(seed: 1, .initialization)
    var span = values.mutableSpan
    initializer.fill(&span, shape: [4, 3], using: &random)
  }

  private static let models: [(any Model, String)] = [
    (Conv2d(3, kernel: [3]), "the kernel must be a number or a list of two"),
    (Conv2d(3, kernel: 3, stride: [1, 2, 3]), "the stride must be a number or a list of two"),
    (Conv2d(3, kernel: 3, padding: [1]), "the padding must be a number or a list of two"),
    (Conv2d(3, kernel: SpatialPair(.max)), "'0.weight'"), (Conv2d(.max, kernel: 3), "'0.weight'"),
    (Conv2d(3, kernel: 3, padding: .explicit(-1)), "padding is two numbers"),
    (MaxPool2d(0), "kernel, strides and dilations"), (AvgPool2d([]), "a list of two"),
    (Linear(.max), "'0.weight'"), (Linear(-3), "outFeatures must be positive, got -3"),
    (ResNet(depth: 9), "a ResNet's depth is 6n + 2, from 8 to 6002, got 9"),
    (ResNet(depth: .max), "a ResNet's depth"), (ResNet(depth: 8, width: 0), "a ResNet's width"),
    (
      Sequential(named: [("a", Flatten()), ("a", Linear(2))]),
      "two models of a Sequential are named 'a'"
    ), (Sequential(named: [("a.b", Linear(2))]), "names have no dots"),
    (Returning { _ in Tensor.concatenated([], axis: 1) }, "there is no tensor to concatenate"),
    (
      Returning { _ in Graph(batchCount: 2, training: true).input("x", [2, 3]) },
      "returns a tensor of another trace"
    ),
  ]

  private struct Returning: Model {
    let make: @Sendable (Tensor) -> Tensor
    func callAsFunction(_ input: Tensor) -> Tensor { make(input) }
  }

  @Test("a layer that cannot be used fails the trace", arguments: models.indices)
  func modelFails(_ index: Int) {
    let (model, words) = Self.models[index]
    let error = #expect(throws: GraphError.self) {
      try trace(
        Sequential([model]), inputShape: [3, 8, 8], batchCount: 2, training: true)
    }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }
}
