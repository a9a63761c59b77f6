import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepFold
import LockstepState

/// What ranks must agree on before the first step.
struct RunAgreement {
  let step: any BatchStep
  let sampler: Sampler
  let options: TrainerOptions
  let configuration: JSONValue
  let handshake: Handshake
  let registry: StateRegistry

  /// Makes sure that all ranks train the same model in the same way.
  func check(on collective: any Collective) throws {
    var all = handshake
    all.add("the configuration", configuration.compactText)
    all.add("the model", "\(registry.tensors.map { "\($0.name) \($0.element) \($0.shape)" })")
    all.add("the number of shards", "\(step.plan.shards)")
    all.add("the options", "\(options)")
    all.add(
      "the order of the examples",
      "\(sampler.count) \(sampler.batchSize) \(sampler.seed) \(sampler.shuffle) \(sampler.dropLast) "
        + (sampler.blocks.map { " \($0.block) \($0.buffer)" } ?? "")
        + (sampler.draws == nil ? "" : "drawn from \(sampler.population)")
    )
    try all.agree(on: collective)
    for batch in batches { try step.source.check(batch) }
    if options.probesKernels { try probe(on: collective) }
  }

  /// A batch of each size that the run has.
  private var batches: [StepBatch] {
    sampler.batchSizes(ofSteps: options.steps).map {
      StepBatch(
        step: 0, epoch: 0, examples: Array(0..<$0)[...], shards: step.plan.shards,
        microBatches: options.microBatches)
    }
  }

  /// Makes sure that the same examples give the same bits on all ranks.
  private func probe(on collective: any Collective) throws {
    let sizes = sampler.shardSizes(
      shards: step.plan.shards, microBatches: options.microBatches, steps: options.steps,
      areAlone: step.source.computesExamplesAlone)
    var results = Handshake()
    var failure: (any Error)?
    do {
      let found = try step.source.probe(shardSizes: sizes, meeting: collective.barrier)
      for (name, fingerprint) in found { results.add(name, fingerprint) }
    } catch { failure = error }
    try collective.throwOnAll(failure)
    try results.agree(on: collective)
  }
}
