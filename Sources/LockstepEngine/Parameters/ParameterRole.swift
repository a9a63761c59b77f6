/// The part that a parameter plays in a model.
package enum ParameterRole: Sendable, Equatable {
  /// A matrix, or a convolution's kernel, that a hidden layer multiplies by.
  case kernel
  /// The same of a layer whose results the loss reads without another product in between.
  case output
  /// A table from which rows are chosen, though the output layer may multiply by it too. `heldRow` is the row
  /// that gets no gradient and never moves, that of padding.
  case table(heldRow: Int? = nil)
  /// A bias, a scale, a table that is added.
  case other
}
