import LockstepCatalog
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepONNX
import LockstepOptimization
import LockstepTraining

/// What a user should know about a run before its first step: settings that have no effect, and what
/// is a mistake more often than not. Nothing here keeps a run from starting.
struct RunNotices {
  /// A sentence each.
  private(set) var lines: [String] = []

  private let configuration: RunConfiguration
  private let data: DataConfiguration.Parts
  private let source: ModelSource
  private let totalSteps: Int
  private let stepsPerEpoch: Int

  /// - Parameters:
  ///   - data: the examples.
  ///   - training: what is put together of both.
  init(
    _ configuration: RunConfiguration, _ data: DataConfiguration.Parts, _ training: Training,
    rankCount: Int, ranksOnNode: Int
  ) throws {
    self.configuration = configuration
    self.data = data
    source = training.source
    totalSteps = training.totalSteps
    stepsPerEpoch = training.sampler.batchesPerEpoch
    if let model = configuration.model as? ImportedModel { lines += model.notices }
    lines += try output()
    lines += examples()
    lines += length()
    lines += update()
    lines += intervals()
    if configuration.bucketBytes != nil,
      configuration.reduction != "tree" || ranksOnNode == rankCount
    {
      lines.append(
        "'bucketBytes' has no effect: "
          + (configuration.reduction != "tree"
            ? "the reduction is '\(configuration.reduction)'" : "all ranks are on one node"))
    }
  }

  // MARK: The model's output

  /// Outputs that do not go with the loss.
  private func output() throws -> [String] {
    guard configuration.heads.isEmpty else { return heads() }
    let loss = configuration.labelLoss
    let own: String
    switch loss {
    case is SoftmaxCrossEntropy, is KLDivergence: own = "softmax"
    case is BinaryCrossEntropy, is Focal: own = "sigmoid"
    default: return []
    }
    var lines: [String] = []
    let name = "the loss '\(loss.name)'"
    switch try source.finalActivation() {
    case .softmax?, .sigmoid?:
      let final = try source.finalActivation() == .softmax ? "softmax" : "sigmoid"
      lines.append(
        "the model ends in a \(final), and \(name) applies a \(own) itself: leave the model's out")
    case .nonNegative?:
      lines.append(
        "the model ends in an activation that is never negative, and \(name) expects logits of both "
          + "signs: leave it out")
    case .tanh?:
      lines.append(
        "the model ends in a tanh, and \(name) expects logits without bounds: leave it out")
    case nil: break
    }
    if let classes = data.training.labelLimit,
      let outputs = try source.outputShape().last
    {
      if outputs > classes {
        lines.append(
          "the model has \(outputs) outputs and the data \(counted(classes, "class", plural: "classes")): "
            + "\(outputs - classes == 1 ? "output \(classes) is" : "outputs \(classes) to \(outputs - 1) are") "
            + "never right")
      }
      if outputs == 1 {
        lines.append(
          "the model has one output, whose softmax is always 1: nothing can be learned; give one output "
            + "a class")
      }
    }
    return lines
  }

  /// A trunk of linear layers whose last one nothing separates from those of the heads.
  private func heads() -> [String] {
    let model = configuration.resolved["model"]
    guard model?["type"]?.stringValue == "mlp", model?["finalActivation"]?.boolValue == false,
      configuration.heads.contains(where: { $0.model == nil })
    else { return [] }
    return [
      "the model ends in a linear layer, and heads begin with one: two such layers are no more than one; set "
        + "'model.finalActivation' to true"
    ]
  }

  // MARK: Examples

