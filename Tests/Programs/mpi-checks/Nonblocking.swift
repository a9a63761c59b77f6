import LockstepMPI

/// Every non-blocking collective gives what its blocking form gives.
func nonblockingChecks<T: CheckNumber>(_: T.Type) -> Check {
  Check("nonblocking.\(T.self)") { world, report in
    let (rank, size) = (world.rank, world.size)
    let root = size - 1
    let count = 2 * size
    let own = samples(T.self, rank, 0..<count)
    let counts = (0..<size).map { $0 + 1 }
    let total = counts.reduce(0, +)
    let ragged = samples(T.self, rank, 0..<rank + 1)
    let long = samples(T.self, rank, 0..<total)
    func room(_ count: Int) throws -> MPIBuffer<T> {
      try MPIBuffer(repeating: T(small: 0), count: count)
    }

    let broadcast = MPIBuffer(own)
    let reduced = try room(count), reducedInPlace = MPIBuffer(own)
    let all = try room(count), allInPlace = MPIBuffer(own)
    let block = try room(2), blockInPlace = MPIBuffer(own)
    let scattered = try room(rank + 1), scatteredInPlace = MPIBuffer(long)
    let scan = try room(count), scanInPlace = MPIBuffer(own)
    let exclusive = try room(count), exclusiveInPlace = MPIBuffer(own)
    let gathered = try room(count * size), gatheredRagged = try room(total)
    let part = try room(2), partRagged = try room(rank + 1)
    let everyone = try room(count * size), everyoneRagged = try room(total)
    let exchanged = try room(count), exchangedInPlace = MPIBuffer(own)
    let exchangedRagged = try room(size * (rank + 1))
    let toEach = samples(T.self, rank, 0..<total)

    try world.withRequests { scope in
      try scope.barrier()
      try scope.broadcast(scope.pin(broadcast), root: root)
      let values = try scope.pin(own)
      try scope.reduce(values, into: scope.pin(reduced), .sum, root: root)
      try scope.reduce(inPlace: scope.pin(reducedInPlace), .sum, root: root)
      try scope.allreduce(values, into: scope.pin(all), .maximum)
      try scope.allreduce(inPlace: scope.pin(allInPlace), .maximum)
      try scope.reduceScatter(values, into: scope.pin(block), .sum)
      try scope.reduceScatter(inPlace: scope.pin(blockInPlace), .sum)
      try scope.reduceScatter(scope.pin(long), counts: counts, into: scope.pin(scattered), .sum)
      try scope.reduceScatter(inPlace: scope.pin(scatteredInPlace), counts: counts, .sum)
      try scope.scan(values, into: scope.pin(scan), .sum)
      try scope.scan(inPlace: scope.pin(scanInPlace), .sum)
      try scope.exclusiveScan(values, into: scope.pin(exclusive), .sum)
      try scope.exclusiveScan(inPlace: scope.pin(exclusiveInPlace), .sum)
      try scope.gather(values, into: scope.pin(gathered), root: root)
      try scope.gather(
        scope.pin(ragged), into: scope.pin(gatheredRagged), counts: counts, root: root)
      try scope.scatter(values, into: scope.pin(part), root: root)
      try scope.scatter(scope.pin(long), counts: counts, into: scope.pin(partRagged), root: root)
      try scope.allgather(values, into: scope.pin(everyone))
      try scope.allgather(scope.pin(ragged), into: scope.pin(everyoneRagged), counts: counts)
      try scope.alltoall(values, into: scope.pin(exchanged))
      try scope.alltoall(inPlace: scope.pin(exchangedInPlace))
      // Rank r gets r + 1 values from everyone.
      try scope.alltoall(
        scope.pin(toEach), counts: counts, into: scope.pin(exchangedRagged),
        resultCounts: [Int](repeating: rank + 1, count: size))
    }

    let isRoot = rank == root
    report.expectEqual(broadcast.array, samples(T.self, root, 0..<count), "broadcast")
    if isRoot {
      report.expectEqual(reduced.array, try world.reduce(own, .sum, root: root)!, "reduce")
    } else {
      _ = try world.reduce(own, .sum, root: root)
    }
    report.expectEqual(reducedInPlace.array, isRoot ? reduced.array : own, "reduce in place")
    report.expectEqual(all.array, try world.allreduce(own, .maximum), "allreduce")
    report.expectEqual(allInPlace.array, all.array, "allreduce in place")
    report.expectEqual(block.array, try world.reduceScatter(own, .sum), "reduceScatter")
    report.expectEqual(Array(blockInPlace.array[..<2]), block.array, "reduceScatter in place")
    report.expectEqual(
      scattered.array, try world.reduceScatter(long, counts: counts, .sum), "by counts")
    report.expectEqual(
      Array(scatteredInPlace.array[..<(rank + 1)]), scattered.array, "by counts, in place")
    report.expectEqual(scan.array, try world.scan(own, .sum), "scan")
    report.expectEqual(scanInPlace.array, scan.array, "scan in place")
    if let before = try world.exclusiveScan(own, .sum) {
      report.expectEqual(exclusive.array, before, "exclusive scan")
      report.expectEqual(exclusiveInPlace.array, before, "exclusive scan in place")
    }
    let expectedGather = try world.allgather(own)
    let expectedRagged = try world.allgatherArrays(ragged).flatMap { $0 }
    if isRoot {
      report.expectEqual(gathered.array, expectedGather, "gather")
      report.expectEqual(gatheredRagged.array, expectedRagged, "gather by counts")
    }
    report.expectEqual(
      part.array, samples(T.self, root, 2 * rank..<2 * rank + 2), "scatter")
    let start = counts[..<rank].reduce(0, +)
    report.expectEqual(
      partRagged.array, samples(T.self, root, start..<start + rank + 1), "scatter by counts")
    report.expectEqual(everyone.array, expectedGather, "allgather")
    report.expectEqual(everyoneRagged.array, expectedRagged, "allgather by counts")
    report.expectEqual(exchanged.array, try world.alltoall(own), "alltoall")
    report.expectEqual(exchangedInPlace.array, exchanged.array, "alltoall in place")
    report.expectEqual(
      exchangedRagged.array, (0..<size).flatMap { samples(T.self, $0, start..<start + rank + 1) },
      "alltoall by counts")
  }
}

