import LockstepCatalog
public import LockstepEngine

/// What a recurrent layer returns where it is one model among others.
public enum RecurrentOutput: String, Sendable, CaseIterable {
  /// The states at all positions, [N, T, D·H]; what PyTorch calls `output`.
  case sequence
  /// The last layer's states behind the last position that each direction read, [N, D·H]: of the reverse
  /// direction the one at a sequence's first position.
  case state
}

/// What RNN, GRU and LSTM have in common: PyTorch's arguments, with its defaults.
public struct RecurrentOptions: Sendable {
  /// The number of layers, each reading the results of the one before. PyTorch's `num_layers`.
  package var numLayers: Int
  /// Whether biases are added: `bias_ih_l0` and `bias_hh_l0`.
  package var bias: Bool
  /// The rate of dropout on the results of every layer but the last.
  package var dropout: Float
  /// Whether sequences are also read from their end, by weights of their own; results are joined on the last
  /// axis, forward first.
  package var bidirectional: Bool
  /// What the layer returns where it is one model among others.
  package var output: RecurrentOutput
  /// Whether training and evaluations go on from the state that the window before left.
  package var carriesState: Bool
  /// Draws the inputs' weights; nil draws as PyTorch does, uniformly from ±1/√H.
  package var weightInitializer: (any Initializer)?
  /// Draws the states' weights; nil draws as PyTorch does. Orthogonal is usual in Keras.
  package var recurrentInitializer: (any Initializer)?
  /// Draws both biases; nil draws as PyTorch does.
  package var biasInitializer: (any Initializer)?
  /// Whether weights and biases are updated.
  package var trainable: Bool

  /// Makes options with PyTorch's defaults.
  ///
  /// - Parameter carriesState: whether the first state of a window is the last state of the window before
  ///   it in the same stream, in training and in evaluations. It is a constant there: gradients go back to the
  ///   window's first position (truncated back-propagation through time). An epoch and an evaluation start from
  ///   zeros. Such a layer trains on examples that are streams, with a row of the batch for each of them
  ///   (`ExampleSource.streams`), and cannot be bidirectional.
  public init(
    numLayers: Int = 1, bias: Bool = true, dropout: Float = 0, bidirectional: Bool = false,
    output: RecurrentOutput = .sequence, carriesState: Bool = false,
    weightInitializer: (any Initializer)? = nil,
    recurrentInitializer: (any Initializer)? = nil, biasInitializer: (any Initializer)? = nil,
    trainable: Bool = true
  ) {
    self.numLayers = numLayers
    self.bias = bias
    self.dropout = dropout
    self.bidirectional = bidirectional
    self.output = output
    self.carriesState = carriesState
    self.weightInitializer = weightInitializer
    self.recurrentInitializer = recurrentInitializer
    self.biasInitializer = biasInitializer
    self.trainable = trainable
  }
}

extension RecurrentOutput: HyperparameterValue {}

extension [Hyperparameter] {
  /// Of a recurrent layer.
  static var recurrent: Self {
    [
      .required("hiddenSize", .size, "the number of units"),
      .optional("inputSize", .size, "the number of features; taken from the input if absent"),
      .with("numLayers", .integer(1...1000), 1, "layers, each on the results of the one before"),
      .bias, .with("dropout", .dropoutRate, 0, "the rate behind all layers but the last"),
      .with("bidirectional", .boolean, false, "whether sequences are read from their end, too"),
      .with(
        "output", RecurrentOutput.sequence,
        "the states at all positions, [N, T, H], or the last `state`, [N, H]"),
      .carriesState, .weightInitializer,
      .initializer("recurrentInitializer", "the states' weights"),
      .biasInitializer, .trainable,
    ]
  }
}

extension Hyperparameter {
  /// Of a recurrent layer, and of a model with one.
  static var carriesState: Self {
    .with(
      "carriesState", .boolean, false,
      "whether a window goes on from the state that the window before it left; for data of `streams`"
    )
  }
}

