import LockstepMPI
import LockstepTraining

/// A contiguous part of a slice, in partials that travel together: of all of one rank's subtrees to
/// the slice's owner, or to the owner from all ranks.
final class MessageBucket {
  /// The part, padding included.
  let values: Range<Int>
  /// Its blocks.
  let blocks: Range<Int>

  private let messages: MPIPersistentMessages
  private var slices: [WireSlice] = []
  private let sends: Bool
  /// The values that have not been announced in this step.
  private var missing: Int

  /// Where its messages are in a step.
  private enum State { case idle, travelling, arrived }
  private var state = State.idle

  init(_ part: (blocks: Range<Int>, values: Range<Int>), sends: Bool, on group: MPICommunicator) {
    blocks = part.blocks
    values = part.values
    missing = part.values.count
    self.sends = sends
    messages = MPIPersistentMessages(on: group)
  }

  /// Adds one partial's message.
  func add(_ slice: WireSlice, with peer: Int, tag: Int) throws {
    if sends {
      try slice.addSend(to: peer, tag: tag, messages)
    } else {
      try slice.addReceive(from: peer, tag: tag, messages)
    }
    slices.append(slice)
  }

  /// Takes note of values that are complete; starts once all are.
  func ready(_ part: Range<Int>) throws {
    missing -= part.clamped(to: values).count
    if missing == 0 { try start() }
  }

  /// Starts the messages unless they are under way.
  func start() throws {
    guard state == .idle else { return }
    if sends { for slice in slices { slice.pack() } }
    try messages.start()
    state = .travelling
  }

  /// Lets MPI go on; whether something is still under way.
  func progress() throws -> Bool {
    if state == .travelling, try messages.test() { state = .arrived }
    return state == .travelling
  }

  /// Waits for the messages that were started.
  func wait(stillWaiting: (_ peer: Int) -> Void) throws {
    guard state == .travelling else { return }
    try messages.wait(stillWaiting: stillWaiting)
    state = .arrived
  }

  /// Brings received values of a block to their places.
  func unpack(_ part: Range<Int>) { for slice in slices { slice.unpack(part) } }

  /// Makes ready for the next step.
  func reset() {
    state = .idle
    missing = values.count
  }
}

extension FoldPlan {
  /// A rank's slice in runs of blocks of about `bytes` each, as Float32: its values, padding included.
  func buckets(ofRank rank: Int, bytes: Int) -> [(blocks: Range<Int>, values: Range<Int>)] {
    let run = blockSlices[rank]
    let slice = slices[rank]
    var buckets: [(blocks: Range<Int>, values: Range<Int>)] = []
    var first = run.lowerBound
    var start = slice.lowerBound
    for next in run.indices.dropFirst() + [run.upperBound] {
      let end = next == run.upperBound ? slice.upperBound : blocks[next].offset
      guard next > first, next == run.upperBound || (end - start) * 4 >= bytes else { continue }
      buckets.append((first..<next, start..<end))
      (first, start) = (next, end)
    }
    return buckets
  }
}
