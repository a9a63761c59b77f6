import LockstepMPI

/// Windows of memory that other ranks read and write.
func oneSidedChecks() -> [Check] {
  everyType { fenceCheck($0) } + [
    Check("onesided.parts") { world, report in
      // Parts of different lengths, and none on the last rank but one; counts are known to all.
      let (rank, size) = (world.rank, world.size)
      func count(_ rank: Int) -> Int { rank == size - 2 ? 0 : 3 + 2 * rank }
      let window = try MPIWindow(repeating: Float(rank), count: count(rank), on: world)
      report.expectEqual(window.counts, (0..<size).map(count), "counts")
      report.expectEqual(
        Array(try window.values), [Float](repeating: Float(rank), count: count(rank)), "at first")
      let parts = try (0..<size).map { try MPIBuffer(repeating: Float(-1), count: count($0)) }
      try window.withFence { epoch in
        for peer in 0..<size { try epoch.get(into: parts[peer], from: peer) }
      }
      for peer in 0..<size {
        report.expect(parts[peer].array.allSatisfy { $0 == Float(peer) }, "part of \(peer)")
      }
      try window.free()
    },
    Check("onesided.locks") { world, report in
      let (rank, size) = (world.rank, world.size)
      let window = try MPIWindow(repeating: 0, count: size + 2, on: world)
      // Each rank leaves a mark with each other one, which does nothing for it.
      for peer in 0..<size {
        try window.withLock(peer) { epoch in
          try epoch.put([1000 + rank], to: peer, at: rank)
          try epoch.flush()
          report.expectEqual(
            try epoch.get(1, from: peer, at: rank), [1000 + rank], "what was put is there")
        }
      }
      try world.barrier()
      try window.withLock(rank) { _ in
        report.expectEqual(
          Array(try window.values.prefix(size)), (0..<size).map { 1000 + $0 }, "all marks")
      }
      // Accumulations of all ranks, under a shared lock.
      for _ in 1...20 {
        try window.withLock(0, shared: true) { epoch in
          try epoch.accumulate([1, rank], .sum, to: 0, at: size)
        }
      }
      try world.barrier()
      let total = try window.withLockAll { try $0.get(2, from: 0, at: size) }
      report.expectEqual(total, [20 * size, 20 * (0..<size).reduce(0, +)], "sums")
      try world.barrier()
      // After an error the lock is given back, and the window goes on.
      do {
        try window.withLock(0) { _ in throw Trouble(description: "within") }
        report.expect(false, "no error")
      } catch { report.expect("\(error)" == "within", "\(error)") }
      try window.withLock(0) { try $0.put([5], to: 0, at: size) }
      try world.barrier()
      try window.free()
      report.expectError("MPI_Win_lock", "the window was freed") { try window.withLock(0) { _ in } }
      report.expectError("MPI_Win_free", "the window was freed") { try window.free() }
      report.expectError("MPIWindow.values", "the window was freed") { _ = try window.values }
    },
    Check("onesided.tickets") { world, report in
      // Every ticket goes to one rank, and a number that all want to change changes once a round.
      let (rank, size) = (world.rank, world.size)
      let window = try MPIWindow(repeating: 0, count: 2, on: world)
      var tickets: [Int] = []
      for _ in 1...25 {
        tickets.append(
          try window.withLock(size - 1, shared: true) {
            try $0.fetchAndAccumulate(1, .sum, on: size - 1)
          })
      }
      let all = try world.allgatherArrays(tickets).flatMap { $0 }
      report.expectEqual(all.sorted(), Array(0..<25 * size), "every ticket once")
      report.expectEqual(tickets, tickets.sorted(), "in order on a rank")
      var won = 0
      for round in 0..<15 {
        let before = try window.withLockAll {
          try $0.compareAndSwap(expected: round, with: round + 1, on: 0, at: 1)
        }
        report.expect(before == round || before == round + 1, "round \(round): \(before)")
        if before == round { won += 1 }
        try world.barrier()
      }
      report.expectEqual(try world.allreduce(won, .sum), 15, "one winner a round")
      let largest = try window.withLock(0, shared: true) { epoch in
        _ = try epoch.fetchAndAccumulate(100 + rank, .maximum, on: 0, at: 1)
        return try epoch.fetchAndAccumulate(0, .sum, on: 0, at: 1)
      }
      report.expect((100 + rank..<100 + size).contains(largest), "a maximum: \(largest)")
      try world.barrier()
      try window.free()
    },
    Check("onesided.structs") { world, report in
      let (rank, size) = (world.rank, world.size)
      let window = try MPIWindow(repeating: Pair(a: 0, b: 0), count: 2, on: world)
      try window.withFence { epoch in
        try epoch.put([Pair(a: Int8(rank), b: Double(rank) / 7)], to: (rank + 1) % size, at: 1)
      }
      let left = (rank + size - 1) % size
      report.expectEqual(
        Array(try window.values), [Pair(a: 0, b: 0), Pair(a: Int8(left), b: Double(left) / 7)],
        "put")
      report.expectError("MPI_Accumulate", "user-defined reduction does not run on another rank's")
      {
        let own = try MPIReduction<Pair>.custom(commutative: true) { left, _ in left }
        try window.withLock(rank) { try $0.accumulate([Pair(a: 1, b: 1)], own, to: rank) }
      }
      try window.free()
      let halves = try MPIWindow(repeating: MPIBFloat16(1), count: 1, on: world)
      report.expectError("MPI_Fetch_and_op", "MPI has no operations of its own on MPIBFloat16") {
        _ = try halves.withLock(rank) { try $0.fetchAndAccumulate(MPIBFloat16(1), .sum, on: rank) }
      }
      try world.barrier()
      try halves.free()
    },
    Check("onesided.many") { world, report in
      // Windows are given back, hints are taken, and several are open at once.
      for round in 1...20 {
        let one = try MPIWindow(
          repeating: UInt8(round), count: round, on: world, hints: ["no_locks": "true"])
        let other = try MPIWindow(repeating: Double(round), count: 1, on: world)
        try one.withFence { _ in
          try other.withLock(0, shared: true) {
            report.expectEqual(try $0.get(1, from: 0), [Double(round)], "round \(round)")
          }
        }
        try one.free()
        try other.free()
      }
      // More values than MPI is given at once.
      let short = try world.duplicate()
      short.largestCount = 7
      let window = try MPIWindow(repeating: Int32(0), count: 40, on: short)
      let own = (0..<40).map { Int32(1000 * world.rank + $0) }
      let right = (world.rank + 1) % world.size
      try window.withFence { try $0.put(own, to: right) }
      let left = (world.rank + world.size - 1) % world.size
      report.expectEqual(
        Array(try window.values), (0..<40).map { Int32(1000 * left + $0) }, "a long run")
      try window.free()
    },
    Check("onesided.refusals") { world, report in
      let (rank, size) = (world.rank, world.size)
      let window = try MPIWindow(repeating: 0, count: 4, on: world)
      var escaped: MPIEpoch<Int>?
      try window.withFence { epoch in
        escaped = epoch
        report.expectError(
          "rank \(rank): MPI_Put",
          "2 values at place 3 are not in the part of rank 0, which holds 4"
        ) { try epoch.put([1, 2], to: 0, at: 3) }
        report.expectError("MPI_Put", "at place -1 are not in the part") {
          try epoch.put([1], to: 0, at: -1)
        }
        report.expectError("MPI_Get", "rank \(size) is not a rank of this communicator") {
          try epoch.get(into: MPIBuffer([1]), from: size)
        }
        report.expectError("MPI_Accumulate", "1 values at place 4 are not in") {
          try epoch.accumulate([1], .sum, to: 0, at: 4)
        }
        report.expectError("MPI_Get", "a fence gives no value before it ends: take a lock") {
          _ = try epoch.get(1, from: 0)
        }
        report.expectError("MPI_Fetch_and_op", "a fence gives no value") {
          _ = try epoch.fetchAndAccumulate(1, .sum, on: 0)
        }
        report.expectError("MPI_Compare_and_swap", "a fence gives no value") {
          _ = try epoch.compareAndSwap(expected: 0, with: 1, on: 0)
        }
        report.expectError("MPI_Win_flush", "a fence gives no value") { try epoch.flush() }
        report.expectError("MPI_Win_lock", "an epoch of this window is open already") {
          try window.withLock(0) { _ in }
        }
        report.expectError("MPI_Win_fence", "an epoch of this window is open already") {
          try window.withFence { _ in }
        }
        report.expectError("MPI_Win_free", "an epoch of this window is open already") {
          try window.free()
        }
      }
      report.expectError("MPI_Put", "the epoch has ended: nothing of the window can be touched") {
        try escaped?.put([1], to: 0)
      }
      try window.withLock(0) { epoch in
        escaped = epoch
        report.expectError("MPI_Get", "5 values at place 0 are not in") {
          _ = try epoch.get(5, from: 0)
        }
        report.expectError("MPI_Get", "-1 values at place 0 are not in") {
          _ = try epoch.get(-1, from: 0)
        }
        report.expectError("MPI_Fetch_and_op", "1 values at place 4 are not in") {
          _ = try epoch.fetchAndAccumulate(1, .sum, on: 0, at: 4)
        }
        guard size > 1 else { return }
        report.expectError("MPI_Put", "rank 1 is not locked: this is the epoch of rank 0") {
          try epoch.put([1], to: 1)
        }
      }
      report.expectError("MPI_Win_flush", "the epoch has ended") { try escaped?.flush() }
      report.expectError("MPI_Win_lock", "rank \(size) is not a rank") {
        try window.withLock(size) { _ in }
      }
      report.expectError("MPI_Win_allocate", "rank 0 asks for -3 values") {
        _ = try MPIWindow(repeating: 0, count: rank == 0 ? -3 : 1, on: world)
      }
      report.expectError("MPI_Win_allocate", "values of 8 bytes: more than a window has") {
        _ = try MPIWindow(repeating: 0, count: rank == size - 1 ? .max : 1, on: world)
      }
      if size > 1 {
        report.expectError("MPI_Win_allocate", "bytes of shared memory are needed", "are free in") {
          _ = try MPIWindow(repeating: 0, count: 1 << 42, on: world)
        }
      }
      report.expectError("MPI_Win_allocate", "a hint's key has 0 bytes; it needs 1 to") {
        _ = try MPIWindow(repeating: 0, count: 1, on: world, hints: ["": "x"])
      }
      // All ranks fail alike: nobody waits in the closing fence.
      let failing = try MPIWindow(repeating: 0, count: 1, on: world)
      do {
        try failing.withFence { _ in throw Trouble(description: "within") }
        report.expect(false, "no error")
      } catch { report.expect("\(error)" == "within", "\(error)") }
      report.expectError("MPI_Win_fence", "an epoch of this window has failed: it can only be") {
        try failing.withFence { _ in }
      }
      try world.barrier()
      try window.free()
    },
  ]
}

