import LockstepCatalog

/// The learning-rate schedules that a configuration can name.
package enum ScheduleCatalog {
  /// The schedules, in the order of documentation.
  package static let catalog = Catalog<ScheduleRecipe>(
    "schedule",
    [
      Schedule.constantEntry, Schedule.stepEntry, Schedule.multiStepEntry,
      Schedule.exponentialEntry, Schedule.cosineEntry, Schedule.cosineRestartsEntry,
      Schedule.oneCycleEntry, Schedule.polynomialEntry, Schedule.inverseTimeEntry,
      Schedule.inverseSquareRootEntry, Schedule.stableDecayEntry, Schedule.reduceOnPlateauEntry,
    ],
    fallback: Schedule.constantEntry.name)
}
