import LockstepMPI

/// Communicators, empty and long messages, windows, the library itself.
func groupChecks() -> [Check] {
  [
    Check("communicators") { world, report in
      let (rank, size) = (world.rank, world.size)
      report.expect(rank >= 0 && rank < size, "rank \(rank) of \(size)")
      let copy = try world.duplicate()
      report.expectEqual([copy.rank, copy.size], [rank, size], "duplicate")
      // Messages of the duplicate do not mix with the world's.
      try copy.withRequests { scope in
        try scope.send([1], to: rank, tag: 0)
        report.expect(try world.probeNow(from: rank) == nil, "the world sees nothing")
        report.expectEqual(try copy.receive(Int.self, from: rank), [1], "the duplicate does")
      }
      try copy.free()
      report.expectError("MPI_Barrier", "the communicator was freed") { try copy.barrier() }
      report.expectError("MPI_Comm_free", "cannot be freed") { try world.free() }

      // Odd and even ranks, in reverse order.
      let half = try world.split(color: rank % 2, key: -rank)!
      let members = (0..<size).filter { $0 % 2 == rank % 2 }.reversed()
      report.expectEqual(try half.allgather(rank), Array(members), "split by color and key")
      report.expectEqual(half.rank, Array(members).firstIndex(of: rank)!, "rank in the half")
      report.expectEqual(
        try half.allreduce(rank, .sum), members.reduce(0, +), "reduction within a half")

      let others = try world.split(color: rank == 0 ? nil : 0)
      report.expectEqual(others?.size, rank == 0 ? nil : size - 1, "rank 0 stays outside")
      if let others {
        report.expectEqual(
          try others.broadcast(rank, root: others.size - 1), size - 1, "root is a rank of the group"
        )
      }
      let node = try world.splitBySharedMemory()
      report.expectEqual([node.rank, node.size], [rank, size], "one node")
      // Many communicators, one after the other: handles are given back.
      for _ in 0..<200 { _ = try world.duplicate() }
    },
    Check("sub-communicators") { world, report in
      // Whole checks on two groups at once, whose ranks are not the world's.
      let half = try world.split(color: world.rank % 2, key: -world.rank)!
      let inner =
        reductionChecks(Double.self) + [
          exchangeChecks(Int16.self), messageChecks(Float.self), nonblockingChecks(Int64.self),
        ]
      for check in inner { try check.body(half, report) }
      let window = try MPISharedWindow(bytes: 8, on: half)
      try window.own.storeBytes(of: world.rank, as: Int.self)
      try window.fence()
      report.expectEqual(
        try window.segments.map { $0.load(as: Int.self) }, try half.allgather(world.rank),
        "windows of the two groups")
      try window.fence()
      try window.free()
    },
    Check("zero-length") { world, report in
      let (rank, size) = (world.rank, world.size)
      let none: [Float] = []
      report.expectEqual(try world.allreduce(none, .sum), none, "allreduce")
      report.expectEqual(try world.reduce(none, .sum, root: 0), rank == 0 ? none : nil, "reduce")
      report.expectEqual(try world.scan(none, .sum), none, "scan")
      report.expectEqual(try world.allgather(none), none, "allgather")
      report.expectEqual(try world.gather(none, root: 0), rank == 0 ? none : nil, "gather")
      report.expectEqual(
        try world.scatter(rank == 0 ? none : nil, count: 0, root: 0), none, "scatter")
      report.expectEqual(try world.alltoall(none), none, "alltoall")
      report.expectEqual(try world.reduceScatter(none, .sum), none, "reduceScatter")
      report.expectEqual(
        try world.reduceScatter(none, counts: [Int](repeating: 0, count: size), .sum), none,
        "reduceScatter by counts")
      report.expectEqual(
        try world.allgatherArrays(none), [[Float]](repeating: none, count: size), "allgatherv")
      report.expectEqual(
        try world.alltoallArrays([[Float]](repeating: none, count: size)),
        [[Float]](repeating: none, count: size), "alltoallv")
      var values = none
      try world.broadcast(&values, root: size - 1)
      let right = (rank + 1) % size
      let left = (rank + size - 1) % size
      report.expectEqual(
        try world.sendReceive(none, to: right, count: 0, from: left), none, "sendReceive")
      try world.withRequests { scope in
        try scope.send(none, to: right, tag: 2)
        report.expectEqual(try world.receive(Float.self, from: left, tag: 2), none, "message")
        try scope.allreduce(
          scope.pin(none), into: scope.pin(MPIBuffer(none)), .sum)
        try scope.allgather(scope.pin(none), into: scope.pin(MPIBuffer(none)))
      }
    },
    Check("large-counts") { world, report in
      let (rank, size) = (world.rank, world.size)
      let short = try world.duplicate()
      short.largestCount = 7
      let own = (0..<40).map { Int32(1000 * rank + $0) }
      let total = own.indices.map { index in
        (0..<size).reduce(Int32(0)) { $0 + Int32(1000 * $1 + index) }
      }
      report.expectEqual(try short.allreduce(own, .sum), total, "allreduce in pieces")
      report.expectEqual(
        try short.reduce(own, .sum, root: 0), rank == 0 ? total : nil, "reduce in pieces")
      report.expectEqual(
        try withBuffer(own) { try short.allreduce(inPlace: $0, .sum) }, total, "in place")
      report.expectEqual(try short.scan(own, .sum), try world.scan(own, .sum), "scan in pieces")
      // 40 = 5·7 + 5 values, 42 = 6·7 values, 14 = 2·7.
      for count in [40, 42, 14, 8] {
        let part = (0..<count).map { Int32(1000 * rank + $0) }
        let all = (0..<size).flatMap { rank in (0..<count).map { Int32(1000 * rank + $0) } }
        report.expectEqual(try short.allgather(part), all, "allgather of \(count)")
        report.expectEqual(try short.gather(part, root: 0), rank == 0 ? all : nil, "gather")
        report.expectEqual(
          try short.scatter(rank == 0 ? all : nil, count: count, root: 0), part, "scatter")
        report.expectEqual(
          try short.broadcastArray(part, root: 0), Array(all[..<count]), "broadcast")
        report.expectEqual(
          try short.alltoall((0..<size).flatMap { _ in part }), all, "alltoall of \(count)")
        let right = (rank + 1) % size
        let left = (rank + size - 1) % size
        report.expectEqual(
          try short.sendReceive(part, to: right, count: count + 1, from: left),
          (0..<count).map { Int32(1000 * left + $0) }, "message of \(count)")
        let pairs = try part.map { try MPIIndexed(Double($0), index: Int($0) % 5) }
        report.expectEqual(
          try short.sendReceive(pairs, to: right, count: count, from: left),
          try (0..<count).map {
            try MPIIndexed(Double(1000 * left + $0), index: (1000 * left + $0) % 5)
          },
          "padded values")
      }
      report.expectError("MPI_Send", "more than 7², the most one call takes") {
        try short.send([Int8](repeating: 0, count: 60), to: rank)
      }
      report.expectError("MPI_Allgatherv", "8 values are more than 7") {
        _ = try withBuffer([Int8](repeating: 0, count: 8 * size)) {
          try short.allgather(inPlace: $0, counts: [Int](repeating: 8, count: size))
        }
      }
      try short.withRequests { scope in
        report.expectError("MPI_Iallreduce", "40 values are more than 7") {
          try scope.allreduce(scope.pin(own), into: scope.pin(MPIBuffer(own)), .sum)
        }
      }
    },
    Check("library") { world, report in
      report.expect(MPILibrary.isReady, "the library is ready")
      report.expect(MPILibrary.standardVersion.major >= 3, "MPI \(MPILibrary.standardVersion)")
      report.expect(!MPILibrary.version.isEmpty, "the library's version")
      report.expect(!(try MPILibrary.processorName()).isEmpty, "the processor's name")
      report.expect(try MPILibrary.threadLevel() >= .funneled, "the thread level")
      report.expect(try MPILibrary.isMainThread(), "the main thread")
      report.expect(try MPILibrary.largestTag() >= 32767, "the largest tag")
      let start = try MPILibrary.wallTime()
      while try MPILibrary.wallTime() == start {}
      let resolution = try MPILibrary.wallTimeResolution()
      report.expect(resolution > 0 && resolution < 0.1, "resolution \(resolution)")
      report.expectError("MPI_Init_thread", "initialised already") { _ = try MPISession() }
    },
    Check("window") { world, report in
      let (rank, size) = (world.rank, world.size)
      let free = SharedMemorySpace.freeBytes()
      report.expect((free ?? 0) > 0, "space in \(SharedMemorySpace.directory)")
      for round in 1...3 {
        // A different, odd size on each rank, and none on the last but one.
        func bytes(_ rank: Int) -> Int { rank == size - 2 ? 0 : 1000 * round + 7 * rank + 1 }
        let window = try MPISharedWindow(bytes: bytes(rank), on: world)
        report.expectEqual(try window.segments.map(\.count), (0..<size).map(bytes), "sizes")
        for segment in try window.segments {
          report.expect(Int(bitPattern: segment.baseAddress) % 64 == 0, "aligned")
        }
        report.expect(try window.own.allSatisfy { $0 == 0 }, "zero at first")
        try window.fence()
        let own = try window.own
        for index in own.indices {
          own[index] = UInt8(truncatingIfNeeded: rank + index)
        }
        try window.fence()
        for peer in 0..<size {
          let segment = try window.segments[peer]
          report.expect(
            segment.indices.allSatisfy { segment[$0] == UInt8(truncatingIfNeeded: peer + $0) },
            "rank \(peer)'s segment, read by rank \(rank)")
        }
        try window.fence()
        // And a peer's segment can be written.
        let right = try window.segments[(rank + 1) % size]
        if !right.isEmpty { right[0] = UInt8(200 + rank) }
        try window.fence()
        if !own.isEmpty {
          report.expectEqual(own[0], UInt8(200 + (rank + size - 1) % size), "written")
        }
        try window.free()
        report.expectError("MPI_Win_sync", "the window was freed") { try window.synchronize() }
        report.expectError("MPI_Win_shared_query", "the window was freed") { _ = try window.own }
      }
      report.expectError("MPI_Win_allocate_shared", "bytes, more than the") {
        _ = try MPISharedWindow(bytes: .max, on: world)
      }
      report.expectError("MPISharedCounter", "a counter lies at a multiple of 8") {
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
        defer { bytes.deallocate() }
        _ = try MPISharedCounter(at: bytes + 4)
      }
    },
    Check("window.claims") { world, report in
      // Of all ranks that want a number one gets it, each time.
      let window = try MPISharedWindow(bytes: 64, on: world)
      let number = try MPISharedCounter(at: window.segments[0].baseAddress!)
      var won = 0
      for round in 1...40 {
        let seen = UInt64(round - 1)
        try world.barrier()
        if number.replace(seen, with: UInt64(round)) { won += 1 }
        report.expect(!number.replace(seen, with: 0), "round \(round): what was seen is gone")
        report.expectEqual(number.value, UInt64(round), "round \(round)")
      }
      let all = try world.allgather(won)
      report.expectEqual(all.reduce(0, +), 40, "every number was taken once")
      try window.fence()
      try window.free()
    },
    Check("window.counters") { world, report in
      // A value is handed around the ring, in plain memory behind a counter.
      let (rank, size) = (world.rank, world.size)
      let window = try MPISharedWindow(bytes: 128, on: world)
      let counters = try window.segments.map { try MPISharedCounter(at: $0.baseAddress!) }
      let values = try window.segments.map { $0.baseAddress! + 64 }
      report.expect(
        !counters[rank].wait(atLeast: 1, spins: 3) { true }, "nobody has come: given up")
      try world.barrier()
      let left = (rank + size - 1) % size
      for round in 1...200 {
        if rank > 0 || round > 1 {
          let turn = UInt64(rank > 0 ? round : round - 1)
          _ = counters[left].wait(atLeast: turn, spins: 0) { false }
        }
        let before = rank == 0 && round == 1 ? 0 : values[left].load(as: Int.self)
        report.expectEqual(before, (round - 1) * size + rank, "round \(round)")
        values[rank].storeBytes(of: before + 1, as: Int.self)
        counters[rank].advance(to: UInt64(round))
      }
      _ = counters[size - 1].wait(atLeast: 200) { false }
      report.expectEqual(values[size - 1].load(as: Int.self), 200 * size, "the last value")
      try window.fence()
      try window.free()
    },
    Check("window.space") { world, report in
      // Too little space on one rank: all ranks get the same error, and can go on.
      let limit = world.rank == world.size - 1 ? 4096 : nil
      report.expectError(
        "rank \(world.rank): MPI_Win_allocate_shared", "4096 are free in /dev/shm"
      ) { _ = try MPISharedWindow(bytes: 100_000, on: world, spaceLimit: limit) }
      report.expectError("MPI_Win_allocate_shared", "are free in") {
        _ = try MPISharedWindow(bytes: 1 << 50, on: world)
      }
      report.expectError("MPI_Win_allocate_shared", "rank 0 asks for -5 bytes") {
        _ = try MPISharedWindow(bytes: world.rank == 0 ? -5 : 8, on: world)
      }
      try world.barrier()
    },
  ]
}
