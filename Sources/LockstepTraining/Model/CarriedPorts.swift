import LockstepEngine

/// Where a lane takes carried states, and where it leaves them: the last outputs of its program.
struct CarriedPorts {
  private let lane: Lane
  private let inputs: [UnsafeMutableBufferPointer<Float>]
  private let firstOutput: Int

  /// The ports of a lane whose program has the graph's carried states as its last outputs; nil where there are
  /// none.
  init?(_ lane: Lane) {
    let program = lane.plan.program
    let states = program.graph.carriedStates
    let inputs = states.compactMap { lane.input($0.input)?.bindMemory(to: Float.self) }
    let last = program.outputs.suffix(states.count).map(\.id)
    guard !states.isEmpty, inputs.count == states.count, last == states.map(\.after.id) else {
      return nil
    }
    self.lane = lane
    self.inputs = inputs
    firstOutput = program.outputs.count - states.count
  }

  /// The rows of a state before the window, to be written before a run.
  func before(_ index: Int) -> UnsafeMutableBufferPointer<Float> { inputs[index] }

  /// The rows behind the window, after a run.
  func after(_ index: Int) -> UnsafeBufferPointer<Float> { lane.output(firstOutput + index) }

  /// Writes the first rows of states, zeros where there are none.
  func set(_ states: [[Float]]) {
    for (index, input) in inputs.enumerated() {
      if states.isEmpty {
        input.update(repeating: 0)
      } else {
        _ = input.update(fromContentsOf: states[index].prefix(input.count))
      }
    }
  }

  /// The states behind the window.
  var states: [[Float]] { inputs.indices.map { Array(after($0)) } }
}
