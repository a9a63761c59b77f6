import LockstepMPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What is refused, with the message. Every rank refuses alike, before MPI sees the call.
func refusalChecks() -> [Check] {
  [
    Check("refusals.ranks") { world, report in
      let size = world.size
      let tag = "rank \(world.rank): "
      report.expectError(tag, "MPI_Send", "destination \(size) is not a rank", "(0..<\(size))") {
        try world.send([1], to: size)
      }
      report.expectError(tag, "MPI_Recv", "source -1 is not a rank") {
        _ = try withBuffer([1]) { try world.receive(into: $0, from: -1) }
      }
      report.expectError("MPI_Send", "tag -1 is not in 0...") {
        try world.send([1], to: 0, tag: -1)
      }
      report.expectError("MPI_Bcast", "root \(size + 3) is not a rank") {
        _ = try world.broadcast(1, root: size + 3)
      }
      report.expectError("MPI_Reduce", "root -1 is not a rank") {
        _ = try world.reduce([1], .sum, root: -1)
      }
      report.expectError("MPI_Gather", "root -1 is not a rank") {
        _ = try world.gather([1], root: -1)
      }
      report.expectError("MPI_Comm_split", "color -7 is not in") {
        _ = try world.split(color: -7)
      }
      try world.withRequests { scope in
        report.expectError("MPI_Isend", "destination 99 is not a rank") {
          try scope.send([1], to: 99)
        }
        report.expectError("MPI_Irecv", "source 99 is not a rank") {
          try scope.receive(into: MPIBuffer([1]), from: 99)
        }
        report.expectError("MPI_Ibcast", "root 99 is not a rank") {
          try scope.broadcast(scope.pin(MPIBuffer([1])), root: 99)
        }
      }
    },
    Check("refusals.counts") { world, report in
      let size = world.size
      let ones = [Int](repeating: 1, count: size)
      func buffers(
        _ sending: Int, _ receiving: Int,
        _ body: (UnsafeBufferPointer<Float>, UnsafeMutableBufferPointer<Float>) throws -> Void
      ) throws {
        _ = try withBuffer([Float](repeating: 0, count: receiving)) { result in
          try [Float](repeating: 1, count: sending).withUnsafeBufferPointer {
            try body($0, result)
          }
        }
      }
      report.expectError("MPI_Allreduce", "the result holds 3 values and needs 4") {
        try buffers(4, 3) { try world.allreduce($0, into: $1, .sum) }
      }
      report.expectError(
        "MPI_Allgather", "the result holds \(3 * size) values and needs \(2 * size)"
      ) {
        try buffers(2, 3 * size) { try world.allgather($0, into: $1) }
      }
      report.expectError("MPI_Allgatherv", "\(size + 1) counts were given for \(size) ranks") {
        try buffers(1, size + 1) { try world.allgather($0, into: $1, counts: ones + [1]) }
      }
      report.expectError("MPI_Allgatherv", "rank 0 has count -1 at displacement 0") {
        try buffers(1, size) {
          try world.allgather($0, into: $1, counts: [-1] + ones.dropFirst())
        }
      }
      report.expectError(
        "MPI_Allgatherv", "holds \(size) values, but the part of rank \(size - 1) is"
      ) {
        try buffers(2, size) {
          try world.allgather($0, into: $1, counts: ones.dropLast() + [2])
        }
      }
      report.expectError("MPI_Allgatherv", "this rank's part holds 2 values and needs 1") {
        try buffers(2, size) { try world.allgather($0, into: $1, counts: ones) }
      }
      report.expectError(
        "MPI_Alltoallv", "1 displacements were given for \(size) ranks".replacing(size)
      ) {
        try buffers(size, size) {
          try world.alltoall(
            $0, counts: ones, displacements: [0] + (size == 1 ? [0] : []), into: $1,
            resultCounts: ones)
        }
      }
      report.expectError(
        "MPI_Reduce_scatter", "the buffer holds \(size + 1) values and needs \(size)"
      ) {
        try buffers(size + 1, 1) { try world.reduceScatter($0, counts: ones, into: $1, .sum) }
      }
      _ = try withBuffer([Float](repeating: 0, count: 8)) { buffer in
        report.expectError("MPI_Allreduce", "overlap: use the in-place form") {
          try world.allreduce(
            UnsafeBufferPointer(rebasing: buffer[..<4]),
            into: UnsafeMutableBufferPointer(rebasing: buffer[2..<6]), .sum)
        }
        report.expectError("MPI_Sendrecv", "overlap: use the in-place form") {
          try world.sendReceive(UnsafeBufferPointer(buffer), to: 0, into: buffer, from: 0)
        }
        // Neighbours do not overlap.
        try world.allreduce(
          UnsafeBufferPointer(rebasing: buffer[..<4]),
          into: UnsafeMutableBufferPointer(rebasing: buffer[4...]), .sum)
      }
      guard size > 1 else { return }
      report.expectError("MPI_Alltoall", "do not divide among \(size) ranks") {
        try buffers(size + 1, size + 1) { try world.alltoall($0, into: $1) }
      }
      report.expectError("MPI_Allgatherv", "the parts of ranks 0 and 1 overlap") {
        try buffers(1, size + 1) {
          try world.allgather(
            $0, into: $1, counts: ones, displacements: [0, 0] + Array(2..<size + 1).dropLast())
        }
      }
    },
    Check("refusals.values") { world, report in
      let buffer = MPIBuffer([1, 2, 3])
      report.expectError("MPIBuffer", "index 3 is not in 0..<3") { _ = try buffer[3] }
      report.expectError("MPIBuffer", "index -1 is not in 0..<3") { try buffer.set(4, at: -1) }
      try buffer.set(9, at: 2)
      report.expectEqual(try buffer[2], 9, "set")
      report.expectError("MPIBuffer", "the count -1 is negative") {
        _ = try MPIBuffer(repeating: 0, count: -1)
      }
      report.expectError("MPIBuffer", "more than memory can hold") {
        _ = try MPIBuffer(repeating: 0, count: .max)
      }
      report.expectError("MPIBuffer", "there is no memory for") {
        _ = try MPIBuffer(repeating: 0, count: .max >> 6)
      }
      report.expectError("MPIIndexed", "index 2147483648 does not fit 32 bits") {
        _ = try MPIIndexed(1.0, index: Int(Int32.max) + 1)
      }
      report.expectError("MPI_Sendrecv", "the count -1 is negative") {
        _ = try world.sendReceive([1], to: 0, count: -1, from: 0)
      }
      report.expectError("MPI_Scatter", "the count -2 is negative") {
        _ = try world.scatter([1], count: -2, root: 0)
      }
      _ = try withBuffer([Int](repeating: 0, count: world.size)) { result in
        report.expectError("MPI_Allgatherv", "are more than") {
          let counts = [Int](repeating: .max, count: world.size)
          try [1].withUnsafeBufferPointer {
            try world.allgather($0, into: result, counts: counts)
          }
        }
      }
      report.expectError("MPI_Bcast", "layout of Mislaid says 8 bytes", "Mislaid has 4") {
        _ = try world.broadcast(Mislaid(value: 1), root: 0)
      }
    },
    Check("refusals.freed") { world, report in
      let copy = try world.duplicate()
      try copy.free()
      let words = "the communicator was freed"
      report.expectError("MPI_Barrier", words) { try copy.barrier() }
      report.expectError("MPI_Send", words) { try copy.send([1], to: 0) }
      report.expectError("MPI_Recv", words) {
        _ = try withBuffer([1]) { try copy.receive(into: $0, from: nil) }
      }
      report.expectError("MPI_Comm_dup", words) { _ = try copy.duplicate() }
      report.expectError("MPI_Comm_free", words) { try copy.free() }
      report.expectError("MPI_Waitall", words) { try copy.withRequests { _ in } }
      report.expectError("MPI_Win_allocate_shared", words) {
        _ = try MPISharedWindow(bytes: 8, on: copy)
      }
      report.expectError("MPI_Send_init", words) {
        let messages = MPIPersistentMessages(on: copy)
        let buffer = MPIBuffer([1])
        try messages.addSend(UnsafeBufferPointer(buffer.values), to: 0, owner: buffer)
      }
      // Under a scope that is open.
      let other = try world.duplicate()
      report.expectError("MPI_Waitall", words) { try other.withRequests { _ in try other.free() } }
      // From another thread than the session's, which this thread level does not allow.
      report.expectError("MPI_Allreduce", "called from another thread") {
        try onAnotherThread { _ = try world.allreduce(1, .sum) }
      }
    },
    Check("refusals.disagreement") { world, report in
      let (rank, size) = (world.rank, world.size)
      let careful = try world.duplicate()
      careful.checksAgreement = true
      // What agrees goes through, whichever the form.
      for check in [exchangeChecks(Int32.self), nonblockingChecks(Double.self)] {
        try check.body(careful, report)
      }
      for check in reductionChecks(UInt8.self) { try check.body(careful, report) }
      report.expectEqual(try careful.split(color: 0)?.checksAgreement, true, "inherited")
      guard size > 1 else { return }
      let last = size - 1
      let values = [Float](repeating: 1, count: rank == last ? 3 : 4)
      report.expectError(
        "rank \(rank): MPI_Allreduce: the ranks do not agree: rank 0 calls MPI_Allreduce with 4 values, "
          + "operation sum, rank \(last) calls MPI_Allreduce with 3 values, operation sum"
      ) { _ = try careful.allreduce(values, .sum) }
      report.expectError("MPI_Bcast with 1 values, root 0", "MPI_Bcast with 1 values, root 1") {
        _ = try careful.broadcast(1, root: rank == 1 ? 1 : 0)
      }
      report.expectError("rank 0 calls MPI_Barrier, rank \(last) calls MPI_Allgather") {
        if rank == last { _ = try careful.allgather(1) } else { try careful.barrier() }
      }
      report.expectError("rank \(last) calls MPI_Allgather with \(size) values of another type") {
        if rank == last { _ = try careful.allgather(1) } else { _ = try careful.allgather(1.0) }
      }
      report.expectEqual(try careful.allreduce(1, .sum), size, "and goes on")
    },
    Check("refusals.truncation") { world, report in
      // MPI's own error, with MPI's own words.
      let rank = world.rank
      try world.withRequests { scope in
        try scope.send([1, 2, 3], to: rank, tag: 1)
        report.expectError("rank \(rank): MPI_Recv: ", " truncated") {
          _ = try withBuffer([0]) { try world.receive(into: $0, from: rank, tag: 1) }
        }
      }
      // One of many pages: nothing behind the buffer changes.
      let guarded = MPIBuffer([0, 77])
      let large = [Int](repeating: 5, count: 100_000)
      try world.withRequests { scope in
        try scope.send(large, to: (rank + 1) % world.size, tag: 3)
        report.expectError("rank \(rank): MPI_Recv: ", " truncated") {
          try world.receive(
            into: .init(rebasing: guarded.values[..<1]), from: nil, tag: 3)
        }
        report.expectEqual(guarded.array, [0, 77], "around the buffer")
      }
      try world.withRequests { scope in
        try scope.send([UInt8](repeating: 1, count: 7), to: rank, tag: 2)
        report.expectError("MPI_Recv", "7 bytes from rank \(rank) is no whole number of Float") {
          _ = try withBuffer([Float](repeating: 0, count: 9)) {
            try world.receive(into: $0, from: rank, tag: 2)
          }
        }
      }
      try world.withRequests { scope in
        try scope.send([UInt8](repeating: 1, count: 7), to: rank, tag: 2)
        report.expectError("7 bytes from rank \(rank) is no whole number of Float values") {
          _ = try world.receive(Float.self, from: rank, tag: 2)
        }
      }
    },
  ]
}

/// A value whose layout is another type's.
private struct Mislaid: MPIDatatype {
  static var mpiLayout: MPILayout { Int.mpiLayout }
  let value: Int32
}

/// Runs a closure on a thread of its own, waits for it, and throws what it throws.
private func onAnotherThread(_ body: @escaping () throws -> Void) throws {
  final class Work {
    let body: () throws -> Void
    var error: (any Error)?
    init(_ body: @escaping () throws -> Void) { self.body = body }
  }
  let work = Work(body)
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { argument in
      let work = Unmanaged<Work>.fromOpaque(argument!).takeUnretainedValue()
      do { try work.body() } catch { work.error = error }
      return nil
    }, Unmanaged.passUnretained(work).toOpaque())
  pthread_join(thread, nil)
  if let error = work.error { throw error }
}

extension String {
  /// With one rank, two displacements are the wrong number; else one is.
  fileprivate func replacing(_ size: Int) -> String {
    size == 1 ? "2 displacements were given for 1 ranks" : self
  }
}
