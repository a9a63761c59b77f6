import LockstepMPI

/// A value of two fields, as the documentation has it.
private struct Particle: MPIDatatype, Equatable {
  var position: Double
  var charge: Int32
  static let mpiLayout = MPILayout.fields(of: Particle.self, \.position, \.charge)
}

/// The short examples of docs/mpi.md.
func documentedChecks() -> [Check] {
  [
    Check("documented") { world, report in
      let matrix = MPIBuffer((0..<12).map { Float($0 + world.rank) })
      let left = (world.rank + world.size - 1) % world.size
      let right = (world.rank + 1) % world.size
      // The last column of a matrix of 3 rows and 4 columns becomes the right neighbour's first.
      let last = try MPISelection<Float>(3, stride: 4, from: 3)
      let first = try MPISelection<Float>(block: [3, 1], at: [0, 0], of: [3, 4])
      try world.withRequests { scope in
        try scope.receive(into: matrix.values, selecting: first, from: left)
        try scope.send(UnsafeBufferPointer(matrix.values), selecting: last, to: right)
      }
      report.expectEqual(
        [0, 4, 8].map { matrix.values[$0] }, [3, 7, 11].map { Float($0 + left) }, "columns")

      let particle = Particle(position: 0.5, charge: Int32(world.rank))
      report.expectEqual(
        try world.allgather(particle)[world.size - 1].charge, Int32(world.size - 1), "")

      let table = try MPIWindow(repeating: 0, count: 10, on: world)
      try table.withFence { epoch in
        try epoch.put([world.rank], to: 0, at: world.rank)
      }
      let ticket = try table.withLock(0) { epoch in
        try epoch.fetchAndAccumulate(1, .sum, on: 0, at: 9)
      }
      try table.free()
      report.expect((0..<world.size).contains(ticket), "ticket \(ticket)")

      let even = try world.group.including(Array(stride(from: 0, to: world.size, by: 2)))
      let half = try world.subset(even)
      let members = try half?.allreduce(1, .sum)
      report.expectEqual(members, even.rank == nil ? nil : even.size, "half the ranks")

      let sums = try MPIBuffer(repeating: 1.0, count: 100)
      let steps = MPIPersistentMessages(on: world)
      if MPILibrary.hasPersistentCollectives {
        try steps.addAllreduce(into: sums.values, .sum, owner: sums)
      }
      for _ in 1...3 {
        try steps.start()
        try steps.wait()
      }
      let power = world.size * world.size * world.size
      report.expectEqual(
        try sums[99], MPILibrary.hasPersistentCollectives ? Double(power) : 1, "three sums")
    }
  ]
}
