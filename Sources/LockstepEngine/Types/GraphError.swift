/// A model or an operation that does not fit its inputs.
public struct GraphError: Error, Sendable, CustomStringConvertible {
  /// What is wrong, naming the layer where one is known, and what was expected.
  public let description: String

  /// Makes an error with a description of what is wrong and what was expected.
  public init(_ description: String) { self.description = description }
}
