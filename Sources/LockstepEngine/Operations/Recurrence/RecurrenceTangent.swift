/// The derivatives of a ``Recurrence``'s states, last state and memory along a direction.
///
/// Inputs: the derivatives of a and, without what comes through the state, of q; the recurrent weight; the
/// first state and memory; the states and what was kept; the derivatives of the first state and memory; the
/// lengths.
package struct RecurrenceTangent: Operation {
  package let pass: RecurrentPass
  package var name: String { "tangent of \(pass.name)" }
  package var precisionRole: PrecisionRole { .neutral }
  package var outputCount: Int { pass.cell.hasMemory ? 3 : 2 }

  struct Operands<Value> {
    let inputs: Value
    let products: Value
    let weight: Value
    let first: RecurrentState<Value>
    let sequence: Value
    let kept: Value?
    let moving: RecurrentState<Value>
    let lengths: Value?

    init(_ values: [Value], _ pass: RecurrentPass) {
      var rest = values[...]
      inputs = rest.removeFirst()
      products = rest.removeFirst()
      weight = rest.removeFirst()
      first = RecurrentState(&rest, pass)
      sequence = rest.removeFirst()
      kept = pass.cell.kept > 0 ? rest.removeFirst() : nil
      moving = RecurrentState(&rest, pass)
      lengths = pass.hasLengths ? rest.removeFirst() : nil
    }
  }

  package func acceptsIntegers(_ input: Int) -> Bool { pass.hasLengths }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let operands = Operands(inputs, pass)
    return [operands.sequence] + operands.first.values
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }
}
