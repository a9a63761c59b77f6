import LockstepPlatform
import LockstepObservation
import LockstepEngine

extension Lane {
  /// As ``run(_:leaf:addingTo:)``, with the passes seen by a track where there is one, and the steps by
  /// an announcer.
  func run(
    _ context: RunContext, leaf: UnsafeMutablePointer<Float>?,
    addingTo sum: UnsafeMutablePointer<Float>?, on track: Track?,
    announcing announcer: LeafAnnouncer? = nil
  ) throws {
    guard let track else {
      guard let announcer else { return try run(context, leaf: leaf, addingTo: sum) }
      return try run(context, leaf: leaf, addingTo: sum) { announcer.passed($0) }
    }
    let firstLabel = track.recordsOperations ? track.firstLabel(of: plan) : -1
    let forwardCount = plan.forwardStepCount
    let begin = SystemClock.now
    var turn = begin
    var last = begin
    try profile(context, leaf: leaf, addingTo: sum, clock: { SystemClock.now }) {
      step, start, end in
      if firstLabel >= 0 { track.add(.operation, firstLabel + Int32(step), from: start, to: end) }
      if step == forwardCount - 1 {
        // Spans inside of a span come before it.
        track.add(.forward, -1, from: begin, to: end)
        turn = end
      }
      last = end
      announcer?.passed(step)
    }
    if last > turn { track.add(.backward, -1, from: turn, to: last) }
  }
}
