import LockstepCollective
import LockstepState
import LockstepEngine
import LockstepFiles

/// What a step made, stage by stage, as hashes: for comparing runs on different numbers of ranks.
///
/// Stages in their order: the batch's loss and metrics, each tensor of the folded and normalised
/// gradient, its norm, each tensor of the state behind the update (parameters, moments, statistics, counters).
package final class StageHashes {
  /// One hash.
  package struct Stage: Sendable, Equatable {
    /// The stage and the tensor: `gradient/fc1.weight`.
    package let name: String
    /// The hash of what the stage made.
    package let fingerprint: Fingerprint
  }

  private let registry: StateRegistry
  private let collective: any Collective
  private var gradient: [Stage] = []

  /// Listens to a step. All ranks make one, and call ``afterStep(_:)`` behind every step.
  ///
  /// - Parameters:
  ///   - step: what to listen to.
  ///   - registry: the run's state.
  package init(_ step: TrainingStep, _ registry: StateRegistry, on collective: any Collective) {
    self.registry = registry
    self.collective = collective
    let slots = step.plan.layout.slots
    let count = step.plan.gradientSlotCount
    step.onFolded = { [weak self] folded in
      self?.gradient = slots.enumerated().map { index, slot in
        Stage(
          name: (index < count ? "gradient/" : "statistics/") + slot.name,
          fingerprint: Fingerprint(of: Array(folded[slot.range])))
      }
    }
  }

  /// The stages of the step just taken. Called by all ranks.
  package func afterStep(_ report: StepReport) throws -> [Stage] {
    let numbers = [report.loss, report.weight] + report.metrics
    var stages = [Stage(name: "loss", fingerprint: Fingerprint(of: numbers))]
    stages += gradient
    stages.append(
      Stage(name: "norm", fingerprint: Fingerprint(of: [report.update.gradientNorm])))
    stages += try registry.fingerprints(on: collective).map {
      Stage(name: "state/\($0.name)", fingerprint: $0.fingerprint)
    }
    return stages
  }
}
