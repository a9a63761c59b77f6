import LockstepEngine
import LockstepLayers
import LockstepTestSupport
import Testing

private func message(_ model: any Model, _ shape: [Int], training: Bool = true) -> String? {
  do {
    _ = try trace(model, inputShape: shape, batchCount: 2, training: training)
    return nil
  } catch { return error.description }
}

@Suite struct LayerTests {
  @Test("results have the shapes that are expected")
  func shapes() throws {
    let cases: [(model: any Model, input: [Int], output: [Int])] = [
      (Linear(3, 5), [3], [2, 5]),
      (Linear(5), [4, 3], [2, 4, 5]),
      (Conv2d(3, 8, kernel: 3), [3, 7, 9], [2, 8, 5, 7]),
      (Conv2d(8, kernel: 3, padding: .same), [3, 7, 9], [2, 8, 7, 9]),
      (Conv2d(8, kernel: [4, 2], padding: .same, dilation: [1, 3]), [3, 7, 9], [2, 8, 7, 9]),
      (Conv2d(8, kernel: 3, stride: 2, padding: 1), [3, 7, 8], [2, 8, 4, 4]),
      (Conv2d(6, kernel: 3, padding: [1, 0], groups: 3), [3, 5, 5], [2, 6, 5, 3]),
      (MaxPool2d(2), [3, 7, 8], [2, 3, 3, 4]),
      (MaxPool2d(3, stride: 2, padding: 1), [3, 7, 8], [2, 3, 4, 4]),
      (AvgPool2d([2, 4]), [3, 6, 8], [2, 3, 3, 2]),
      (GlobalAveragePool2d(), [3, 6, 8], [2, 3, 1, 1]),
      (BatchNorm1d(), [3], [2, 3]),
      (BatchNorm1d(3), [3, 4], [2, 3, 4]),
      (BatchNorm2d(3), [3, 4, 5], [2, 3, 4, 5]),
      (LayerNorm(), [3, 4], [2, 3, 4]),
      (LayerNorm([3, 4], bias: false), [3, 4], [2, 3, 4]),
      (RMSNorm(), [5], [2, 5]),
      (GroupNorm(3), [6, 4, 5], [2, 6, 4, 5]),
      (GroupNorm(2), [6], [2, 6]),
      (LockstepLayers.Dropout(0.5), [3, 4], [2, 3, 4]),
      (Flatten(), [3, 4, 5], [2, 60]),
      (LockstepLayers.Reshape([5, -1]), [3, 4, 5], [2, 5, 12]),
      (Identity(), [3], [2, 3]),
      (LockstepLayers.Softmax(), [3, 4], [2, 3, 4]),
      (Residual { Linear(3) }, [3], [2, 3]),
    ]
    for (model, input, output) in cases {
      for training in [true, false] {
        let trace = try trace(model, inputShape: input, batchCount: 2, training: training)
        #expect(trace.output.shape == output, "\(model)")
      }
    }
  }

  @Test("activations compute their functions")
  func activations() throws {
    let values = HostTensor([2, 2], [-2, -0.5, 0.25, 3])
    let cases: [(any Model, (Tensor) -> Tensor)] = [
      (ReLU(), { $0.relu() }), (LeakyReLU(0.2), { $0.relu(slope: 0.2) }),
      (ELU(0.5), { $0.elu(alpha: 0.5) }), (Sigmoid(), { $0.sigmoid() }), (Tanh(), { $0.tanh() }),
      (GELU(), { $0.gelu() }), (SiLU(), { $0.silu() }), (Softplus(), { $0.softplus() }),
      (LockstepLayers.Softmax(), { $0.softmax() }), (Identity(), { $0 }),
    ]
    for (model, function) in cases {
      let trace = try trace(model, inputShape: [2], batchCount: 2, training: false)
      let results = try ReferenceEvaluator(trace.graph).evaluate(
        [trace.output, function(trace.input)], .init(inputs: ["input": values]))
      #expect(results[0] == results[1], "\(model)")
    }
  }

