/// The gradients of a ``Recurrence`` by a, by q where it is another, and by the first state and memory.
///
/// Inputs: the recurrent weight, the first state and memory, the states and what was kept, the gradients by
/// the last state and memory, by the states where they have one, and the lengths.
package struct RecurrenceGradient: Operation {
  package let pass: RecurrentPass
  /// Whether there is a gradient by the states of all positions.
  package let hasSequence: Bool
  package var name: String { "gradient of \(pass.name)" }
  package var precisionRole: PrecisionRole { .neutral }
  package var outputCount: Int {
    (pass.cell.separatesProducts ? 2 : 1) + (pass.cell.hasMemory ? 2 : 1)
  }

  struct Operands<Value> {
    let weight: Value
    let first: RecurrentState<Value>
    let sequence: Value
    let kept: Value?
    let last: RecurrentState<Value>
    let gradient: Value?
    let lengths: Value?

    init(_ values: [Value], _ operation: RecurrenceGradient) {
      let pass = operation.pass
      var rest = values[...]
      weight = rest.removeFirst()
      first = RecurrentState(&rest, pass)
      sequence = rest.removeFirst()
      kept = pass.cell.kept > 0 ? rest.removeFirst() : nil
      last = RecurrentState(&rest, pass)
      gradient = operation.hasSequence ? rest.removeFirst() : nil
      lengths = pass.hasLengths ? rest.removeFirst() : nil
    }
  }

  package func acceptsIntegers(_ input: Int) -> Bool { pass.hasLengths }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let operands = Operands(inputs, self)
    let products = TensorType(
      Array(operands.sequence.shape.prefix(2)) + [operands.weight.shape[0]])
    return Array(repeating: products, count: pass.cell.separatesProducts ? 2 : 1)
      + operands.first.values
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }
}
