import LockstepDatasets

/// What labels mean to people: names of classes, units of numbers.
package struct LabelUnits: Sendable {
  /// A name a class; nil where classes are numbers.
  package var classNames: [String]?
  /// What targets were divided by, and what was subtracted before: a value a target, or none.
  package var scale: [(mean: Double, deviation: Double)]

  /// Nothing is known.
  package init() {
    classNames = nil
    scale = []
  }

  /// What training learned about its targets: one for each head.
  package static func all(_ description: DataDescription) -> [LabelUnits] {
    description.targets.map { LabelUnits($0) }
  }

  /// What training learned about its target.
  package init(_ target: TargetDescription) {
    classNames =
      target.classes?.names ?? (target.areLabels && target.columns.count > 1 ? target.columns : nil)
    scale = target.scale.map { Array(zip($0.mean, $0.deviation)) } ?? []
  }
}
