import LockstepPlatform
import LockstepFold
import LockstepEngine

/// Loops that move what the fold of a gradient must, through the same memory, and do nothing else.
///
/// A rank reads all partial sums of its slice and writes the folded slice, which processors read
/// first. When all have, it reads the whole folded arena. Here it reads its own partial sums in the
/// place of the others', as many bytes of the same memory.
struct FoldStreams {
  private let slice: Range<Int>
  private let partials: [UnsafeMutableBufferPointer<Float>]
  private let folded: UnsafeMutableBufferPointer<Float>
  /// How many slices are read beside the one that is added to the folded slice.
  private let slicesRead: Int
  private let streams: Streams

  init(_ plan: FoldPlan, rank: Int, _ exchange: any GradientExchange, _ streams: Streams) {
    slice = plan.slices[rank]
    partials = exchange.partials
    folded = exchange.folded
    slicesRead = plan.partialCount - 1
    self.streams = streams
  }

  /// The bytes that this rank reads and writes.
  var bytes: Int {
    MemoryLayout<Float>.stride * ((slicesRead + 3) * slice.count + folded.count)
  }

  /// The seconds of both loops.
  ///
  /// - Parameter meeting: returns when all ranks have come to it; what it takes does not count.
  func seconds(meeting: () throws -> Void) throws -> Double {
    try meeting()
    let start = SystemClock.seconds
    let own = partials[0].baseAddress!  // a rank has a shard at least
    streams.add(own + slice.lowerBound, to: folded.baseAddress! + slice.lowerBound, slice.count)
    // Slices lie one behind the other, those behind the last at the front.
    var place = slice.upperBound
    for number in 0..<slicesRead {
      if place + slice.count > folded.count { place = 0 }
      let partial = partials[number % partials.count]
      streams.read(UnsafeBufferPointer(rebasing: partial[place..<place + slice.count]))
      place += slice.count
    }
    let added = SystemClock.seconds
    try meeting()
    let met = SystemClock.seconds
    streams.read(UnsafeBufferPointer(folded))
    return (added - start) + (SystemClock.seconds - met)
  }
}
