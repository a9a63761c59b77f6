import LockstepObservation
import LockstepState
import LockstepFold
import LockstepFiles
import LockstepOptimization

/// What a trainer tells its caller on rank 0.
public enum TrainingEvent: Sendable, Equatable {
  /// Something that the user should know, in a sentence.
  case notice(String)
  /// The run goes on from a checkpoint.
  case resumed(RestoredCheckpoint)
  /// A step is done. `epoch` is the one it is part of, from 1.
  case step(StepReport, epoch: Int, examplesPerSecond: Double)
  /// An evaluation is done. `epoch` is that of the last step, from 1.
  case evaluation(EvaluationReport, step: Int, epoch: Int)
  /// A checkpoint was written.
  case checkpoint(path: String, step: Int)
  /// The run has ended.
  case ended(Outcome)
}

extension StepReport {
  /// The line of `metrics.jsonl`.
  ///
  /// - Parameter norms: those of every parameter's gradient, where they are to be in it.
  func line(
    epoch: Int, metricNames: [String], epsilon: Double? = nil, examplesPerSecond: Double,
    norms: [ParameterNorms] = [], unfrozen: [String] = []
  ) -> JSONObject {
    var line = JSONObject()
    line["step"] = .integer(step)
    line["epoch"] = .integer(epoch)
    line["loss"] = .number(loss)
    for (name, value) in zip(metricNames, metrics) { line[name] = .number(value) }
    line["gradientNorm"] = .number(update.gradientNorm)
    line["clippedGradientNorm"] = .number(update.clippedGradientNorm ?? update.gradientNorm)
    line["clipped"] = .bool(update.clipped)
    line["coefficient"] = .number(update.coefficient)
    line["clippedFraction"] = .number(update.clippedFraction)
    if let heads = update.headClip { line["clippedHeads"] = .number(heads.fraction) }
    line["learningRate"] = .number(update.learningRate)
    if let epsilon { line["epsilon"] = .number(epsilon) }
    if let skipped {
      line["skipped"] = .bool(true)
      line["notFinite"] = skipped.json
    }
    if let sanitized {
      line["sanitized"] = [
        "shards": .array(sanitized.shards.map { .integer($0) }),
        "dropped": .integer(sanitized.dropped), "values": .integer(sanitized.values),
      ]
    }
    if let hessianFree { line["hessianFree"] = hessianFree.json }
    if !unfrozen.isEmpty { line["unfrozen"] = .array(unfrozen.map { .string($0) }) }
    line["examples"] = .integer(examples)
    line["examplesPerSecond"] = .number(examplesPerSecond)
    if !norms.isEmpty {
      line["parameterNorms"] = .object(
        norms.reduce(into: JSONObject()) {
          $0[$1.name] = .array([.number($1.before), .number($1.after)])
        })
    }
    return line
  }
}

extension HessianFreeReport {
  /// What a line of `metrics.jsonl` says of it.
  fileprivate var json: JSONValue {
    [
      "iterations": .integer(iterations), "products": .integer(products),
      "losses": .integer(losses), "damping": .number(damping),
      "reductionRatio": .number(reductionRatio), "stepLength": .number(stepLength),
      "newObjective": .number(newObjective),
      "gradientEquivalents": costInGradients.map { .number($0) } ?? .null,
    ]
  }
}

extension NonFiniteError {
  /// What a line of `metrics.jsonl` says of it.
  fileprivate var json: JSONValue {
    var object = JSONObject()
    object["finding"] = .string(finding)
    object["tensors"] = .array(tensors.map { .string($0) })
    if let origin {
      object["shard"] = .integer(origin.shard)
      object["loss"] = .number(origin.loss)
      object["rank"] = .integer(origin.rank)
      object["tensor"] = origin.tensor.map { .string($0) } ?? .null
      object["index"] = .integer(origin.index)
      object["value"] = .number(origin.value)
      if let example = origin.example { object["example"] = .integer(example) }
    }
    return .object(object)
  }
}

extension EvaluationReport {
  /// The line of `evaluations.jsonl`.
  func line(step: Int, epoch: Int) -> JSONObject {
    var line = JSONObject()
    line["step"] = .integer(step)
    line["epoch"] = .integer(epoch)
    line["evaluation"] = .string(name)
    line["loss"] = .number(loss)
    addMetrics(to: &line)
    line["examples"] = .integer(examples)
    return line
  }

  /// Adds all metrics by their names: numbers, then tables.
  package func addMetrics(to object: inout JSONObject) {
    for (name, value) in zip(metricNames, metrics) { object[name] = .number(value) }
    for table in tables {
      var rows = JSONObject()
      for (index, name) in table.rows.enumerated() {
        rows[name] = .array(table[index].map { .number($0) })
      }
      object[table.name] = [
        "columns": .array(table.columns.map { .string($0) }), "rows": .object(rows),
      ]
    }
  }
}