  @Test("groups are normalised as layers are, each by itself")
  func groups() throws {
    let x = HostTensor([2, 4, 3], (0..<24).map { Double(($0 * 37) % 11) - 3 })
    func output(_ model: any Model, _ x: HostTensor) throws -> HostTensor {
      let trace = try trace(
        model, inputShape: Array(x.shape.dropFirst()), batchCount: x.shape[0], training: true)
      return try ReferenceEvaluator(trace.graph).evaluate(
        [trace.output],
        .init(
          inputs: ["input": x],
          parameters: Dictionary(
            uniqueKeysWithValues: trace.graph.parameters.map { parameter in
              let value = parameter.name.hasSuffix("weight") ? 1.0 : 0
              return (
                parameter.name,
                HostTensor(
                  parameter.shape,
                  parameter.shape.isEmpty
                    ? [value] : Array(repeating: value, count: parameter.shape.reduce(1, *)))
              )
            })))[0]
    }
    let whole = try output(GroupNorm(1), x)
    #expect(whole.values == (try output(LayerNorm([4, 3]), x)).values)
    // Two groups are two examples of half the channels.
    let halves = HostTensor([4, 2, 3], x.values)
    #expect(try output(GroupNorm(2), x).values == (try output(LayerNorm([2, 3]), halves)).values)
    func meanSquare(_ values: some Sequence<Double>, _ count: Double) -> Double {
      values.reduce(0) { $0 + $1 * $1 } / count
    }
    for row in 0..<2 {
      let values = whole.values[row * 12..<(row + 1) * 12]
      #expect(values.reduce(0, +).magnitude < 1e-12)
      let spread: Double = meanSquare(values, 12) - 1
      #expect(spread.magnitude < 1e-5)
    }
    let rms = try output(RMSNorm(), x).values
    let size: Double = meanSquare(rms[..<3], 3) - 1
    #expect(size.magnitude < 1e-6)
  }

