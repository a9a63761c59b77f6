import LockstepDatasets
import LockstepEngine

/// Runs one token behind those before: recurrent layers go on from their states, and attention looks at the keys and
/// values that earlier tokens left.
///
/// Where a token must know its position, or attention keeps rows, there is room for a window's tokens; then
/// ``TokenContext`` says what goes on.
package final class ContinuedLogits: NextLogits {
  /// Owns the weights, which the lane knows by their address.
  private let trace: TokenModelTrace
  private let lane: Lane
  private let token: UnsafeMutableBufferPointer<Int32>
  /// The inputs that have recurrent layers' states, and the outputs that they come from.
  private let states: [(before: UnsafeMutableRawBufferPointer, output: Int)]
  /// The inputs that have the token's position, and the number of tokens with it.
  private let position, count: UnsafeMutableBufferPointer<Int32>?
  /// Computes many tokens at once, from the first on; nil where states go from token to token.
  private let beginning: (pass: WindowPass, rows: [UnsafeMutableBufferPointer<Float>])?
  /// The tokens so far; nil where there may be any number.
  private var context: TokenContext?

  /// How many times as long a window takes as a token, nearly, is the window's tokens divided by this.
  private static let tokensForOne = 8

  /// Nil where the model cannot be traced for one token.
  package init?(_ trace: TokenModelTrace, window: Int) {
    guard let (lane, graph) = try? trace.lane(length: 1, .next(context: window)),
      let token = lane.input(ExampleField.inputName)?.bindMemory(to: Int32.self)
    else { return nil }
    self.trace = trace
    self.lane = lane
    self.token = token
    states = graph.carriedStates.enumerated().compactMap { index, state in
      lane.input(state.input).map { ($0, index + 1) }
    }
    position = lane.input(Continuation.position)?.bindMemory(to: Int32.self)
    count = lane.input(Continuation.length)?.bindMemory(to: Int32.self)
    if position != nil || count != nil { context = TokenContext(length: window) }
    beginning = states.isEmpty ? Self.beginning(trace, window, graph, lane) : nil
    reset()
  }

  private static func beginning(
    _ trace: TokenModelTrace, _ window: Int, _ graph: Graph, _ lane: Lane
  ) -> (WindowPass, [UnsafeMutableBufferPointer<Float>])? {
    guard let pass = try? WindowPass(trace, length: window, .beginning) else { return nil }
    let names = graph.keptRows.map(\.name)
    let rows = names.compactMap { lane.input($0)?.bindMemory(to: Float.self) }
    guard !rows.isEmpty, rows.count == names.count, pass.keptRows.map(\.name) == names else {
      return nil
    }
    return (pass, rows)
  }

  package func reset() {
    context?.reset()
    for state in states { state.before.initializeMemory(as: UInt8.self, repeating: 0) }
  }

  package func advance(_ new: ArraySlice<Int32>) throws -> UnsafeBufferPointer<Float> {
    guard context != nil else {
      for token in new { try step(token, at: 0) }
      return lane.output(0)
    }
    let known = context?.append(new) ?? 0
    let tokens = context?.tokens ?? []
    if known == 0 {
      if let beginning, tokens.count * Self.tokensForOne > beginning.pass.length {
        return try begin(tokens, beginning.pass, beginning.rows)
      }
      for state in states { state.before.initializeMemory(as: UInt8.self, repeating: 0) }
    }
    for place in known..<tokens.count { try step(tokens[place], at: place) }
    return lane.output(0)
  }

  /// Computes all tokens of a context in one pass, and takes over what they leave.
  private func begin(
    _ tokens: [Int32], _ pass: WindowPass, _ rows: [UnsafeMutableBufferPointer<Float>]
  ) throws -> UnsafeBufferPointer<Float> {
    try pass.run(tokens[...])
    for (index, all) in rows.enumerated() {
      let left = pass.rows(index)
      let values = left.count / pass.length * tokens.count
      _ = all.update(fromContentsOf: left[..<values])
    }
    return pass.logits(at: tokens.count - 1)
  }

  private func step(_ next: Int32, at place: Int) throws {
    token[0] = next
    position?[0] = Int32(place)
    count?[0] = Int32(place + 1)
    try lane.run(RunContext())
    for state in states {
      state.before.copyMemory(from: UnsafeRawBufferPointer(lane.output(state.output)))
    }
  }

  /// Whether the model gives what it gives for a window: token by token from the first one on, and behind a
  /// beginning that was computed at once.
  func agrees(with logits: [Float], on window: [Int32], vocabulary: Int) throws -> Bool {
    defer { reset() }
    let largest = logits.reduce(1) { max($0, abs($1)) }
    func agrees(_ tokens: Range<Int>, behind known: Int) throws -> Bool {
      reset()
      var first = tokens.lowerBound
      while first < tokens.upperBound {
        let end = first < known ? known : first + 1
        let row = try advance(window[first..<end])
        for index in row.indices {
          // Sums may be added in another order; whatever else a position changes is far more.
          guard abs(row[index] - logits[(end - 1) * vocabulary + index]) <= 1e-4 * largest else {
            return false
          }
        }
        first = end
      }
      return true
    }
    guard beginning != nil else { return try agrees(window.indices, behind: 0) }
    let few = min(Self.tokensForOne, window.count)
    return try agrees(0..<few, behind: 0)
      && agrees(window.indices, behind: window.count - few)
  }
}
