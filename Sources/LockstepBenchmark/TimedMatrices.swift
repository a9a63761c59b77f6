import LockstepEngine
import LockstepOptimization
import LockstepPlatform

/// Has this rank transform all matrices, and looks at the clock.
final class TimedMatrices: MatrixExchange {
  private let layout: FlatLayout
  /// How long those of each update took.
  private(set) var seconds: [Double] = []

  init(_ layout: FlatLayout) { self.layout = layout }

  /// What an update's took in the mean over the last ones.
  func mean(ofLast count: Int) -> Double {
    seconds.suffix(count).reduce(0, +) / Double(max(min(count, seconds.count), 1))
  }

  func transform(
    _ update: UnsafeMutablePointer<Float>,
    _ work: (_ slot: Int, _ values: UnsafeMutablePointer<Float>) -> Void
  ) {
    let start = SystemClock.seconds
    for (slot, tensor) in layout.slots.enumerated() { work(slot, update + tensor.offset) }
    seconds.append(SystemClock.seconds - start)
  }
}
