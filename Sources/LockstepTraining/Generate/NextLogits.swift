import LockstepDatasets
import LockstepEngine

/// What a model says about the token behind those it has been given.
package protocol NextLogits: AnyObject {
  /// Forgets all tokens.
  func reset()
  /// Takes more tokens, one at least, and returns the logits of the next one; valid until the next call.
  func advance(_ tokens: ArraySlice<Int32>) throws -> UnsafeBufferPointer<Float>
}

/// Runs the whole context anew for each token.
package final class WindowLogits: NextLogits {
  private let pass: WindowPass
  private var context: TokenContext

  package init(_ trace: TokenModelTrace, length: Int) throws {
    pass = try WindowPass(trace, length: length, .none)
    context = TokenContext(length: length)
  }

  package func reset() { context.reset() }

  package func advance(_ new: ArraySlice<Int32>) throws -> UnsafeBufferPointer<Float> {
    _ = context.append(new)
    try pass.run(context.tokens[...])
    return pass.logits(at: context.tokens.count - 1)
  }

  /// The logits of all positions of a window.
  func run(_ window: [Int32]) throws -> UnsafeBufferPointer<Float> {
    try pass.run(window[...])
    return pass.logits
  }

  /// Whether no position sees a token behind it.
  func isCausal(_ window: [Int32]) throws -> Bool {
    guard pass.length > 1 else { return true }
    let before = Array(try run(window))
    var other = window
    other[pass.length - 1] = (other[pass.length - 1] + 1) % Int32(pass.vocabulary)
    let after = try run(other)
    let seen = (pass.length - 1) * pass.vocabulary
    return before[..<seen].elementsEqual(after[..<seen]) { $0.bitPattern == $1.bitPattern }
  }
}

/// A model on windows of one length.
final class WindowPass {
  let length: Int
  let vocabulary: Int
  /// What positions leave for those behind them, by the inputs that take it.
  let keptRows: [Graph.KeptRows]
  /// Owns the weights, which the lane knows by their address.
  private let trace: TokenModelTrace
  private let lane: Lane
  private let input: UnsafeMutableBufferPointer<Int32>

  init(_ trace: TokenModelTrace, length: Int, _ continuation: Continuation) throws {
    let (lane, graph) = try trace.lane(length: length, continuation)
    guard let input = lane.input(ExampleField.inputName)?.bindMemory(to: Int32.self) else {
      throw GraphError("the model does not look at its tokens")
    }
    (self.trace, self.length, self.lane, self.input) = (trace, length, lane, input)
    vocabulary = trace.vocabulary
    keptRows = graph.keptRows
  }

  /// Computes a window of at most ``length`` tokens. Behind its end stand zeros, which no position before sees.
  func run(_ tokens: ArraySlice<Int32>) throws {
    input.update(repeating: 0)
    for (place, token) in tokens.enumerated() { input[place] = token }
    try lane.run(RunContext())
  }

  /// The logits of all positions, row by row.
  var logits: UnsafeBufferPointer<Float> { lane.output(0) }

  func logits(at position: Int) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(rebasing: logits[position * vocabulary..<(position + 1) * vocabulary])
  }

  /// What the positions left, in the order of ``keptRows``.
  func rows(_ index: Int) -> UnsafeBufferPointer<Float> { lane.output(index + 1) }
}