extension RecurrentOptions {
  /// The options that an object of a recurrent layer's keys says.
  init(_ values: Hyperparameters) throws {
    self.init(
      numLayers: values["numLayers"], bias: values["bias"], dropout: values["dropout"],
      bidirectional: values["bidirectional"], output: values["output"],
      carriesState: values["carriesState"],
      weightInitializer: try values.initializer("weightInitializer"),
      recurrentInitializer: try values.initializer("recurrentInitializer"),
      biasInitializer: try values.initializer("biasInitializer"), trainable: values["trainable"])
  }
}

/// Layers of a recurrent network, each in one direction or both.
struct RecurrentStack {
  let cell: RecurrentCell
  let inputSize: Int?
  let hiddenSize: Int
  let options: RecurrentOptions

  /// Results of the last layer, and the states of all layers behind the last position.
  struct Results {
    let sequence: Tensor
    /// [N, L·D, H], the directions of a layer side by side.
    let hidden: Tensor
    let memory: Tensor?
  }

  private var directions: Int { options.bidirectional ? 2 : 1 }

  /// Runs from a state, from what the graph carries, or from zeros. Nil, with the trace failed, where the
  /// input does not fit.
  func run(
    _ input: Tensor, _ scope: LayerScope, lengths: Tensor?, hidden: Tensor?, memory: Tensor?
  ) -> Results? {
    guard
      scope.require(
        !options.carriesState || !options.bidirectional,
        "a bidirectional layer carries no state: what reads from a window's end would start from the window "
          + "behind it, which is not read yet"),
      scope.require(
        !options.carriesState || hidden == nil,
        "carries its state from window to window, and is given one: leave carriesState or the state out"
      ),
      scope.require(
        !options.carriesState
          || (input.shape.first ?? scope.graph.batchCount) == scope.graph.batchCount,
        "carries a state for each row of the batch, and the input \(input.shape) has other rows")
    else { return nil }
    let carries =
      scope.graph.carriesStates || scope.graph.continuation == .declared && options.carriesState
    guard hidden == nil, carries, !options.bidirectional, !input.shape.isEmpty else {
      return runLayers(input, scope, lengths: lengths, hidden: hidden, memory: memory)
    }
    return carrying(input, scope, lengths: lengths)
  }

  private func runLayers(
    _ input: Tensor, _ scope: LayerScope, lengths: Tensor?, hidden: Tensor?, memory: Tensor?
  ) -> Results? {
    guard fits(input, scope, states: [hidden, memory]) else { return nil }
    let (n, earlier) = (input.shape[0], dropouts(scope))
    var x = input
    var hiddens: [Tensor] = []
    var memories: [Tensor] = []
    for layer in 0..<options.numLayers {
      var sequences: [Tensor] = []
      for direction in 0..<directions {
        let index = layer * directions + direction
        func part(_ state: Tensor?) -> Tensor? {
          state?.sliced(axis: 1, index..<index + 1).reshaped(to: [n, hiddenSize])
        }
        let result = pass(
          x, scope, suffix: "_l\(layer)" + (direction == 1 ? "_reverse" : ""),
          reverses: direction == 1, lengths: lengths,
          state: part(hidden).map { ($0, part(memory)) })
        sequences.append(result.sequence)
        hiddens.append(result.hidden)
        if let memory = result.memory { memories.append(memory) }
      }
      x = sequences.count == 1 ? sequences[0] : Tensor.concatenated(sequences, axis: 2)
      if options.dropout > 0, layer + 1 < options.numLayers {
        x = x.dropout(
          rate: options.dropout, key: stableHash(scope.dotted("dropout.\(earlier + layer)")))
      }
    }
    func joined(_ states: [Tensor]) -> Tensor {
      let rows = states.map { $0.reshaped(to: [n, 1, hiddenSize]) }
      return rows.count == 1 ? rows[0] : Tensor.concatenated(rows, axis: 1)
    }
    return Results(
      sequence: x, hidden: joined(hiddens), memory: memories.isEmpty ? nil : joined(memories))
  }

