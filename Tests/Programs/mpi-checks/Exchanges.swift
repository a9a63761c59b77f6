import LockstepMPI

/// Broadcast, gather, scatter, allgather, alltoall, with their v and in-place forms.
func exchangeChecks<T: CheckNumber>(_: T.Type) -> Check {
  Check("exchange.\(T.self)") { world, report in
    let (rank, size) = (world.rank, world.size)
    let zero = T(small: 0)
    func part(_ rank: Int, _ count: Int) -> [T] { samples(T.self, rank, 0..<count) }
    let equal = (0..<size).flatMap { part($0, 3) }

    for root in 0..<size {
      var values = rank == root ? part(root, 5) : [T](repeating: zero, count: 5)
      try world.broadcast(&values, root: root)
      report.expectEqual(values, part(root, 5), "broadcast from \(root)")
      report.expectEqual(
        try world.broadcastArray(rank == root ? part(root, 4) : [], root: root), part(root, 4),
        "broadcastArray from \(root)")

      report.expectEqual(
        try world.gather(part(rank, 3), root: root), rank == root ? equal : nil, "gather")
      // In place: the root's part lies in its result already.
      var whole = [T](repeating: zero, count: 3 * size)
      whole.replaceSubrange(3 * rank..<3 * rank + 3, with: part(rank, 3))
      let gathered = try withBuffer(rank == root ? whole : part(rank, 3)) {
        try world.gather(inPlace: $0, root: root)
      }
      report.expectEqual(gathered, rank == root ? equal : part(rank, 3), "gather in place")

      report.expectEqual(
        try world.scatter(rank == root ? equal : nil, count: 3, root: root), part(rank, 3),
        "scatter")
      let scattered = try withBuffer(rank == root ? equal : [T](repeating: zero, count: 3)) {
        try world.scatter(inPlace: $0, root: root)
      }
      report.expectEqual(scattered, rank == root ? equal : part(rank, 3), "scatter in place")

      report.expectEqual(
        try world.gatherArrays(part(rank, rank), root: root),
        rank == root ? (0..<size).map { part($0, $0) } : nil, "gather of 0, 1, 2, … values")
      report.expectEqual(
        try world.scatterArrays(
          rank == root ? (0..<size).map { part($0, $0) } : nil, root: root), part(rank, rank),
        "scatter of 0, 1, 2, … values")
    }

    report.expectEqual(try world.allgather(part(rank, 3)), equal, "allgather")
    var whole = [T](repeating: zero, count: 3 * size)
    whole.replaceSubrange(3 * rank..<3 * rank + 3, with: part(rank, 3))
    report.expectEqual(
      try withBuffer(whole) { try world.allgather(inPlace: $0) }, equal, "allgather in place")
    report.expectEqual(
      try world.allgatherArrays(part(rank, rank)), (0..<size).map { part($0, $0) },
      "allgather of 0, 1, 2, … values")

    // Explicit places, in reverse rank order with a gap of one value between parts.
    let counts = (0..<size).map { $0 + 1 }
    var places = [Int](repeating: 0, count: size)
    var next = 0
    for rank in (0..<size).reversed() {
      places[rank] = next
      next += counts[rank] + 1
    }
    var reversed = [T](repeating: zero, count: next)
    for rank in 0..<size {
      reversed.replaceSubrange(
        places[rank]..<places[rank] + counts[rank], with: part(rank, rank + 1))
    }
    let empty = [T](repeating: zero, count: next)
    let own = part(rank, rank + 1)
    report.expectEqual(
      try withBuffer(empty) { result in
        try own.withUnsafeBufferPointer {
          try world.allgather($0, into: result, counts: counts, displacements: places)
        }
      }, reversed, "allgather to places")
    var mine = empty
    mine.replaceSubrange(places[rank]..<places[rank] + counts[rank], with: own)
    report.expectEqual(
      try withBuffer(mine) {
        try world.allgather(inPlace: $0, counts: counts, displacements: places)
      }, reversed, "allgather to places, in place")
    let root = size - 1
    report.expectEqual(
      try withBuffer(rank == root ? mine : own) {
        try world.gather(inPlace: $0, counts: counts, displacements: places, root: root)
      }, rank == root ? reversed : own, "gather to places, in place")
    report.expectEqual(
      try withBuffer(rank == root ? reversed : [T](repeating: zero, count: rank + 1)) {
        try world.scatter(inPlace: $0, counts: counts, displacements: places, root: root)
      }, rank == root ? reversed : own, "scatter from places, in place")

    // Alltoall: what rank r has for rank s.
    func letter(_ from: Int, _ to: Int, _ count: Int) -> [T] {
      samples(T.self, from + 2 * to, 0..<count)
    }
    let out = (0..<size).flatMap { letter(rank, $0, 2) }
    let back = (0..<size).flatMap { letter($0, rank, 2) }
    report.expectEqual(try world.alltoall(out), back, "alltoall")
    report.expectEqual(
      try withBuffer(out) { try world.alltoall(inPlace: $0) }, back, "alltoall in place")
    report.expectEqual(
      try world.alltoallArrays((0..<size).map { letter(rank, $0, (rank + $0) % 3) }),
      (0..<size).map { letter($0, rank, (rank + $0) % 3) }, "alltoall of unequal parts")
    let symmetric = (0..<size).map { (rank + $0) % 3 }
    report.expectEqual(
      try withBuffer((0..<size).flatMap { letter(rank, $0, symmetric[$0]) }) {
        try world.alltoall(inPlace: $0, counts: symmetric)
      }, (0..<size).flatMap { letter($0, rank, symmetric[$0]) }, "alltoallv in place")
  }
}
