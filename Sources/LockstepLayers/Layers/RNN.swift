import LockstepCatalog
public import LockstepEngine

/// The simple recurrent network: hₜ = f(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh), f = tanh or ReLU.
///
/// Input [N, T, features], batch first; result [N, T, D·H], D directions of H units. Parameters of layer k, as
/// in PyTorch: `weight_ih_lk` [H, features], `weight_hh_lk` [H, H], `bias_ih_lk` [H], `bias_hh_lk` [H], and the
/// same with `_reverse`; all drawn uniformly from ±1/√H.
///
/// Source: J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990.
public struct RNN: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The function f.
  public enum Nonlinearity: String, Sendable, CaseIterable {
    /// The hyperbolic tangent.
    case tanh
    /// max(0, x).
    case relu
  }

  /// The number of the input's features; nil takes it from the input.
  package let inputSize: Int?
  /// The number of units, H.
  package let hiddenSize: Int
  /// The function f.
  package let nonlinearity: Nonlinearity
  /// Layers, directions, dropout, initialisers.
  package let options: RecurrentOptions

  /// Makes a layer like PyTorch's `RNN(input_size, hidden_size, num_layers, nonlinearity, bias,
  /// batch_first=True, dropout, bidirectional)`.
  ///
  /// - Parameter carriesState: whether a window goes on from the state that the window before it left; see
  ///   ``RecurrentOptions``.
  public init(
    _ inputSize: Int?, _ hiddenSize: Int, numLayers: Int = 1, nonlinearity: Nonlinearity = .tanh,
    bias: Bool = true, dropout: Float = 0, bidirectional: Bool = false,
    output: RecurrentOutput = .sequence,
    carriesState: Bool = false
  ) {
    self.init(
      inputSize, hiddenSize, nonlinearity: nonlinearity,
      options: RecurrentOptions(
        numLayers: numLayers, bias: bias, dropout: dropout, bidirectional: bidirectional,
        output: output, carriesState: carriesState))
  }

  /// Makes a layer with options, initialisers among them.
  public init(
    _ inputSize: Int?, _ hiddenSize: Int, nonlinearity: Nonlinearity = .tanh,
    options: RecurrentOptions
  ) {
    self.inputSize = inputSize
    self.hiddenSize = hiddenSize
    self.nonlinearity = nonlinearity
    self.options = options
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    stack.forward(input, scope)
  }

  /// The states at all positions and the last ones.
  ///
  /// - Parameters:
  ///   - lengths: the sequences' lengths, Int32 [N]; nil where all are T. Behind a sequence's end results
  ///     are 0 and states stay, as in PyTorch's packed sequences.
  ///   - state: the states before the first position, [N, L·D, H]; nil for zeros.
  /// - Returns: the output [N, T, D·H], and the states behind the last position, [N, L·D, H]: PyTorch's
  ///   `h_n` with the batch first.
  public func callAsFunction(
    _ input: Tensor, lengths: Tensor?, state: Tensor? = nil
  ) -> (output: Tensor, state: Tensor) {
    let results = inScope(of: input.graph) {
      stack.run(input, $0, lengths: lengths, hidden: state, memory: nil)
    }
    return results.map { ($0.sequence, $0.hidden) } ?? (input, input)
  }

  private var stack: RecurrentStack {
    RecurrentStack(
      cell: nonlinearity == .tanh ? .tanh : .relu, inputSize: inputSize, hiddenSize: hiddenSize,
      options: options)
  }
}

extension RNN {
  package static let entry = Entry<any Model>(
    "RNN", "the simple recurrent network: [N, T, features]",
    .recurrent + [.with("nonlinearity", Nonlinearity.tanh, "the units' function")]
  ) { values in
    RNN(
      values["inputSize"], values["hiddenSize"], nonlinearity: values["nonlinearity"],
      options: try RecurrentOptions(values))
  }
}

extension RNN.Nonlinearity: HyperparameterValue {}
