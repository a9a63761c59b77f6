import LockstepObservation
import LockstepFold
import LockstepMPI

/// A contiguous part of a slice that travels by itself.
struct BucketPart {
  /// Its number among the buckets of all slices.
  let number: Int
  /// Its blocks.
  let blocks: Range<Int>
  /// Its values, padding included.
  let values: Range<Int>
}

/// The messages of one bucket that one rank sends, or that it receives: of all subtrees of a node to
/// the slice's owner, to the owner from all nodes, or a folded bucket on its way back.
final class MessageBucket {
  let part: BucketPart

  private let messages: MPIPersistentMessages
  private var slices: [WireSlice] = []
  private let sends: Bool
  private let isFolded: Bool
  private let page: StatusPage?
  private var started: UInt64 = 0

  /// Where its messages are in a step.
  private enum State { case idle, travelling, arrived }
  private var state = State.idle

  /// - Parameters:
  ///   - sends: whether its messages are sent, not received.
  ///   - isFolded: whether it has been folded.
  ///   - page: where a timeline is found.
  init(
    _ part: BucketPart, sends: Bool, isFolded: Bool = false, on group: MPICommunicator,
    page: StatusPage?
  ) {
    self.part = part
    self.sends = sends
    self.isFolded = isFolded
    self.page = page
    messages = MPIPersistentMessages(on: group)
  }

  /// Adds a message: the bucket of one subtree, or of the folded arena.
  func add(_ slice: WireSlice, with peer: Int, tag: Int) throws {
    if sends {
      try slice.addSend(to: peer, tag: tag, messages)
    } else {
      try slice.addReceive(from: peer, tag: tag, messages)
    }
    slices.append(slice)
  }

  /// Whether its messages have not been started in this step.
  var isIdle: Bool { state == .idle }

  /// Starts the messages unless they are under way.
  func start() throws {
    guard state == .idle else { return }
    if sends { for slice in slices { slice.pack() } }
    started = page.flightClock
    try messages.start()
    state = .travelling
  }

  /// Lets MPI go on; whether something is still under way.
  func progress() throws -> Bool {
    if state == .travelling, try messages.test() { arrive() }
    return state == .travelling
  }

  /// Waits for the messages that were started.
  func wait(stillWaiting: (_ peer: Int) -> Void) throws {
    guard state == .travelling else { return }
    try messages.wait(stillWaiting: stillWaiting)
    arrive()
  }

  /// Brings received values of a block to their places.
  func unpack(_ part: Range<Int>) { for slice in slices { slice.unpack(part) } }

  /// Makes ready for the next step.
  func reset() { state = .idle }

  private func arrive() {
    state = .arrived
    page.recordFlight(
      ofBucket: part.number, sent: sends, isFolded: isFolded, since: started)
  }
}

extension FoldPlan {
  /// Every rank's slice in runs of blocks of about `bytes` each, as Float32.
  ///
  /// - Parameter slots: whose blocks are left out.
  func buckets(bytes: Int, without slots: Set<Int> = []) -> [[BucketPart]] {
    var number = 0
    return zip(blockSlices, slices).map { run, slice in
      var buckets: [BucketPart] = []
      /// Where a block's values begin, padding of the one before excluded.
      func start(_ block: Int) -> Int {
        block == run.lowerBound
          ? slice.lowerBound : block == run.upperBound ? slice.upperBound : blocks[block].offset
      }
      var first = run.lowerBound
      for block in run {
        if slots.contains(blocks[block].slot) {
          first = block + 1
          continue
        }
        let next = block + 1
        let isLast = next == run.upperBound || slots.contains(blocks[next].slot)
        guard isLast || (start(next) - start(first)) * 4 >= bytes else { continue }
        buckets.append(
          BucketPart(number: number, blocks: first..<next, values: start(first)..<start(next)))
        number += 1
        first = next
      }
      return buckets
    }
  }
}