func specialNonblockingChecks() -> [Check] {
  [
    Check("nonblocking.user") { world, report in
      // The scope keeps the reduction alive after its maker has gone.
      let result = try MPIBuffer(repeating: 0, count: 3)
      try world.withRequests { scope in
        func start() throws {
          let reduction = try MPIReduction<Int>.custom(commutative: true) { $0 + 2 * $1 - $1 }
          try scope.allreduce(
            scope.pin([world.rank, 1, 2]), into: scope.pin(result), reduction)
        }
        try start()
        var others: [MPIReduction<Int>] = []
        for _ in 0..<20 { others.append(try .custom(commutative: true) { _, _ in -1 }) }
        try scope.waitAll()
        report.expectEqual(others.count, 20, "slots were free")
      }
      let size = world.size
      report.expectEqual(result.array, [size * (size - 1) / 2, size, 2 * size], "sum")
    },
    Check("nonblocking.in-place-parts") { world, report in
      let (rank, size) = (world.rank, world.size)
      let root = size / 2
      let counts = (0..<size).map { $0 + 1 }
      let total = counts.reduce(0, +)
      let start = counts[..<rank].reduce(0, +)
      func mine(_ r: Int, _ count: Int) -> [Int32] { (0..<count).map { Int32(100 * r + $0) } }
      var equal = [Int32](repeating: -1, count: 2 * size)
      equal.replaceSubrange(2 * rank..<2 * rank + 2, with: mine(rank, 2))
      var ragged = [Int32](repeating: -1, count: total)
      ragged.replaceSubrange(start..<start + rank + 1, with: mine(rank, rank + 1))
      let isRoot = rank == root
      let wholeEqual = (0..<size).flatMap { mine($0, 2) }
      let wholeRagged = (0..<size).flatMap { mine($0, $0 + 1) }

      let gather = MPIBuffer(isRoot ? equal : mine(rank, 2))
      let gatherRagged = MPIBuffer(isRoot ? ragged : mine(rank, rank + 1))
      let scatter = MPIBuffer(isRoot ? wholeEqual : [0, 0])
      let scatterRagged = MPIBuffer(
        isRoot ? wholeRagged : [Int32](repeating: 0, count: rank + 1))
      let all = MPIBuffer(equal)
      let allRagged = MPIBuffer(ragged)
      let symmetric = (0..<size).map { (rank + $0) % 2 }
      let exchange = MPIBuffer((0..<size).flatMap { mine(rank * 7 + $0, (rank + $0) % 2) })
      try world.withRequests { scope in
        try scope.gather(inPlace: scope.pin(gather), root: root)
        try scope.gather(inPlace: scope.pin(gatherRagged), counts: counts, root: root)
        try scope.scatter(inPlace: scope.pin(scatter), root: root)
        try scope.scatter(inPlace: scope.pin(scatterRagged), counts: counts, root: root)
        try scope.allgather(inPlace: scope.pin(all))
        try scope.allgather(inPlace: scope.pin(allRagged), counts: counts)
        try scope.alltoall(inPlace: scope.pin(exchange), counts: symmetric)
      }
      report.expectEqual(gather.array, isRoot ? wholeEqual : mine(rank, 2), "gather")
      report.expectEqual(
        gatherRagged.array, isRoot ? wholeRagged : mine(rank, rank + 1), "gather by counts")
      report.expectEqual(scatter.array, isRoot ? wholeEqual : mine(rank, 2), "scatter")
      report.expectEqual(
        scatterRagged.array, isRoot ? wholeRagged : mine(rank, rank + 1), "scatter by counts")
      report.expectEqual(all.array, wholeEqual, "allgather")
      report.expectEqual(allRagged.array, wholeRagged, "allgather by counts")
      report.expectEqual(
        exchange.array, (0..<size).flatMap { mine($0 * 7 + rank, (rank + $0) % 2) }, "alltoallv")
    },
  ]
}
