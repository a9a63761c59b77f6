import LockstepDatasets

/// What a run that goes on from a checkpoint must have in common with the one that wrote it.
package struct Resumption: Sendable {
  /// Dotted keys of the configuration that may differ.
  package var mayDiffer: Set<String>
  /// Dotted keys that may be absent on either side, but not differ.
  package var mayBeAbsent: Set<String>
  /// What the run's bits depend on beside its configuration.
  package var conditions: [RunCondition]
  /// The data that the run goes on with; nil to take any.
  package var data: DataRecord?
  /// The step that the run ends with; nil where it is not known.
  package var lastStep: Int?

  /// What a resumed run must fit; by default nothing may differ.
  package init(
    mayDiffer: Set<String> = [], mayBeAbsent: Set<String> = [], conditions: [RunCondition] = [],
    data: DataRecord? = nil, lastStep: Int? = nil
  ) {
    self.mayDiffer = mayDiffer
    self.mayBeAbsent = mayBeAbsent
    self.conditions = conditions
    self.data = data
    self.lastStep = lastStep
  }
}
