/// An operation whose result is a part of its input.
///
/// n parts of one value contribute to its gradient. The contributions are collected, and added by one
/// operation whose cost is that of the parts, not of n whole values.
protocol PartOfInput: Operation {
  /// The gradient of a whole value.
  ///
  /// - Parameters:
  ///   - parts: where parts lie, all of this type, and the gradient of each, in the order of the
  ///     reverse pass; at least one.
  ///   - base: what else contributes to the value.
  ///   - shape: the value's shape.
  static func gradient(
    of parts: [(place: any PartOfInput, gradient: Tensor)], base: Tensor?, shape: [Int]
  ) -> Tensor
}
