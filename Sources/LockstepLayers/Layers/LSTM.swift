import LockstepCatalog
public import LockstepEngine

/// A recurrent network with long short-term memory.
///
/// i, f, o = σ(W_i· x + b_i· + W_h· h + b_h·), g = tanh(W_ig x + b_ig + W_hg h + b_hg),
/// c ← f ⊙ c + i ⊙ g, h ← o ⊙ tanh(c).
///
/// Input [N, T, features], batch first; result [N, T, D·H], D directions of H units. Parameters of layer k, as
/// in PyTorch, the gates in the order i, f, g, o: `weight_ih_lk` [4H, features], `weight_hh_lk` [4H, H],
/// `bias_ih_lk` [4H], `bias_hh_lk` [4H], and the same with `_reverse`; all drawn uniformly from ±1/√H.
///
/// Source: S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; with the
/// forget gate of F. Gers, J. Schmidhuber, F. Cummins, "Learning to forget", Neural Computation 12, 2000.
public struct LSTM: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The number of the input's features; nil takes it from the input.
  package let inputSize: Int?
  /// The number of units, H.
  package let hiddenSize: Int
  /// Layers, directions, dropout, initialisers.
  package let options: RecurrentOptions

  /// What an LSTM carries from position to position.
  public struct State {
    /// h of all layers, [N, L·D, H]: PyTorch's `h_n` with the batch first.
    package let hidden: Tensor
    /// c of all layers, [N, L·D, H]: PyTorch's `c_n` with the batch first.
    package let cell: Tensor

    /// Makes a state of h and c.
    public init(hidden: Tensor, cell: Tensor) {
      self.hidden = hidden
      self.cell = cell
    }
  }

  /// Makes a layer like PyTorch's `LSTM(input_size, hidden_size, num_layers, bias, batch_first=True, dropout,
  /// bidirectional)`.
  ///
  /// - Parameter carriesState: whether a window goes on from the state that the window before it left; see
  ///   ``RecurrentOptions``.
  public init(
    _ inputSize: Int?, _ hiddenSize: Int, numLayers: Int = 1, bias: Bool = true,
    dropout: Float = 0, bidirectional: Bool = false, output: RecurrentOutput = .sequence,
    carriesState: Bool = false
  ) {
    self.init(
      inputSize, hiddenSize,
      options: RecurrentOptions(
        numLayers: numLayers, bias: bias, dropout: dropout, bidirectional: bidirectional,
        output: output, carriesState: carriesState))
  }

  /// Makes a layer with options, initialisers among them.
  public init(_ inputSize: Int?, _ hiddenSize: Int, options: RecurrentOptions) {
    self.inputSize = inputSize
    self.hiddenSize = hiddenSize
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
  ///   - state: h and c before the first position; nil for zeros.
  /// - Returns: the output [N, T, D·H], and the state behind the last position.
  public func callAsFunction(
    _ input: Tensor, lengths: Tensor?, state: State? = nil
  ) -> (output: Tensor, state: State) {
    let results = inScope(of: input.graph) {
      stack.run(input, $0, lengths: lengths, hidden: state?.hidden, memory: state?.cell)
    }
    guard let results, let memory = results.memory else {
      return (input, State(hidden: input, cell: input))
    }
    return (results.sequence, State(hidden: results.hidden, cell: memory))
  }

  private var stack: RecurrentStack {
    RecurrentStack(cell: .lstm, inputSize: inputSize, hiddenSize: hiddenSize, options: options)
  }
}

extension LSTM {
  package static let entry = Entry<any Model>(
    "LSTM", "a recurrent network with a memory: [N, T, features]", .recurrent
  ) { values in
    LSTM(values["inputSize"], values["hiddenSize"], options: try RecurrentOptions(values))
  }
}
