import LockstepCatalog
public import LockstepEngine

/// A recurrent network with gated units.
///
/// r = σ(W_ir x + b_ir + W_hr h + b_hr), z = σ(W_iz x + b_iz + W_hz h + b_hz),
/// n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)), h ← (1 − z) ⊙ n + z ⊙ h.
///
/// Input [N, T, features], batch first; result [N, T, D·H], D directions of H units. Parameters of layer k, as
/// in PyTorch, the gates in the order r, z, n: `weight_ih_lk` [3H, features], `weight_hh_lk` [3H, H],
/// `bias_ih_lk` [3H], `bias_hh_lk` [3H], and the same with `_reverse`; all drawn uniformly from ±1/√H.
///
/// Source: K. Cho et al., "Learning phrase representations using RNN encoder–decoder for statistical machine
/// translation", EMNLP 2014; as PyTorch, cuDNN and Keras's `reset_after=True` have it, r multiplies the product
/// of the weights and the state, not the state.
public struct GRU: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The number of the input's features; nil takes it from the input.
  package let inputSize: Int?
  /// The number of units, H.
  package let hiddenSize: Int
  /// Layers, directions, dropout, initialisers.
  package let options: RecurrentOptions

  /// Makes a layer like PyTorch's `GRU(input_size, hidden_size, num_layers, bias, batch_first=True, dropout,
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
    RecurrentStack(cell: .gru, inputSize: inputSize, hiddenSize: hiddenSize, options: options)
  }
}

extension GRU {
  package static let entry = Entry<any Model>(
    "GRU", "a recurrent network with gated units: [N, T, features]", .recurrent
  ) { values in
    GRU(values["inputSize"], values["hiddenSize"], options: try RecurrentOptions(values))
  }
}
