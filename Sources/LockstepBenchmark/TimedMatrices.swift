import LockstepEngine
import LockstepOptimization
import LockstepPlatform

/// Has this rank transform all matrices, and looks at the clock.
final class TimedMatrices: MatrixExchange {
  private let layout: FlatLayout
  /// How long the last update's took.
  private(set) var seconds = 0.0

  init(_ layout: FlatLayout) { self.layout = layout }

  func transform(
    _ update: UnsafeMutablePointer<Float>,
    _ work: (_ slot: Int, _ values: UnsafeMutablePointer<Float>) -> Void
  ) {
    let start = SystemClock.seconds
    for (slot, tensor) in layout.slots.enumerated() { work(slot, update + tensor.offset) }
    seconds = SystemClock.seconds - start
  }
}
