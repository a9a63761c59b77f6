import LockstepCatalog
import LockstepTraining

extension EarlyStopping {
  /// The keys of `earlyStopping`.
  static let form = Form(
    "earlyStopping",
    [
      .with(
        "patience", .integer(1...1_000_000_000), 5,
        "after how many evaluations in a row without an improvement the run ends"),
      .with(
        "minimumImprovement", .number(NumberRange(from: 0, to: 1e30)), 0,
        "how much better than the best before an evaluation must be, in the unit of what is followed"
      ),
      .with(
        "restoreBest", .boolean, true,
        "whether the final weights are those of the best evaluation"),
    ], number: "patience")

  init(_ values: Hyperparameters) {
    self.init(
      patience: values["patience"], minimumImprovement: values["minimumImprovement"],
      restoresBest: values["restoreBest"])
  }
}
