import LockstepMPI

/// Grids of ranks: places, neighbours, collectives among neighbours.
func topologyChecks() -> [Check] {
  [
    Check("topology.dimensions") { world, report in
      let size = world.size
      for count in 1...4 {
        let lengths = try MPICartesian.dimensions(for: size, Array(repeating: nil, count: count))
        report.expectEqual(lengths.reduce(1, *), size, "places of \(lengths)")
        report.expectEqual(lengths, lengths.sorted(by: >), "the longest first")
      }
      report.expectEqual(
        try MPICartesian.dimensions(for: 12, [nil, nil]), [4, 3], "12 on a plane")
      report.expectEqual(
        try MPICartesian.dimensions(for: 12, [nil, 2, nil]), [3, 2, 2], "2 given")
      report.expectEqual(try MPICartesian.dimensions(for: 6, [2, 3]), [2, 3], "all given")
      report.expectError("MPI_Dims_create", "7 ranks do not divide into a grid of 2 × ? ranks") {
        _ = try MPICartesian.dimensions(for: 7, [2, nil])
      }
      report.expectError("MPI_Dims_create", "a grid of 2 × 3 has 6 ranks, not 12") {
        _ = try MPICartesian.dimensions(for: 12, [2, 3])
      }
      report.expectError("MPI_Dims_create", "into a grid of -2 × ? ranks") {
        _ = try MPICartesian.dimensions(for: 4, [-2, nil])
      }
      report.expectError("MPI_Dims_create", "0 ranks on a grid of 1 dimensions") {
        _ = try MPICartesian.dimensions(for: 0, [nil])
      }
    },
    Check("topology.places") { world, report in
      try onGrids(of: world) { grid in
        let size = grid.communicator.size
        report.expectEqual(grid.dimensions.reduce(1, *), size, "as many places as ranks")
        for rank in 0..<size {
          let place = try grid.coordinates(of: rank)
          report.expectEqual(place, coordinates(of: rank, on: grid.dimensions), "row-major")
          report.expectEqual(try grid.rank(at: place), rank, "the rank at \(place)")
        }
        report.expectEqual(
          grid.coordinates, coordinates(of: grid.communicator.rank, on: grid.dimensions),
          "own place")
        for dimension in grid.dimensions.indices {
          for distance in [0, 1, -1, 2, -3, 7, .max, .min + 1] {
            let (source, destination) = try grid.shift(along: dimension, by: distance)
            report.expectEqual(
              source, neighbor(of: grid, dimension, 0 &- distance),
              "from \(distance) before along \(dimension) of \(grid.dimensions)")
            report.expectEqual(
              destination, neighbor(of: grid, dimension, distance), "to \(distance) behind")
          }
          let (below, above) = try grid.shift(along: dimension)
          report.expectEqual(
            Array(grid.neighbors[2 * dimension..<2 * dimension + 2]), [below, above], "neighbors")
        }
      }
    },
    Check("topology.sendReceive") { world, report in
      try onGrids(of: world) { grid in
        let own = grid.communicator.rank
        for dimension in grid.dimensions.indices {
          for distance in [1, -1, 2, 0] {
            let before = neighbor(of: grid, dimension, -distance)
            report.expectEqual(
              try grid.sendReceive([own, 100 + own], along: dimension, by: distance),
              before.map { [$0, 100 + $0] }, "a message by \(distance) along \(dimension)")
            let result = try withBuffer([-1, -1, -1]) { result in
              try [own].withUnsafeBufferPointer { values in
                let status = try grid.sendReceive(
                  values, into: result, along: dimension, by: distance)
                report.expectEqual(status?.source, before, "who sent")
                report.expectEqual(
                  status.flatMap { $0.count(of: Int.self) }, before == nil ? nil : 1, "how many")
              }
            }
            report.expectEqual(result, [before ?? -1, -1, -1], "as it was where nobody sends")
          }
        }
      }
    },
    Check("topology.collectives") { world, report in
      try onGrids(of: world) { grid in
        let own = grid.communicator.rank
        let slots = grid.neighbors.count
        // What rank r sends to the neighbour of slot k. What comes from a lower neighbour is what that
        // one sent to its higher one, and the reverse.
        func letter(_ rank: Int, _ slot: Int) -> [Int] { [1000 * rank + slot, -rank] }
        func other(_ slot: Int) -> Int { slot ^ 1 }

        let gathered = try withBuffer([Int](repeating: 7, count: 2 * slots)) { result in
          try [own, own + 50].withUnsafeBufferPointer {
            try grid.neighborAllgather($0, into: result)
          }
        }
        report.expectEqual(
          gathered, grid.neighbors.flatMap { $0.map { [$0, $0 + 50] } ?? [7, 7] }, "allgather")
        let exchanged = try withBuffer([Int](repeating: 7, count: 2 * slots)) { result in
          try (0..<slots).flatMap { letter(own, $0) }.withUnsafeBufferPointer {
            try grid.neighborAlltoall($0, into: result)
          }
        }
        report.expectEqual(
          exchanged,
          grid.neighbors.enumerated().flatMap { slot, rank in
            rank.map { letter($0, other(slot)) } ?? [7, 7]
          }, "alltoall on \(grid.dimensions), \(grid.isPeriodic)")

        report.expectEqual(
          try grid.neighborAllgather(samples(Float.self, own, 0..<own)),
          grid.neighbors.map { $0.map { samples(Float.self, $0, 0..<$0) } }, "of any length")
        func long(_ rank: Int, _ slot: Int) -> [Int32] {
          (0..<(rank + slot) % 4).map { Int32(100 * rank + 10 * slot + $0) }
        }
        report.expectEqual(
          try grid.neighborAlltoall((0..<slots).map { long(own, $0) }),
          grid.neighbors.enumerated().map { slot, rank in rank.map { long($0, other(slot)) } },
          "alltoall of any lengths")
        report.expectEqual(
          try grid.neighborAllgather([Double]()), grid.neighbors.map { $0.map { _ in [] } }, "none")
      }
    },
    Check("topology.subgrids") { world, report in
      try onGrids(of: world) { grid in
        let count = grid.dimensions.count
        for mask in 0..<(1 << count) {
          let kept = (0..<count).map { mask >> $0 & 1 == 1 }
          let part = try grid.subgrid(keeping: kept)
          func those<T>(_ values: [T]) -> [T] {
            values.indices.filter { kept[$0] }.map { values[$0] }
          }
          report.expectEqual(part.dimensions, those(grid.dimensions), "lengths")
          report.expectEqual(part.isPeriodic, those(grid.isPeriodic), "rings")
          report.expectEqual(part.coordinates, those(grid.coordinates), "place")
          report.expectEqual(part.communicator.size, part.dimensions.reduce(1, *), "size")
          let fixed = try part.communicator.allgatherArrays(
            grid.coordinates.indices.filter { !kept[$0] }.map { grid.coordinates[$0] })
          report.expect(fixed.allSatisfy { $0 == fixed[0] }, "the other coordinates are equal")
          report.expectEqual(
            try part.rank(at: part.coordinates), part.communicator.rank, "own rank")
        }
      }
    },
    Check("topology.refusals") { world, report in
      let size = world.size
      report.expectError("MPI_Cart_create", "a grid of \(size + 1) × 1 ranks", "at most \(size)") {
        _ = try world.cartesian([size + 1, 1], periodic: [true, true])
      }
      report.expectError("MPI_Cart_create", "a grid of 0 ranks needs lengths of 1 or more") {
        _ = try world.cartesian([0], periodic: [true])
      }
      report.expectError("MPI_Cart_create", "1 lengths and 2 values of 'periodic'") {
        _ = try world.cartesian([1], periodic: [true, false])
      }
      report.expectError("MPI_Cart_create", "0 lengths and 0 values") {
        _ = try world.cartesian([], periodic: [])
      }
      // Whoever finds no place gets no grid.
      let alone = try world.cartesian([1], periodic: [false])
      report.expectEqual(alone == nil, world.rank > 0, "one place")
      let grid = try world.cartesian([size], periodic: [false], reorder: true)!
      report.expectError("MPI_Cart_rank", "2 coordinates were given for 1 dimensions") {
        _ = try grid.rank(at: [0, 0])
      }
      report.expectEqual(try grid.rank(at: [size]), nil, "outside")
      report.expectEqual(try grid.rank(at: [-1]), nil, "outside")
      report.expectError("MPI_Cart_coords", "rank \(size) is not a rank") {
        _ = try grid.coordinates(of: size)
      }
      report.expectError("MPI_Cart_shift", "dimension 1 is not one of this grid (0..<1)") {
        _ = try grid.shift(along: 1)
      }
      report.expectError("MPI_Cart_shift", "dimension -1 is not one") {
        _ = try grid.sendReceive([1], along: -1)
      }
      report.expectError("MPI_Cart_sub", "0 choices were given for 1 dimensions") {
        _ = try grid.subgrid(keeping: [])
      }
      report.expectError("MPI_Neighbor_alltoallv", "1 arrays were given for 2 neighbors") {
        _ = try grid.neighborAlltoall([[1]])
      }
      _ = try withBuffer([1, 2, 3]) { buffer in
        report.expectError("MPI_Neighbor_allgather", "the result holds 3 values and needs 2") {
          try [1].withUnsafeBufferPointer { try grid.neighborAllgather($0, into: buffer) }
        }
        report.expectError("MPI_Neighbor_alltoall", "3 values, which do not divide among 2") {
          try grid.neighborAlltoall(UnsafeBufferPointer(buffer), into: buffer)
        }
        report.expectError("MPI_Sendrecv", "overlap") {
          try grid.sendReceive(UnsafeBufferPointer(buffer), into: buffer, along: 0)
        }
      }
      let copy = try world.cartesian([size], periodic: [false])!
      try copy.communicator.free()
      report.expectError("MPI_Cart_shift", "freed") { _ = try copy.shift(along: 0) }
      report.expectError("MPI_Neighbor_alltoall", "freed") { _ = try copy.neighborAllgather([1]) }
    },
  ]
}

