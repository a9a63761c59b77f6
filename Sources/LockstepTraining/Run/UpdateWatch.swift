import LockstepEngine
import LockstepFiles
import LockstepOptimization

/// Sees over a run whether clips and constraints do what they are there for, and says so once each where they
/// do not.
package struct UpdateWatch {
  /// The steps between two looks; the last step of a run is looked at in any case.
  package static let interval = 100
  /// A run of fewer steps says nothing.
  package static let fewest = 10

  private let update: any Update
  private var steps = 0
  private var clipped = 0
  private var belowEpsilon = 0
  /// The steps in which each tensor held nearly all of the norm.
  private var dominated: [Int: Int] = [:]
  private var said: Set<String> = []

  /// Whether noise is added to the gradient, whose norm then follows the sizes of tensors.
  private let isPrivate: Bool

  /// Watches an update.
  package init(_ update: any Update, isPrivate: Bool = false) {
    self.update = update
    self.isPrivate = isPrivate
  }

  /// Counts a step, and says what there is to say behind it.
  ///
  /// - Parameters:
  ///   - isLast: whether the run ends with it.
  ///   - parameters: the weights behind the step.
  package mutating func notices(
    _ report: StepReport, isLast: Bool, parameters: UnsafeMutableBufferPointer<Float>
  ) -> [String] {
    if report.skipped == nil {
      steps += 1
      if report.update.clipped { clipped += 1 }
      if report.update.clipsBelowEpsilon { belowEpsilon += 1 }
      if let largest = report.update.dominantTensor, !isPrivate {
        dominated[largest, default: 0] += 1
      }
    }
    guard steps >= Self.fewest, isLast || steps % Self.interval == 0 else { return [] }
    return (ofClips() + ofConstraints(parameters)).compactMap { kind, text in
      said.insert(kind).inserted ? text : nil
    }
  }

  private func ofClips() -> [(kind: String, text: String)] {
    var all: [(String, String)] = []
    let names = update.layout.slots.map(\.name)
    // In the order of tensors; at most one can have more than half of the steps.
    for slot in names.indices where 2 * dominated[slot, default: 0] > steps {
      all.append(
        (
          "dominated",
          "'\(names[slot])' holds more than 99 % of the gradient's norm in \(share(dominated[slot, default: 0])): "
            + "what limits the global norm limits that tensor's, and scales all others with it; give it a "
            + "clip of its own by 'scope', or clip tensor by tensor (norm, adaGC)"
        ))
    }
    if 2 * clipped > steps, update.hasFixedClip {
      all.append(
        (
          "clipped",
          "\(share(clipped)) were clipped: the clip then evens out all gradients, in place of limiting a few. After "
            + "it SGD's steps have one length, which the learning rate sets as well: raise the threshold (lockstep "
            + "suggest-clip) or lower the rate. With Adam and its kin it can help: compare both"
        ))
    }
    if 2 * belowEpsilon > steps {
      all.append(
        (
          "epsilon",
          "in \(share(belowEpsilon)) the clip left gradients whose root mean square is below the optimizer's "
            + "epsilon, which then divides them in place of their own size: raise the threshold, or lower "
            + "'optimizer.epsilon'"
        ))
    }
    return all
  }

  private func ofConstraints(
    _ parameters: UnsafeMutableBufferPointer<Float>
  ) -> [(kind: String, text: String)] {
    guard parameters.count >= update.layout.count else { return [] }
    return update.boundTensors(UnsafeBufferPointer(parameters)).map { name in
      (
        "bound \(name)",
        "the constraint of '\(name)' holds every unit of it at its bound: the weights cannot take the size that "
          + "the loss asks for; widen it, or take one that means to fix the size (unitNorm)"
      )
    }
  }

  private func share(_ count: Int) -> String { "\(count) of \(counted(steps, "step"))" }
}
