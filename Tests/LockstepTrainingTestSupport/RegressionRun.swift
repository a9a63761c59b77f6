import LockstepCollective
import LockstepObservation
import LockstepFold
import LockstepDatasets
import LockstepFiles
import LockstepTraining

/// A whole training of ``LinearRegression``: 60 examples in batches of 14, the last of an epoch
/// having 4, fewer than there are shards; momentum, clipping and a penalty.
package struct RegressionRun: Sendable {
  /// What a rank does at a step, to disturb the run. Called before the step's shards are computed.
  package var disturb: @Sendable (_ rank: Int, _ step: Int, LinearRegression) throws -> Void = {
    _, _, _ in
  }
  /// Whether a rank was asked to stop before a step.
  package var isInterrupted: @Sendable (_ rank: Int, _ step: Int) -> Bool = { _, _ in false }
  /// Hears what rank 0 is told, and may object.
  package var listen: @Sendable (TrainingEvent) throws -> Void = { _ in }
  /// Spoils a shard's leaf in a step.
  package var poison: @Sendable (_ step: Int, LinearRegression.Leaf) -> Void = { _, _ in }
  package var nonFinite = NonFinitePolicy.stop
  /// The learning rate of a step.
  package var learningRate: @Sendable (_ step: Int) -> Float = { _ in 0.05 }
  package var options = TrainerOptions(epochs: 3)
  package var configuration: JSONValue = ["model": "regression", "seed": 5]

  /// What one rank saw of it.
  package struct Result: Sendable {
    package var outcome: Outcome
    package var events: [TrainingEvent]
    package var weights: [UInt32]
    package var runningMean: [UInt32]
  }

  package static let steps = 15

  package init() {}

  package func run(
    ranks: Int, directory: String? = nil, resume: Bool = false
  ) throws -> [Result] {
    try group(of: ranks) { group in
      let place = try directory.flatMap {
        try RunDirectory.open($0, resume: resume, configuration: configuration, on: group)
      }
      return try train(on: group, place, resume)
    }
  }

  package func train(
    on group: any Collective, _ place: RunDirectory?, _ resume: Bool
  ) throws -> Result {
    let source = LinearRegression()
    let update = ClippedSGD(regressionParameters)
    update.momentum = 0.9
    update.clip = 0.5
    let step = try TrainingStep(
      source: source, update: update, regularizer: RidgePenalty(0.01, regressionParameters),
      nonFinite: nonFinite, shards: 8, on: group)
    source.tamper = { [unowned source, unowned step] leaf in
      update.learningRate = learningRate(step.completed + 1)
      poison(step.completed + 1, leaf)
      if leaf.shard == step.plan.shardRuns[group.rank].lowerBound {
        try disturb(group.rank, step.completed + 1, source)
      }
    }
    let evaluation = try Evaluation(
      "test", count: 23, shardSize: 5, metricNames: ["absoluteError"], on: group
    ) { positions, record in
      for position in positions {
        let (x, t, w) = LinearRegression.example(5000 + position)
        for e in source.residual(x, t) {
          record.loss += Double(w * 0.5 * e * e)
          record[metric: 0] += Double(abs(e))
        }
        record.weight += Double(w)
        record.examples += 1
      }
    }
    var events: [TrainingEvent] = []
    let trainer = try Trainer(
      step: step, sampler: try Sampler(count: 60, batchSize: 14, seed: 5),
      evaluations: [evaluation], options: options, configuration: configuration,
      directory: place, on: group,
      isInterrupted: { isInterrupted(group.rank, step.completed + 1) },
      listener: {
        events.append($0)
        try listen($0)
      })
    let outcome = try trainer.run(resume: resume)
    return Result(
      outcome: outcome, events: events, weights: bits(source.parameterValues),
      runningMean: bits(source.runningMean))
  }
}

/// The lines of a JSONL file, without what depends on the clock.
package func lines(_ path: String) throws -> [JSONObject] {
  try String(decoding: contents(path), as: UTF8.self).split(separator: "\n").map { line in
    guard case .object(var object) = try JSONValue.parse(String(line), source: path) else {
      throw FileError(path: path, kind: .corrupt, reason: "a line is not an object")
    }
    object["examplesPerSecond"] = nil
    return object
  }
}
