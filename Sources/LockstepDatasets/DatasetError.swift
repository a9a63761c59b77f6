/// Data that cannot be used as asked: which data, what was expected and found.
public struct DatasetError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The data set's name, or the operation's.
  package let name: String
  /// What was expected, what was found, what to do.
  package let reason: String

  /// Makes an error about a data set or an operation of this name, with a reason.
  public init(_ name: String, _ reason: String) {
    self.name = name
    self.reason = reason
  }

  public var description: String { "\(name): \(reason)" }
}
