/// A recurrent layer's state that goes from one run of a plan to the next.
package struct CarriedState {
  /// The input that has the state before the first position.
  package let input: String
  /// The state behind the last position.
  package let after: Tensor
}
