import Lockstep
import LockstepConfiguration
import LockstepOptimization
import LockstepTraining

/// What is said of a private run's ε.
struct PrivacyText {
  private let accountant: PrivacyAccountant
  private let steps: Int

  /// Nil for a run that is not private.
  init?(_ run: ConfiguredRun) {
    guard let accountant = run.step.accountant else { return nil }
    self.accountant = accountant
    steps = run.totalSteps
  }

  /// What the run will have told behind its last step.
  var plan: String {
    "ε = \(epsilon(steps)) at δ = \(readable(accountant.delta)) behind all \(counted(steps, "step")), with noise "
      + "\(readable(accountant.mechanism.noise)) and each example in a batch with probability "
      + "\(readable(accountant.mechanism.samplingRate, digits: 3))"
  }

  /// What it has told behind so many steps.
  func spent(_ steps: Int) -> String {
    "privacy: ε = \(epsilon(steps)) at δ = \(readable(accountant.delta)) behind \(counted(steps, "step"))"
  }

  private func epsilon(_ steps: Int) -> String { format(accountant.epsilon(steps: steps), 3) }
}