/// Calls `body` with grids of one, two and three dimensions, rings or not, and one that some ranks are
/// not on.
private func onGrids(
  of world: MPICommunicator, _ body: (MPICartesian) throws -> Void
) throws {
  for periodic in [[true, true, true], [false, false, false], [true, false, true]] {
    for count in 1...3 {
      let lengths = try MPICartesian.dimensions(
        for: world.size, Array(repeating: nil, count: count))
      if let grid = try world.cartesian(lengths, periodic: Array(periodic[..<count])) {
        try body(grid)
      }
      if let grid = try world.cartesian(lengths.reversed(), periodic: Array(periodic[..<count])) {
        try body(grid)
      }
    }
    if let grid = try world.cartesian([max(world.size - 1, 1)], periodic: [periodic[0]]) {
      try body(grid)
    }
  }
}

/// A rank's place in row-major order.
private func coordinates(of rank: Int, on dimensions: [Int]) -> [Int] {
  var rest = rank
  return dimensions.reversed().map { length in
    defer { rest /= length }
    return rest % length
  }.reversed()
}

/// The rank that lies `distance` places on from this one, by arithmetic.
private func neighbor(of grid: MPICartesian, _ dimension: Int, _ distance: Int) -> Int? {
  var place = grid.coordinates
  let length = grid.dimensions[dimension]
  if grid.isPeriodic[dimension] {
    place[dimension] = ((place[dimension] + distance % length) % length + length) % length
  } else {
    let (there, overflow) = place[dimension].addingReportingOverflow(distance)
    guard !overflow, (0..<length).contains(there) else { return nil }
    place[dimension] = there
  }
  return zip(place, grid.dimensions).reduce(0) { $0 * $1.1 + $1.0 }
}
