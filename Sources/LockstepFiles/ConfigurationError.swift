/// A configuration that cannot be used: the path of the key, and what is wrong with it.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file or other origin of the configuration.
  package let source: String
  /// The dotted path of the key, `training.batchSize`; empty for the configuration as a whole.
  package let path: String
  /// What was expected, what was found, what to do.
  package let reason: String

  package init(source: String, path: String, reason: String) {
    self.source = source
    self.path = path
    self.reason = reason
  }

  package var description: String { "\(source.printable): \(reason.printableLines)" }
}
