import LockstepEngine
import LockstepFiles
import LockstepFold

extension GradientSource {
  /// The parameters that moved for the first time in a step, counted from 1, where they were frozen before.
  func unfrozen(inStep step: Int) -> [FlatLayout.Slot] {
    if step == 1 { return [] }
    return zip(stepsBeforeMoving, layout.slots).compactMap { $0 == step - 1 ? $1 : nil }
  }

  /// What is said of them; nil where there are none.
  func unfrozenNotice(step: Int) -> String? {
    let slots = unfrozen(inStep: step)
    if slots.isEmpty { return nil }
    let values = slots.reduce(0) { $0 + $1.count }
    return
      "step \(step): \(counted(slots.count, "parameter")) no longer frozen (\(counted(values, "value"))): "
      + NameGlob.list(slots.map(\.name))
  }
}
