import LockstepCatalog

/// A learning-rate schedule as a configuration gives it: the schedule of a learning rate and of a
/// length of the run.
package struct ScheduleRecipe: Sendable {
  /// Makes the schedule; one that does not say its length lasts as long as the run.
  package let make: @Sendable (_ learningRate: Double, _ totalSteps: Int) throws -> Schedule

  /// The same rate always.
  static let constant = Self { rate, _ in .constant(rate) }

  /// A length of the run that no schedule is too long for.
  static let longRun = 1_000_000
}

extension Schedule {
  /// An entry of a schedule that starts from the optimizer's learning rate and can have a warm-up in
  /// front.
  ///
  /// - Parameter make: makes it of its values, the learning rate, and the length of the run.
  static func entry(
    _ name: String, _ summary: String, _ hyperparameters: [Hyperparameter] = [],
    make: @escaping @Sendable (Hyperparameters, _ rate: Double, _ length: Int) -> Schedule
  ) -> Entry<ScheduleRecipe> {
    Entry(
      name, summary,
      hyperparameters + [
        .with("warmupSteps", .count(from: 0), 0, "the steps of a linear rise in front"),
        .with("warmupStart", .fraction, 0, "where the rise begins, as a part of the rate"),
      ]
    ) { values in
      let recipe = ScheduleRecipe { rate, length in
        var schedule = make(values, rate, length)
        let warmup: Int = values["warmupSteps"]
        if warmup > 0 {
          schedule = .warmup(steps: warmup, start: values["warmupStart"], then: schedule)
        }
        try schedule.validate()
        return schedule
      }
      // What a schedule refuses is found before any rank computes.
      _ = try recipe.make(1, ScheduleRecipe.longRun)
      return recipe
    }
  }
}

// Keys that several schedules have.
extension Hyperparameter {
  static var steps: Self {
    .optional("steps", .count(from: 1), "its length", absence: "the run's")
  }
  static var minimumRate: Self { .with("minimum", .nonNegative, 0, "the rate at the end") }
}