  @Test("what a layer cannot do is said with its name")
  func errors() {
    let cases: [(model: any Model, input: [Int], message: String)] = [
      (Linear(3, 5), [4], "expects 3 features, the input [2, 4] has 4"),
      (Linear(0), [4], "outFeatures must be positive, got 0"),
      (Conv2d(3, 8, kernel: 3), [4, 5, 5], "expects 3 channels, the input [2, 4, 5, 5] has 4"),
      (Conv2d(8, kernel: 3), [4, 5], "expects an input [N, C, H, W], got [2, 4, 5]"),
      (
        Conv2d(8, kernel: 3, stride: 2, padding: .same), [4, 5, 5],
        "padding 'same' needs a stride of 1, got [2, 2]; give the padding in numbers"
      ),
      (
        Conv2d(8, kernel: 3, groups: 3), [4, 5, 5],
        "3 groups do not divide 4 input and 8 output channels"
      ),
      (LayerNorm([5]), [3, 4], "normalises the last axes [5], the input is [2, 3, 4]"),
      (GroupNorm(4), [6, 2], "4 groups do not divide 6 channels"),
      (Conv2d(8, kernel: 0), [4, 5, 5], "the kernel must be positive, got [0, 0]"),
      (
        Conv2d(8, kernel: 7), [4, 5, 5],
        "conv2d: a kernel that reaches over 7 does not fit into 5 plus padding 0 and 0"
      ),
      (BatchNorm2d(3), [4, 5, 5], "expects 3 channels, the input [2, 4, 5, 5] has 4"),
      (BatchNorm2d(), [4, 5], "expects an input [N, C, H, W], got [2, 4, 5]"),
      (BatchNorm1d(), [4, 5, 5], "expects an input [N, C] or [N, C, L], got [2, 4, 5, 5]"),
      (BatchNorm1d(momentum: 2), [4], "the momentum must be in 0...1, got 2.0"),
      (LockstepLayers.Dropout(1), [4], "the rate must be in 0..<1, got 1.0"),
      (
        LockstepLayers.Reshape([3]), [4],
        "reshape: [2, 4] has 8 values, which do not fill [2, 3]"
      ),
      (
        LockstepLayers.Reshape([-1, -1]), [4],
        "a shape has positive dimensions and at most one −1, got [-1, -1]"
      ),
    ]
    for (model, input, expected) in cases {
      #expect(
        message(Sequential(named: [("body", model), ("head", ReLU())]), input)
          == "layer 'body': \(expected)")
    }
    #expect(
      message(Residual(Linear(3)), [4])
        == "a residual's body gives [2, 3], its shortcut [2, 4]; they must be equal")
  }

  @Test("one value a channel is an error in training that names the layer, and fine in evaluation")
  func lonelyExample() throws {
    let model = Sequential([Linear(3), BatchNorm1d()])
    let error = #expect(throws: GraphError.self) {
      try trace(model, inputShape: [4], batchCount: 1, training: true)
    }
    #expect(
      error?.description.hasPrefix(
        "layer '1': batch normalization: one value a channel has no variance") == true)
    _ = try trace(model, inputShape: [4], batchCount: 1, training: false)
  }

  @Test("what is said about parameters reaches the graph")
  func specifications() throws {
    let model = Sequential([
      Conv2d(
        4, kernel: 3, weightInitializer: ConstantInitializer(2),
        biasInitializer: ConstantInitializer(3), constraint: .named("a"), trainable: false),
      BatchNorm2d(constraint: .named("b")), Flatten(), Linear(2, constraint: .named("c")),
    ])
    let graph = try trace(model, inputShape: [1, 5, 5], batchCount: 2, training: true).graph
    let parameters = graph.parameters
    #expect(
      parameters.map(\.constraint)
        == [.named("a"), nil, .named("b"), nil, .named("c"), nil])
    #expect(parameters.map(\.trainable) == [false, false, true, true, true, true])
    #expect(parameters[0].initializer as? ConstantInitializer == ConstantInitializer(2))
    #expect(parameters[1].initializer as? ConstantInitializer == ConstantInitializer(3))
    #expect(parameters[2].initializer as? ConstantInitializer == ConstantInitializer(1))
    #expect(parameters[3].initializer as? ConstantInitializer == ConstantInitializer(0))
    #expect(parameters[4].initializer as? VarianceScaling == .pyTorchDefault)
    // 4 · 3 · 3 inputs a unit.
    #expect(parameters[5].initializer as? UniformInitializer == UniformInitializer(-1 / 6, 1 / 6))
  }

  @Test("a frozen batch norm uses running statistics in training, and leaves them alone")
  func frozenBatchNorm() throws {
    let graph = try trace(
      BatchNorm1d(frozen: true), inputShape: [3], batchCount: 2, training: true
    ).graph
    #expect(graph.observations.isEmpty)
    #expect(graph.statistics.map(\.name) == ["running_mean", "running_var"])
    #expect(graph.statistics.map(\.initialValues) == [[0], [1]])
    #expect(graph.nodes.count == 1)
    #expect(graph.nodes[0].operation is FixedNormalization)
  }

  @Test("a batch norm that is not affine has no parameters, and normalises")
  func plainBatchNorm() throws {
    let trace = try trace(
      BatchNorm1d(affine: false), inputShape: [1], batchCount: 2, training: true)
    #expect(trace.graph.parameters.isEmpty)
    let output = try ReferenceEvaluator(trace.graph).evaluate(
      [trace.output], .init(inputs: ["input": HostTensor([2, 1], [3, 7])]))[0]
    #expect(deviation(output, from: HostTensor([2, 1], [-1, 1])) < 1e-5)
  }

  @Test("dropout is the identity in evaluation and at a rate of zero")
  func dropoutIdentity() throws {
    for (rate, training) in [(Float(0.5), false), (0, true)] {
      let trace = try trace(
        LockstepLayers.Dropout(rate), inputShape: [3], batchCount: 2, training: training)
      #expect(trace.graph.nodes.isEmpty)
    }
  }

  @Test("dropouts of a model draw different masks, also where one is called twice")
  func dropoutKeys() throws {
    let twice = LockstepLayers.Dropout(0.5)
    func keys(_ training: Bool) throws -> [UInt32] {
      try trace(
        Sequential([LockstepLayers.Dropout(0.5), twice, ReLU(), twice, LockstepLayers.Dropout(0.5)]
        ),
        inputShape: [3], batchCount: 2, training: true
      ).graph.nodes.compactMap { ($0.operation as? LockstepEngine.Dropout)?.key }
    }
    #expect(try keys(true).count == 4)
    #expect(try Set(keys(true)).count == 4)
    #expect(try keys(true) == keys(true))
  }

  @Test("the hash is 32-bit FNV-1a")
  func hash() {
    // The known answers of the function's reference.
    #expect(stableHash("") == 0x811C_9DC5)
    #expect(stableHash("a") == 0xE40C_292C)
    #expect(stableHash("foobar") == 0xBF9C_F968)
  }

  @Test("the builder of Sequential takes conditions and loops")
  func builder() throws {
    func model(deep: Bool) -> Sequential {
      Sequential {
        Flatten()
        for size in [5, 4] {
          Linear(size)
          ReLU()
        }
        if deep { Linear(3) } else { Identity() }
        if deep { ReLU() }
      }
    }
    #expect(model(deep: true).models.count == 7)
    #expect(model(deep: false).models.count == 6)
    let trace = try trace(model(deep: true), inputShape: [2, 2], batchCount: 2, training: true)
    #expect(
      trace.graph.parameters.map(\.name)
        == ["1", "3", "5"].flatMap { ["\($0).weight", "\($0).bias"] })
  }
}