/// Put, get and accumulate between fences, for one type.
private func fenceCheck<T: CheckNumber>(_: T.Type) -> Check {
  Check("onesided.\(T.self)") { world, report in
    let (rank, size) = (world.rank, world.size)
    let (right, left) = ((rank + 1) % size, (rank + size - 1) % size)
    let zero = T(small: 0)
    let window = try MPIWindow(repeating: zero, count: size + 3, on: world)
    // A place of its own for each rank on each other one; the rest is put by the left neighbour.
    try window.withFence { epoch in
      for peer in 0..<size {
        try epoch.put([T(small: sample(rank, peer))], to: peer, at: rank)
      }
      try epoch.put(MPIBuffer(samples(T.self, rank, 0..<3)), to: right, at: size)
    }
    let expected =
      (0..<size).map { T(small: sample($0, rank)) } + samples(T.self, left, 0..<3)
    report.expectEqual(Array(try window.values), expected, "put")
    let part = try MPIBuffer(repeating: zero, count: 2)
    try window.withFence { try $0.get(into: part, from: right, at: size + 1) }
    report.expectEqual(part.array, samples(T.self, rank, 1..<3), "get")
    if T.self != MPIBFloat16.self {
      // At most 5 ranks of at most 7: small in every type.
      try window.values.update(repeating: zero)
      try window.withFence { epoch in
        try epoch.accumulate(samples(T.self, rank, 0..<2), .sum, to: 0)
        try epoch.accumulate(samples(T.self, rank, 2..<3), .maximum, to: 0, at: 2)
      }
      if rank == 0 {
        let all = (0..<size).map { samples(T.self, $0, 0..<3).small }
        report.expectEqual(
          Array(try window.values.prefix(3)).small,
          [all.reduce(0) { $0 + $1[0] }, all.reduce(0) { $0 + $1[1] }, all.map { $0[2] }.max()!],
          "accumulate")
      }
      let sum = try window.withLock(0, shared: true) {
        try $0.fetchAndAccumulate(zero, .sum, on: 0).small
      }
      report.expectEqual(
        sum, (0..<size).reduce(0) { $0 + sample($1, 0) }, "fetchAndAccumulate reads")
    }
    try world.barrier()
    try window.free()
  }
}

private struct Pair: MPIDatatype, Equatable {
  var a: Int8
  var b: Double
  static let mpiLayout = MPILayout.fields(of: Pair.self, \.a, \.b)
}
