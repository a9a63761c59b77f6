/// An argument that makes no sense: `ModelSource: threads is 0; it must be at least 1`.
package struct ArgumentError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The type or function that was called.
  package let call: String
  /// The argument's name.
  package let argument: String
  /// Its value, in words.
  package let value: String
  /// What it must be.
  package let expected: String

  /// An argument of a call that is not what it must be.
  package init(_ call: String, _ argument: String, is value: some Any, expected: String) {
    self.call = call
    self.argument = argument
    self.value = "\(value)"
    self.expected = expected
  }

  package var description: String { "\(call): \(argument) is \(value); it must be \(expected)" }

  /// Throws unless a number is at least `least`.
  package static func require(
    _ value: Int, atLeast least: Int, _ argument: String, of call: String
  ) throws(ArgumentError) {
    if value < least {
      throw ArgumentError(call, argument, is: value, expected: "at least \(least)")
    }
  }
}
