/// A configuration that cannot be used: the path of the key, and what is wrong with it.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file or other origin of the configuration.
  public let source: String
  /// The dotted path of the key, `training.batchSize`; empty for the configuration as a whole.
  public let path: String
  /// What was expected, what was found, what to do.
  public let reason: String

  package init(source: String, path: String, reason: String) {
    self.source = source
    self.path = path
    self.reason = reason
  }

  public var description: String { "\(source.printable): \(reason.printableLines)" }
}
