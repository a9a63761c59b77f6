public import LockstepEngine

// Block by block without addresses: what a transform writes whose speed the compiler's loops suffice for.
extension BlockView {
  /// Writes formula(u, p) for each value u of the update and p of the parameters.
  @inlinable public func map(_ formula: (_ update: Float, _ parameter: Float) -> Float) {
    for index in 0..<count { output[index] = formula(input[index], parameters[index]) }
  }

  /// As ``map(_:)``, with a value of state beside each, which the formula may change.
  ///
  /// - Parameter state: made by ``TransformContext/makeArena(filledWith:)``.
  @inlinable public func map(
    _ state: Arena<Float>,
    _ formula: (_ update: Float, _ parameter: Float, _ state: inout Float) -> Float
  ) {
    check(state)
    let state = state.base + offset
    for index in 0..<count {
      output[index] = formula(input[index], parameters[index], &state[index])
    }
  }

  /// As ``map(_:_:)``, with two values of state beside each.
  @inlinable public func map(
    _ first: Arena<Float>, _ second: Arena<Float>,
    _ formula: (
      _ update: Float, _ parameter: Float, _ first: inout Float, _ second: inout Float
    ) -> Float
  ) {
    check(first)
    check(second)
    let (first, second) = (first.base + offset, second.base + offset)
    for index in 0..<count {
      output[index] = formula(input[index], parameters[index], &first[index], &second[index])
    }
  }

  @usableFromInline func check(_ state: Arena<Float>) {
    precondition(
      state.indices.lowerBound <= offset && offset + count <= state.indices.upperBound,
      "the state is not of the layout: TransformContext.makeArena makes it")
  }
}
