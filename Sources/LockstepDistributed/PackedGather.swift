import LockstepEngine
import LockstepMPI
import LockstepTraining

/// The gathering of all ranks' folded slices in the bytes that the wire carries.
final class PackedGather {
  private let slices: [PackedSlice]
  private let ranges: [Range<Int>]
  private let arena: Arena<UInt8>
  private let counts: [Int]
  private let displacements: [Int]

  init(_ plan: FoldPlan) {
    counts = plan.slices.map { PackedSlice.byteCount($0, of: plan) }
    var end = 0
    var displacements: [Int] = []
    for count in counts {
      displacements.append(end)
      end += (count + 63) / 64 * 64
    }
    let arena = Arena<UInt8>(count: end)
    self.arena = arena
    self.displacements = displacements
    ranges = plan.slices
    slices = zip(plan.slices, displacements).map { slice, place in
      PackedSlice(slice, of: plan, in: arena, at: place)
    }
  }

  /// Gives every rank all slices; this rank's lies in `folded` already. Collective.
  func run(_ folded: UnsafeMutableBufferPointer<Float>, on communicator: MPICommunicator) throws {
    guard let values = folded.baseAddress else { return }
    let rank = communicator.rank
    slices[rank].pack(values)
    try communicator.allgather(
      inPlace: arena.buffer, counts: counts, displacements: displacements)
    for (peer, slice) in slices.enumerated() where peer != rank {
      slice.unpack(ranges[peer], into: values)
    }
  }
}
