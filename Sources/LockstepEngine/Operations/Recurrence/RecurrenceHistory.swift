/// The state before each position, [N, T, H], of the states and the first one; 0 behind a sequence's end.
package struct RecurrenceHistory: Operation {
  package let pass: RecurrentPass
  package var name: String { "states before" }
  package var precisionRole: PrecisionRole { .neutral }
  package func acceptsIntegers(_ input: Int) -> Bool { pass.hasLengths && input == 2 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] { [inputs[0]] }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }
}