  private func examples() -> [String] {
    var lines: [String] = []
    let count = data.training.count
    if data.test == nil {
      lines.append(
        "the data has no test part, so nothing is evaluated"
          + (configuration.options.scoreMetric == nil
            ? "" : " and 'evaluate.scoreMetric' has no effect")
          + ": set 'data.testFraction', or name test files")
    }
    if configuration.data.splitSeed != 0, case .none = configuration.data.cut {
      lines.append("'data.splitSeed' has no effect: no test part is cut from the data")
    }
    if configuration.data.sampling != nil,
      (configuration.labelLoss as? any FittedLoss)?.countsLabels ?? false
    {
      lines.append(
        "'data.sampling' and balanced weights of the loss make up for rare classes twice: take one of the two"
      )
    }
    if configuration.batchSize > count {
      lines.append(
        "'batchSize' is \(configuration.batchSize) and there are \(count) training examples: each step "
          + "takes all of them")
    }
    let shard = max(min(configuration.batchSize, count) / configuration.shards, 1)
    let parts = configuration.options.microBatches
    if parts > shard {
      lines.append(
        "'microBatches' is \(parts) and a shard has about \(counted(shard, "example")): some parts are empty"
      )
    }
    return lines
  }

  // MARK: The length of the run

  private func length() -> [String] {
    var lines: [String] = []
    let options = configuration.options
    if let steps = options.steps, steps > totalSteps {
      lines.append(
        "'steps' is \(steps), and \(counted(options.epochs, "epoch")) "
          + "\(options.epochs == 1 ? "has" : "have") \(counted(totalSteps, "step")): "
          + "the run ends there; raise 'epochs'")
    }
    if let schedule = configuration.update.schedule {
      lines += self.schedule(schedule, epochs: options.epochs)
    }
    return lines
  }

  private func schedule(_ schedule: Hyperparameters, epochs: Int) -> [String] {
    var lines: [String] = []
    func note(_ key: String, _ value: Int, _ effect: String) {
      lines.append(
        "'optimizer.schedule.\(key)' is \(value) and the run has \(counted(totalSteps, "step")): \(effect)"
      )
    }
    let warmup: Int = schedule["warmupSteps"]
    if warmup >= totalSteps {
      note("warmupSteps", warmup, "the learning rate never reaches its value")
    }
    if schedule.name == "step", let every = schedule["every"] as Int?, warmup + every >= totalSteps
    {
      note("every", every, "the learning rate never falls")
    }
    if let first = (schedule["milestones"] as [Int]?)?.first, warmup + first >= totalSteps {
      note("milestones", first, "the learning rate never falls")
    }
    if schedule.name == "reduceOnPlateau", let patience = schedule["patience"] as Int? {
      let evaluations = (epochs - 1) / configuration.options.evaluateEveryEpochs + 1
      if patience >= evaluations - 1 {
        lines.append(
          "'optimizer.schedule.patience' is \(patience) and the run has "
            + "\(counted(evaluations, "evaluation")): the learning rate never falls")
      }
    }
    return lines
  }

  // MARK: The update

  private func update() -> [String] {
    var lines: [String] = []
    let update = configuration.update
    if source.memory.trainableLayout.slots.isEmpty {
      lines.append("no parameter is trainable: no weight will move")
    }
    if let optimizer = update.optimizer {
      if optimizer["learningRate"] == 0.0 {
        lines.append("'optimizer.learningRate' is 0: \(effectOfNoRate(optimizer))")
      }
      if let dampening: Double = optimizer["dampening"], dampening != 0,
        optimizer["momentum"] == 0.0
      {
        lines.append("'optimizer.dampening' has no effect without 'optimizer.momentum'")
      }
      if optimizer["weightDecay"] ?? 0.0 == 0, optimizer["adamWeightDecay"] ?? 0.0 == 0,
        update.groups.contains(where: { $0.weightDecay != 1 })
      {
        lines.append(
          "'weightDecayFactor' in 'optimizer.groups' has no effect: 'optimizer.weightDecay' is 0")
      }
    }
    lines += shadowedGroups()
    for clip in update.clips {
      if let warmup: Int = clip.values["warmup"], warmup >= totalSteps, isIdle(clip) {
        lines.append(
          "'\(clip.values.path).warmup' is \(warmup) and the run has \(counted(totalSteps, "step")): nothing is "
            + "clipped")
      }
    }
    for stage in configuration.freezing.unfreezing {
      if stage.stepsBefore(stepsPerEpoch: stepsPerEpoch) >= totalSteps {
        lines.append(
          "'unfreeze' names \(stage.moment.text) and the run has \(counted(totalSteps, "step")): "
            + "\(NameGlob.list(stage.parameters)) never moves")
      }
    }
    if let average = update.average, average.start >= totalSteps {
      lines.append(
        "'average.start' is \(average.start) and the run has \(counted(totalSteps, "step")): nothing is "
          + "averaged")
    }
    if let average = update.average { lines += notices(of: average) }
    if let late = update.constraints.first(where: { $0.constraint.interval > totalSteps }) {
      lines.append(
        "the constraint on \(late.target) holds every \(late.constraint.interval) steps and the run has "
          + "\(counted(totalSteps, "step")): it never acts")
    }
    if configuration.distillation?.weight == 0 {
      lines.append("'distillation.weight' is 0: the teacher has no effect")
    }
    return lines
  }

