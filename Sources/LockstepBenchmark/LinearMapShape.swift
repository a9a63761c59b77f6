/// The shape of a linear map.
package struct LinearMapShape: Sendable {
  /// The rows of its weights.
  package var outputs: Int
  /// The columns of its weights.
  package var inputs: Int
  /// Whether its inputs are those of the model, which all ranks have.
  package var isFirst: Bool

  /// A linear map of this shape.
  package init(outputs: Int, inputs: Int, isFirst: Bool = false) {
    self.outputs = outputs
    self.inputs = inputs
    self.isFirst = isFirst
  }

  /// The values of an example that travel.
  var travelling: Int { outputs + (isFirst ? 0 : inputs) }
}