  /// What the layer returns where it is one model among others.
  func forward(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    let results = run(
      input, scope, lengths: scope.lengths(of: input), hidden: nil, memory: nil)
    guard let results else { return input }
    switch options.output {
    case .sequence: return results.sequence
    case .state:
      let count = results.hidden.shape[1]
      return results.hidden.sliced(axis: 1, count - directions..<count)
        .reshaped(to: [input.shape[0], directions * hiddenSize])
    }
  }

  /// Runs from what the graph carries, and tells it what it is to carry on.
  private func carrying(_ input: Tensor, _ scope: LayerScope, lengths: Tensor?) -> Results? {
    let graph = scope.graph
    let shape = [input.shape[0], options.numLayers, hiddenSize]
    let hidden = graph.carriedState("hidden", shape)
    let memory = cell.hasMemory ? graph.carriedState("cell", shape) : nil
    let results = runLayers(input, scope, lengths: lengths, hidden: hidden, memory: memory)
    if let results {
      graph.carry(hidden, as: results.hidden)
      if let memory, let after = results.memory { graph.carry(memory, as: after) }
    }
    return results
  }

  private func pass(
    _ x: Tensor, _ scope: LayerScope, suffix: String, reverses: Bool, lengths: Tensor?,
    state: (hidden: Tensor, memory: Tensor?)?
  ) -> Tensor.Recurrent {
    let width = cell.gates * hiddenSize
    let standard = UniformInitializer.bias(fanIn: hiddenSize)
    func weight(_ name: String, _ columns: Int, _ initializer: (any Initializer)?) -> Tensor {
      scope.parameter(
        name + suffix, [width, columns], initializer ?? standard, trainable: options.trainable)
    }
    let inputWeight = weight("weight_ih", x.shape[2], options.weightInitializer)
    let stateWeight = weight("weight_hh", hiddenSize, options.recurrentInitializer)
    let biases =
      options.bias
      ? ["bias_ih", "bias_hh"].map {
        scope.parameter(
          $0 + suffix, [width], options.biasInitializer ?? standard, trainable: options.trainable)
      } : nil
    // The inputs' products are one linear map of all positions.
    return x.linear(inputWeight, biases?[0]).recurrent(
      cell, stateWeight, bias: biases?[1], reverses: reverses, lengths: lengths, state: state)
  }

  private func fits(_ input: Tensor, _ scope: LayerScope, states: [Tensor?]) -> Bool {
    let shape = input.shape
    guard
      scope.require(
        hiddenSize > 0 && options.numLayers > 0,
        "hiddenSize and numLayers must be positive, got \(hiddenSize) and \(options.numLayers)"),
      scope.require(
        options.dropout >= 0 && options.dropout < 1,
        "the rate of dropout must be in 0..<1, got \(options.dropout)"),
      scope.require(
        shape.count == 3, "expects an input [N, T, features], batch first, got \(shape)"),
      scope.require(
        shape[2] == inputSize ?? shape[2],
        "expects \(inputSize ?? 0) features, the input \(shape) has \(shape[2])")
    else { return false }
    let expected = [shape[0], options.numLayers * directions, hiddenSize]
    return states.allSatisfy { state in
      guard let state else { return true }
      return scope.require(
        state.shape == expected,
        "expects a first state [N, layers · directions, hidden] of \(expected), got \(state.shape)")
    }
  }

  /// How often the layer's scope has dropped out: another call of the layer draws other masks.
  private func dropouts(_ scope: LayerScope) -> Int {
    scope.graph.nodes.count {
      $0.scope == scope.graph.scope && $0.operation is LockstepEngine.Dropout
    }
  }
}

extension Layer {
  /// Runs `body` in the layer's scope; nil where the trace has failed.
  func inScope<Result>(
    of graph: Graph, _ body: (LayerScope) -> Result?
  ) -> Result? {
    guard !graph.hasFailed else { return nil }
    let outer = graph.scope
    defer { graph.scope = outer }
    let name = graph.name(of: identity)
    if let name { graph.scope = name }
    return body(LayerScope(graph: graph, name: name, kind: "\(Self.self)"))
  }
}
