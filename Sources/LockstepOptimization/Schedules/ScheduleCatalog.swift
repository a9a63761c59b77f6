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

/// The learning-rate schedules that a configuration can name. Every schedule starts from the optimizer's
/// learning rate and can have a warm-up in front.
package enum ScheduleCatalog {
  /// The schedules, in the order of documentation.
  package static let catalog = Catalog<ScheduleRecipe>(
    "schedule", entries, fallback: entries[0].name)

  private static let entries = [
    schedule(
      "constant", "the same rate always",
      []
    ) { values, rate, length in
      .constant(rate)
    },
    schedule(
      "step", "times factor every so many steps",
      [
        .required("every", .count(from: 1), "the number of steps between"),
        .with("factor", .nonNegative, 0.1, "what the rate is multiplied by"),
      ]
    ) { values, rate, length in
      .step(initial: rate, every: values["every"], factor: values["factor"])
    },
    schedule(
      "multiStep", "times factor at each milestone",
      [
        .required(
          "milestones", .integers(1...HyperparameterRange.largestInteger, count: 0...Int.max),
          "steps that grow"),
        .with("factor", .nonNegative, 0.1, "what the rate is multiplied by"),
      ]
    ) { values, rate, length in
      .multiStep(initial: rate, milestones: values["milestones"], factor: values["factor"])
    },
    schedule(
      "exponential", "times factor every step",
      [
        .required("factor", .nonNegative, "what the rate is multiplied by")
      ]
    ) { values, rate, length in
      .exponential(initial: rate, factor: values["factor"])
    },
    schedule(
      "cosine", "half a cosine down to minimum",
      [
        .optional("steps", .count(from: 1), "its length", absence: "the run's"),
        .with("minimum", .nonNegative, 0, "the rate at the end"),
      ]
    ) { values, rate, length in
      .cosine(initial: rate, steps: values["steps"] ?? length, minimum: values["minimum"])
    },
    schedule(
      "cosineRestarts", "half cosines, again and again",
      [
        .required("period", .count(from: 1), "the steps of the first"),
        .with("growth", .count(from: 1), 1, "how much longer each is than the one before"),
        .with("minimum", .nonNegative, 0, "the rate at the end"),
      ]
    ) { values, rate, length in
      .cosineRestarts(
        initial: rate, period: values["period"], growth: values["growth"],
        minimum: values["minimum"])
    },
    schedule(
      "oneCycle", "up to the learning rate and far down again",
      [
        .optional("steps", .count(from: 1), "its length", absence: "the run's"),
        .with("rise", .fraction, 0.3, "the part of the steps that go up"),
        .with("divisor", .positive, 25, "the learning rate over the first rate"),
        .with("finalDivisor", .positive, 1e4, "the first rate over the last"),
      ]
    ) { values, rate, length in
      .oneCycle(
        peak: rate, steps: values["steps"] ?? length, rise: values["rise"],
        divisor: values["divisor"], finalDivisor: values["finalDivisor"])
    },
    schedule(
      "polynomial", "(1 - t / steps)^power down to final",
      [
        .optional("steps", .count(from: 1), "its length", absence: "the run's"),
        .with("power", .positive, 1, "how bent the fall is; 1 is straight"),
        .with("final", .nonNegative, 0, "the rate at the end"),
      ]
    ) { values, rate, length in
      .polynomial(
        initial: rate, steps: values["steps"] ?? length, power: values["power"],
        final: values["final"])
    },
    schedule(
      "inverseTime", "1 / (1 + rate t)",
      [
        .required("rate", .nonNegative, "how fast the learning rate falls")
      ]
    ) { values, rate, length in
      .inverseTime(initial: rate, rate: values["rate"])
    },
    schedule(
      "reduceOnPlateau", "times factor whenever the reported metric has stopped improving",
      [
        .with("factor", .decayRate, 0.1, "what the rate is multiplied by"),
        .with("patience", .count(from: 0), 10, "the evaluations in a row that may be no better"),
        .with("threshold", .nonNegative, 1e-4, "how much a better metric must beat the best by"),
        .with("comparison", ReduceOnPlateau.Comparison.relative, "how the threshold is meant"),
        .with("goal", ReduceOnPlateau.Goal.minimize, "which way the metric is to go"),
        .with(
          "cooldown", .count(from: 0), 0, "the evaluations after a reduction that do not count"),
        .with("minimum", .nonNegative, 0, "the rate that reductions stop at"),
      ]
    ) { values, rate, length in
      .reduceOnPlateau(
        ReduceOnPlateau(
          factor: values["factor"], patience: values["patience"],
          threshold: values["threshold"], comparison: values["comparison"],
          goal: values["goal"], cooldown: values["cooldown"], minimum: values["minimum"]),
        of: .constant(rate))
    },
  ]

  private static func schedule(
    _ name: String, _ summary: String, _ hyperparameters: [Hyperparameter],
    make: @escaping @Sendable (Hyperparameters, _ rate: Double, _ length: Int) -> Schedule
  ) -> Entry<ScheduleRecipe> {
    Entry(
      name, summary,
      hyperparameters + [
        .with(
          "warmupSteps", .count(from: 0), 0,
          "the steps of a linear rise in front"),
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

extension ReduceOnPlateau.Comparison: HyperparameterValue {}
extension ReduceOnPlateau.Goal: HyperparameterValue {}
