/// Gradients that travel between nodes in another form than that of partial sums.
package struct WireForm: Sendable, Equatable {
  /// What travels in their place, in a word.
  package let form: String
  /// The names of the parameters whose gradients they are.
  package let names: [String]
  /// The floating-point operations of making these gradients of what travels.
  package let operations: Double
}