  /// What still moves where the learning rate is 0.
  private func effectOfNoRate(_ optimizer: Hyperparameters) -> String {
    let isConstrained =
      !configuration.update.constraints.isEmpty
      || source.memory.specifications.contains { $0.constraint != nil }
    // AdamW's rate is a multiple of it.
    let hasOther = optimizer["adamLearningRate"] ?? 0.0 != 0
    let effect =
      isConstrained
      ? "the optimizer moves no weight, constraints alone do" : "no weight will move"
    return effect
      + (hasOther ? "; 'optimizer.adamLearningRate' has no effect then" : "")
  }

  /// What a run is too short for.
  private func notices(of average: WeightAverage) -> [String] {
    let count = (totalSteps - average.start) / average.interval
    if average.start < totalSteps, count < 1 {
      return [
        "'average.every' is \(average.interval) and the run has \(counted(totalSteps, "step")): nothing is averaged"
      ]
    }
    // The first update that is averaged has the rest of the weight.
    let first = average.isEqual || average.warmsUp ? 0 : ExactMath.power(average.decay, count - 1)
    guard count > 1, first > 0.5 else { return [] }
    return [
      "'average.decay' is \(readable(average.decay)) and \(counted(count, "update")) are averaged: the first weights "
        + "are \(Int((100 * first).rounded())) % of the average; take a smaller decay, or 'warmup'"
    ]
  }

  /// Whether a clip limits nothing in its warm-up.
  private func isIdle(_ clip: (transform: any GradientTransform, values: Hyperparameters)) -> Bool {
    switch clip.transform {
    case is AdaGC: false
    case let clip as ZClip: clip.maximum == nil
    default: true
    }
  }

  /// Groups whose tensors all belong to groups before them.
  private func shadowedGroups() -> [String] {
    let groups = configuration.update.groups
    let names = source.memory.trainableLayout.slots.map(\.name)
    let used = Set(names.compactMap { name in groups.firstIndex { $0.contains(name) } })
    return groups.indices.filter { !used.contains($0) }.map { index in
      "the group '\(groups[index].pattern)' in 'optimizer.groups' has no effect: groups before it hold "
        + "for all of its tensors"
    }
  }

  // MARK: Intervals

  /// What happens after so many steps, in a run that has fewer.
  private func intervals() -> [String] {
    let options = configuration.options
    let intervals: [(key: String, steps: Int?, effect: String)] = [
      (
        "checkpoint.everySteps", options.checkpointEverySteps,
        "the only checkpoint is that at the end"
      ),
      ("replicaGuard.everySteps", options.compareEverySteps, "ranks are compared at the end only"),
      ("log.parameterNormsEverySteps", options.parameterNormsEverySteps, "no norms are logged"),
    ]
    return intervals.compactMap { key, steps, effect in
      guard let steps, steps > totalSteps else { return nil }
      return "'\(key)' is \(steps) and the run has \(counted(totalSteps, "step")): \(effect)"
    }
  }
}
