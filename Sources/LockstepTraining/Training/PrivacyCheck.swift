import LockstepDatasets
import LockstepEngine
import LockstepFold
import LockstepOptimization

/// What a private training, and one whose examples' gradients are limited, cannot be combined with.
struct PrivacyCheck {
  private let options: TrainingOptions

  init(_ options: TrainingOptions) { self.options = options }

  /// - Throws: ``StepError/badOption(key:value:expected:)``.
  func check() throws {
    if options.exampleClip != nil {
      if options.hessianFree != nil {
        throw refusal(
          "clip", "perExample",
          "another one for a Hessian-free step, whose products see whole shards")
      }
    }
    guard options.privacy != nil else { return }
    guard options.exampleClip != nil else {
      throw refusal(
        "privacy", "given",
        "combined with a clip of the type 'perExample', which says what the noise hides")
    }
    if options.nonFinite != .stop {
      throw refusal(
        "nonFinite", "not 'stop'",
        "'stop' for a private training: a step that is left out tells of its examples")
    }
    if options.wire != .float32 {
      throw refusal(
        "wire", "bfloat16",
        "float32 for a private training: rounded sums may exceed what the noise hides")
    }
    if options.plan.precision != .float32 {
      throw refusal(
        "precision", "\(options.plan.precision)",
        "float32 for a private training: rounded gradients may exceed what the noise hides")
    }
  }

  private func refusal(_ key: String, _ value: String, _ expected: String) -> StepError {
    .badOption(key: key, value: value, expected: expected)
  }
}

extension ModelSource {
  /// The noise of a private training; nil where none is asked for.
  ///
  /// - Throws: ``StepError/badOption(key:value:expected:)`` where what the source computes cannot be private.
  func noise(_ privacy: Privacy?, _ sampler: Sampler) throws -> PrivacyNoise? {
    guard let privacy, let exampleClip else { return nil }
    func refusal(_ key: String, _ value: String, _ expected: String) -> StepError {
      .badOption(key: key, value: value, expected: expected)
    }
    guard let draws = sampler.poisson else {
      throw refusal(
        "the order of the examples", "a permutation",
        "one draw for each example in each step, which ε is told for")
    }
    guard let weight = model.numbers.weight(ofExamples: 1) else {
      throw refusal(
        "the loss", "divided by weights that examples differ in",
        "one in which all examples count alike for a private training: leave weights of examples and classes, "
          + "'ignoreIndex' and series of different lengths with a label a step out")
    }
    guard !carriesStates else {
      throw refusal(
        "the model", "one that carries states from batch to batch",
        "one whose examples do not see those before them, for a private training")
    }
    guard model.logits == nil else {
      throw refusal(
        "a constraint", "qkClip",
        "another one for a private training: the largest logit is one example's, and no noise hides it"
      )
    }
    if augmentation?.mixing != nil {
      throw refusal(
        "augment", "a mixture", "none of examples, each of which must have one gradient alone")
    }
    guard privacy.delta < 1 / Double(draws.population) else {
      throw refusal(
        "privacy.delta", "\(privacy.delta)",
        "below 1 / \(draws.population), one over the number of examples: a larger δ allows to publish an example"
      )
    }
    let noise = PrivacyNoise(
      privacy, exampleClip, weightPerExample: weight, draws, seed: model.seed)
    guard noise.accountant.epsilon(steps: 1).isFinite else {
      throw refusal("privacy.noise", "\(privacy.noise)", "so large that ε is finite")
    }
    return noise
  }
}
