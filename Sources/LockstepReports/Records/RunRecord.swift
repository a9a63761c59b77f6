import LockstepFiles

/// Everything that a run left for a report.
package struct RunRecord: Sendable {
  /// What the run is called.
  package let name: String
  /// Steps, evaluations, and how it ended.
  package let history: RunHistory
  /// The norms of its tensors.
  package let norms: NormHistory
  /// Where its steps' time went; nil where it was not profiled.
  package let breakdown: BreakdownRecord?
  /// What its last evaluation found; nil where there was none.
  package let evaluation: EvaluationRecord?
  /// Its configuration; nil where the directory has none.
  package let configuration: JSONValue?

  /// Reads a run directory.
  ///
  /// - Parameter name: what the run is called in titles and legends.
  /// - Throws: `FileError` where the directory holds no run, or a file is damaged.
  package init(directory: String, name: String) throws(FileError) {
    self.name = name
    history = try RunHistory(directory: directory)
    norms = try NormHistory(directory: directory)
    breakdown = try BreakdownRecord(directory: directory)
    evaluation = try EvaluationRecord(directory: directory)
    configuration = try JSONValue.file("\(directory)/config.json")
  }
}
