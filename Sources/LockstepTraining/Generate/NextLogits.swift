import LockstepDatasets
import LockstepEngine

/// What a model says about the token behind those it has been given.
protocol NextLogits: AnyObject {
  /// Forgets all tokens.
  func reset()
  /// Takes more tokens, one at least, and returns the logits of the next one; valid until the next call.
  func advance(_ tokens: ArraySlice<Int32>) throws -> UnsafeBufferPointer<Float>
}

/// Runs the window of the last tokens anew for each token.
final class WindowLogits: NextLogits {
  private let trace: TokenModelTrace
  private let lane: Lane
  private let length: Int
  private var vocabulary: Int { trace.vocabulary }
  private var tokens: [Int32] = []

  init(_ trace: TokenModelTrace, length: Int) throws {
    self.length = length
    self.trace = trace
    lane = try trace.lane(length: length, carrying: false).lane
  }

  func reset() { tokens.removeAll(keepingCapacity: true) }

  func advance(_ new: ArraySlice<Int32>) throws -> UnsafeBufferPointer<Float> {
    tokens.append(contentsOf: new)
    if tokens.count > length { tokens.removeFirst(tokens.count - length) }
    return row(try run(tokens), tokens.count - 1)
  }

  /// The logits of all positions of a window; behind its end stand zeros, which no position before sees.
  func run(_ window: [Int32]) throws -> UnsafeBufferPointer<Float> {
    guard let input = lane.input(ExampleField.inputName)?.bindMemory(to: Int32.self) else {
      throw GraphError("the model does not look at its tokens")
    }
    for place in 0..<length { input[place] = place < window.count ? window[place] : 0 }
    try lane.run(RunContext())
    return lane.output(0)
  }

  private func row(_ logits: UnsafeBufferPointer<Float>, _ row: Int) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(rebasing: logits[row * vocabulary..<(row + 1) * vocabulary])
  }

  /// Whether no position sees a token behind it.
  func isCausal(_ window: [Int32]) throws -> Bool {
    guard length > 1 else { return true }
    let before = Array(try run(window))
    var other = window
    other[length - 1] = (other[length - 1] + 1) % Int32(vocabulary)
    let after = try run(other)
    let seen = (length - 1) * vocabulary
    return before[..<seen].elementsEqual(after[..<seen]) { $0.bitPattern == $1.bitPattern }
  }
}

/// Runs one token, and carries the states of recurrent layers to the next.
final class CarriedLogits: NextLogits {
  private let trace: TokenModelTrace
  private let lane: Lane
  private let token: UnsafeMutableBufferPointer<Int32>
  /// The inputs that have states, and the outputs that they come from.
  private let states: [(before: UnsafeMutableRawBufferPointer, output: Int)]

  /// Nil where the model cannot be traced for one token.
  init?(_ trace: TokenModelTrace) {
    guard let (lane, states) = try? trace.lane(length: 1, carrying: true),
      let token = lane.input(ExampleField.inputName)?.bindMemory(to: Int32.self)
    else { return nil }
    self.trace = trace
    self.lane = lane
    self.token = token
    self.states = states.enumerated().compactMap { index, state in
      lane.input(state.input).map { ($0, index + 1) }
    }
    reset()
  }

  func reset() {
    for state in states { state.before.initializeMemory(as: UInt8.self, repeating: 0) }
  }

  func advance(_ tokens: ArraySlice<Int32>) throws -> UnsafeBufferPointer<Float> {
    for next in tokens {
      token[0] = next
      try lane.run(RunContext())
      for state in states {
        state.before.copyMemory(from: UnsafeRawBufferPointer(lane.output(state.output)))
      }
    }
    return lane.output(0)
  }

  /// Whether token by token the model gives what it gives for a window.
  func agrees(with logits: [Float], on window: [Int32], vocabulary: Int) throws -> Bool {
    reset()
    defer { reset() }
    let largest = logits.reduce(1) { max($0, abs($1)) }
    for (place, token) in window.enumerated() {
      let row = try advance([token])
      for index in row.indices {
        // Sums are added in another order; whatever else a position changes is far more.
        guard abs(row[index] - logits[place * vocabulary + index]) <= 1e-4 * largest else {
          return false
        }
      }
    }
    return true
  }
}
