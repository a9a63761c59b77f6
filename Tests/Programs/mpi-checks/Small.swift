import LockstepMPI

/// Groups, comparisons, hints, and what else is small.
func smallChecks() -> [Check] {
  [
    Check("groups.sets") { world, report in
      let size = world.size
      let all = try world.group
      report.expectEqual(all.worldRanks, Array(0..<size), "the world's group")
      report.expectEqual([all.size, all.rank], [size, world.rank], "size and rank")
      let even = try all.including(Array(stride(from: 0, to: size, by: 2)))
      let backwards = try all.including(Array((0..<size).reversed()))
      let odd = try all.excluding(Array(stride(from: 0, to: size, by: 2)))
      report.expectEqual(even.rank, world.rank % 2 == 0 ? world.rank / 2 : nil, "rank in a part")
      // The laws of sets, with MPI's orders.
      report.expectEqual(even.union(odd).size, size, "union")
      report.expectEqual(even.union(odd).worldRanks, even.worldRanks + odd.worldRanks, "order")
      report.expectEqual(even.intersection(odd).size, 0, "intersection")
      report.expectEqual(
        backwards.intersection(even).worldRanks, Array(even.worldRanks.reversed()), "first's order")
      report.expectEqual(all.subtracting(even), odd, "difference")
      report.expectEqual(even.union(even), even, "union with itself")
      report.expectEqual(even.subtracting(even).size, 0, "minus itself")
      report.expectEqual(all.compared(to: backwards), size == 1 ? .identical : .similar, "similar")
      report.expectEqual(
        all.compared(to: even.union(odd)), size < 3 ? .identical : .similar, "parts")
      report.expectEqual(all.compared(to: even), size == 1 ? .identical : .unequal, "unequal")
      report.expectEqual(
        try backwards.translate(Array(0..<size), to: even),
        (0..<size).reversed().map { $0 % 2 == 0 ? $0 / 2 : nil }, "translation")
      report.expectError("MPI_Group_incl", "\(size) is not a rank of this group (0..<\(size))") {
        _ = try all.including([size])
      }
      report.expectError("MPI_Group_incl", "rank 0 is named twice") {
        _ = try all.including([0, 0])
      }
      report.expectError("MPI_Group_excl", "-1 is not a rank") { _ = try all.excluding([-1]) }
      report.expectError("MPI_Group_translate_ranks", "\(size) is not a rank") {
        _ = try all.translate([size], to: even)
      }
    },
    Check("groups.communicators") { world, report in
      let (rank, size) = (world.rank, world.size)
      let all = try world.group
      let backwards = try all.including(Array((0..<size).reversed()))
      let turned = try world.subset(backwards)!
      report.expectEqual(turned.rank, size - 1 - rank, "in the group's order")
      report.expectEqual(try turned.group, backwards, "its group")
      report.expectEqual(
        try turned.allgather(rank), Array((0..<size).reversed()), "and it communicates")
      let copy = try world.duplicate()
      report.expectEqual(try world.compared(to: world), .identical, "itself")
      report.expectEqual(try world.compared(to: copy), .congruent, "a duplicate")
      report.expectEqual(
        try world.compared(to: turned), size == 1 ? .congruent : .similar, "another order")
      // Only the members call; a split's group is known by world ranks.
      let odd = try all.excluding(Array(stride(from: 0, to: size, by: 2)))
      if rank % 2 == 1 {
        let half = try world.subset(odd, tag: 3)!
        report.expectEqual([half.rank, half.size], [rank / 2, size / 2], "half")
        report.expectEqual(try world.compared(to: half), .unequal, "another set")
      } else {
        report.expect(try world.subset(odd, tag: 3) == nil, "no member")
      }
      let half = try world.split(color: rank % 2, key: -rank)!
      report.expectEqual(
        try half.group.worldRanks, (0..<size).filter { $0 % 2 == rank % 2 }.reversed(), "of a split"
      )
      if size > 1 {
        report.expectError("MPI_Comm_create_group", "of the world is not in this communicator") {
          _ = try half.subset(all)
        }
      }
      try copy.free()
      report.expectError("MPI_Comm_compare", "freed") { _ = try world.compared(to: copy) }
      report.expectError("MPI_Comm_group", "freed") { _ = try copy.group }
    },
    Check("small.one-value") { world, report in
      let (right, left) = (
        (world.rank + 1) % world.size, (world.rank + world.size - 1) % world.size
      )
      try world.withRequests { scope in
        try scope.send([Double(world.rank)], to: right, tag: 6)
        let value: Double = try world.receive(from: left, tag: 6)
        report.expectEqual(value, Double(left), "one value")
        try scope.send([1, 2], to: right, tag: 6)
        report.expectError("MPI_Mrecv", "from rank \(left) holds 2 values where one was expected") {
          let _: Int = try world.receive(from: left, tag: 6)
        }
        try scope.send([Int](), to: right, tag: 6)
        report.expectError("MPI_Mrecv", "holds 0 values where one was expected") {
          let _: Int = try world.receive(from: left, tag: 6)
        }
      }
    },
    Check("small.combine") { world, report in
      report.expectEqual(try MPIReduction<Int>.sum.combine([1, 2], [3, 4]), [4, 6], "sum")
      report.expectEqual(
        try MPIReduction<Float>.maximum.combine([1, 9], [3, 4]), [3, 9], "maximum")
      report.expectEqual(
        try MPIReduction<MPIBFloat16>.product.combine([MPIBFloat16(3)], [MPIBFloat16(5)]),
        [MPIBFloat16(15)], "bf16")
      let minus = try MPIReduction<Int>.custom(commutative: false) { $0 - $1 }
      report.expectEqual(try minus.combine([5, 1], [3, 4]), [2, -3], "left ∘ right")
      report.expectEqual(try MPIReduction<Int>.sum.combine([], []), [], "nothing")
      // As the ranks do together.
      let own = (0..<9).map { Double(world.rank * 3 + $0) }
      let all = try world.allgather(own)
      let folded = try (1..<world.size).reduce(Array(all[..<9])) {
        try MPIReduction<Double>.maximum.combine($0, Array(all[9 * $1..<9 * $1 + 9]))
      }
      report.expectEqual(try world.allreduce(own, .maximum), folded, "as allreduce")
      report.expectError("MPI_Reduce_local", "2 values cannot be combined with 1") {
        _ = try MPIReduction<Int>.sum.combine([1, 2], [3])
      }
      _ = try withBuffer([1, 2, 3]) { buffer in
        report.expectError("MPI_Reduce_local", "the two buffers overlap") {
          try MPIReduction<Int>.sum.combine(UnsafeBufferPointer(buffer), into: buffer)
        }
      }
    },
    Check("small.hints") { world, report in
      let copy = try world.duplicate(hints: ["mpi_assert_no_any_source": "true"])
      report.expectEqual(try copy.compared(to: world), .congruent, "a duplicate")
      report.expectEqual(try copy.allreduce(1, .sum), world.size, "that works")
      // A library may keep a hint or not, and change none that it keeps.
      let kept = try copy.hints["mpi_assert_no_any_source"]
      report.expect(kept == nil || kept == "true", "kept as \(kept ?? "")")
      _ = try world.hints
      report.expectError("MPI_Comm_dup_with_info", "a hint's key has 0 bytes; it needs 1 to") {
        _ = try world.duplicate(hints: ["": "true"])
      }
      report.expectError("MPI_Comm_dup_with_info", "a hint's value of 'k' has 100000 bytes") {
        _ = try world.duplicate(hints: ["k": String(repeating: "x", count: 100_000)])
      }
      let other = try world.duplicate(hints: [:])
      report.expectEqual(try other.allreduce(2, .sum), 2 * world.size, "no hints")
    },
    Check("small.raw") { world, report in
      let half = try world.split(color: world.rank % 2)!
      let numbers = try half.withRawCommunicator { fortran, address in
        report.expect(fortran != 0 || MPILibrary.version.contains("MPICH"), "a number: \(fortran)")
        // The handle itself, a pointer or an integer of four bytes; never all zeros.
        let bytes = UnsafeRawBufferPointer(start: address, count: 4)
        report.expect(bytes.contains { $0 != 0 }, "a handle")
        return fortran
      }
      let again = try half.withRawCommunicator { fortran, _ in fortran }
      report.expectEqual(numbers, again, "the same each time")
      report.expect(
        try world.withRawCommunicator { fortran, _ in fortran } != again || world.size == 0,
        "and others have others")
      let copy = try world.duplicate()
      try copy.free()
      report.expectError("MPI_Comm_c2f", "freed") { try copy.withRawCommunicator { _, _ in } }
    },
    Check("small.operations-agree") { world, report in
      let careful = try world.duplicate()
      careful.checksAgreement = true
      report.expectEqual(try careful.allreduce(1, .sum), world.size, "the same operation")
      let product = try MPIReduction<Int>.custom(commutative: true) { $0 * $1 }
      report.expectEqual(try careful.allreduce([1], product), [1], "a user's own")
      guard world.size > 1 else { return }
      let last = world.rank == world.size - 1
      report.expectError(
        "rank \(world.rank): MPI_Allreduce: the ranks do not agree: rank 0 calls MPI_Allreduce with 2 "
          + "values, operation sum, rank \(world.size - 1) calls MPI_Allreduce with 2 values, "
          + "operation maximum"
      ) { _ = try careful.allreduce([1, 2], last ? .maximum : .sum) }
      report.expectError("operation bitwiseAnd, root 0", "operation user-defined, root 0") {
        _ = try careful.reduce([1], last ? product : .bitwiseAnd, root: 0)
      }
      report.expectError("MPI_Reduce_scatter_block with \(world.size) values, operation minimum") {
        _ = try careful.reduceScatter(
          [Int](repeating: 1, count: world.size), last ? .sum : .minimum)
      }
      report.expectError("MPI_Scan with 1 values, operation product") {
        _ = try careful.scan([1], last ? .sum : .product)
      }
      try careful.withRequests { scope in
        report.expectError("MPI_Iallreduce with 1 values, operation product") {
          try scope.allreduce(
            inPlace: scope.pin(MPIBuffer([1])), last ? .sum : .product)
        }
      }
      report.expectError(
        "MPI_Cart_create", "rank \(world.size - 1) calls MPI_Cart_create with other"
      ) {
        _ = try careful.cartesian([1], periodic: [last])
      }
      report.expectEqual(try careful.allreduce(1, .sum), world.size, "and goes on")
    },
    Check("persistent.collectives") { world, report in
      let (rank, size) = (world.rank, world.size)
      let operations = MPIPersistentMessages(on: world)
      let ones = MPIBuffer([Double](repeating: 0, count: 3))
      guard MPILibrary.hasPersistentCollectives else {
        report.expectError("MPI_Allreduce_init", "has no persistent collectives, which came with") {
          try operations.addAllreduce(into: ones.values, .sum, owner: ones)
        }
        report.expectError("MPI_Barrier_init", "start the collective in a scope of requests") {
          try operations.addBarrier()
        }
        return
      }
      let root = size - 1
      let word = MPIBuffer([0, 0])
      let part = MPIBuffer([0])
      let sums = MPIBuffer([0])
      let all = try MPIBuffer(repeating: 0, count: size)
      let out = try MPIBuffer(repeating: Int16(0), count: size)
      let back = try MPIBuffer(repeating: Int16(0), count: size)
      let minus = try MPIReduction<Int>.custom(commutative: true) { $0 + $1 }
      try operations.addBroadcast(word.values, root: root, owner: word)
      try operations.addAllreduce(into: ones.values, .sum, owner: ones)
      try operations.addAllreduce(
        UnsafeBufferPointer(part.values), into: sums.values, minus, owner: sums)
      try operations.addAllgather(
        UnsafeBufferPointer(part.values), into: all.values, owner: all)
      try operations.addAlltoall(UnsafeBufferPointer(out.values), into: back.values, owner: back)
      try operations.addBarrier()
      for round in 1...4 {
        word.values.update(repeating: rank == root ? 10 * round : 0)
        ones.values.update(repeating: Double(round))
        part.values[0] = rank + round
        for peer in 0..<size { out.values[peer] = Int16(100 * rank + 10 * peer + round) }
        try operations.start()
        report.expectError("MPI_Startall", "started and not waited for") { try operations.start() }
        try operations.wait()
        report.expectEqual(word.array, [10 * round, 10 * round], "broadcast")
        report.expectEqual(ones.array, [Double](repeating: Double(round * size), count: 3), "sum")
        report.expectEqual(
          sums.array, [(0..<size).reduce(0) { $0 + $1 + round }], "a user's own")
        report.expectEqual(all.array, (0..<size).map { $0 + round }, "allgather")
        report.expectEqual(
          back.array, (0..<size).map { Int16(100 * $0 + 10 * rank + round) }, "alltoall")
      }
      report.expectError("MPI_Bcast_init", "root \(size) is not a rank") {
        try operations.addBroadcast(word.values, root: size, owner: word)
      }
      report.expectError(
        "MPI_Allgather_init", "the result holds \(size) values and needs \(2 * size)"
      ) {
        try operations.addAllgather(
          UnsafeBufferPointer(word.values), into: all.values, owner: all)
      }
    },
  ]
}
