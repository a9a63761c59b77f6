import LockstepMPI

/// Messages of some values of a buffer, and of values of several fields.
func layoutChecks() -> [Check] {
  [selectionCheck(Float.self), selectionCheck(Int8.self), selectionCheck(MPIBFloat16.self)] + [
    Check("layout.blocks") { world, report in
      // A block of three dimensions goes to another place of a larger array.
      let (rank, size) = (world.rank, world.size)
      let (right, left) = ((rank + 1) % size, (rank + size - 1) % size)
      let from = try MPISelection<Int32>(block: [2, 1, 3], at: [1, 2, 0], of: [3, 4, 3])
      let to = try MPISelection<Int32>(block: [1, 3, 2], at: [0, 1, 2], of: [2, 4, 5])
      report.expectEqual([from.count, to.count], [6, 6], "counts")
      report.expectEqual([from.reach, to.reach], [2 * 12 + 2 * 3 + 3, 3 * 5 + 4], "reaches")
      func field(_ rank: Int) -> [Int32] { (0..<36).map { Int32(100 * rank + $0) } }
      let incoming = try MPIBuffer(repeating: Int32(-1), count: 40)
      try world.withRequests { scope in
        try scope.receive(into: incoming.values, selecting: to, from: left)
        try scope.send(scope.pin(field(rank)), selecting: from, to: right)
      }
      var expected = [Int32](repeating: -1, count: 40)
      let sent = [18, 19, 20, 30, 31, 32].map { field(left)[$0] }
      for (place, value) in zip([7, 8, 12, 13, 17, 18], sent) { expected[place] = value }
      report.expectEqual(incoming.array, expected, "from block to block")

      // Again and again, by persistent messages.
      let outgoing = MPIBuffer(field(rank))
      let messages = MPIPersistentMessages(on: world)
      try messages.addReceive(
        into: incoming.values, selecting: to, from: left, owner: incoming)
      try messages.addSend(
        UnsafeBufferPointer(outgoing.values), selecting: from, to: right, owner: outgoing)
      for round in 1...3 {
        for index in outgoing.values.indices { outgoing.values[index] += 1 }
        try messages.start()
        try messages.wait()
        report.expectEqual(try incoming[7], sent[0] + Int32(round), "round \(round)")
      }
    },
    Check("layout.selections-end") { world, report in
      // Types are given back; one that is pending outlives its selection.
      let (right, left) = (
        (world.rank + 1) % world.size, (world.rank + world.size - 1) % world.size
      )
      for _ in 0..<200 { _ = try MPISelection<Double>(3, stride: 5) }
      let incoming = try MPIBuffer(repeating: 0.0, count: 3)
      let values = MPIBuffer((0..<11).map { Double(world.rank * 100 + $0) })
      try world.withRequests { scope in
        try scope.receive(into: incoming, from: left)
        try scope.send(
          UnsafeBufferPointer(values.values), selecting: MPISelection(3, stride: 5), to: right,
          synchronous: true)
      }
      report.expectEqual(incoming.array, [0, 5, 10].map { Double(left * 100 + $0) }, "every fifth")
    },
    Check("layout.fields") { world, report in
      let (rank, size) = (world.rank, world.size)
      let (right, left) = ((rank + 1) % size, (rank + size - 1) % size)
      func particles(_ rank: Int) -> [Particle] {
        (0..<5).map { Particle(small: rank + $0) }
      }
      report.expectEqual(
        try world.sendReceive(particles(rank), to: right, count: 9, from: left), particles(left),
        "messages")
      try world.withRequests { scope in
        try scope.send(particles(rank), to: right, tag: 4)
        let status = try world.probe(from: left, tag: 4)
        report.expectEqual(status.count(of: Particle.self), 5, "values of 26 bytes, not 40")
        report.expectEqual(status.count(of: UInt8.self), 5 * 26, "no padding travels")
        _ = try world.receive(Particle.self, from: left, tag: 4)
      }
      report.expectEqual(
        try world.allgather(particles(rank)), (0..<size).flatMap(particles), "allgather")
      report.expectEqual(
        try world.broadcastArray(particles(rank), root: size - 1), particles(size - 1), "broadcast")
      let heaviest = try MPIReduction<Particle>.custom(commutative: true) {
        $0.mass > $1.mass ? $0 : $1
      }
      report.expectEqual(
        try world.allreduce(particles(rank), heaviest), particles(size - 1), "a reduction")
      // Some of them, by a selection.
      let odd = try MPISelection<Particle>(2, stride: 2, from: 1)
      let sent = MPIBuffer(particles(rank))
      try world.withRequests { scope in
        try scope.send(UnsafeBufferPointer(sent.values), selecting: odd, to: right)
        report.expectEqual(
          try world.receive(Particle.self, from: left), [1, 3].map { particles(left)[$0] },
          "selected")
      }
      // More than MPI counts at once.
      let short = try world.duplicate()
      short.largestCount = 2
      report.expectEqual(
        try short.sendReceive(particles(rank), to: right, count: 5, from: left), particles(left),
        "long")
    },
    Check("layout.refusals") { world, report in
      typealias Values = MPISelection<Float>
      report.expectError("MPI_Type_vector", "-1 runs of 1 values from index 0: none may be") {
        _ = try Values(-1, stride: 2)
      }
      report.expectError("MPI_Type_vector", "runs of 3 values overlap at a stride of 2") {
        _ = try Values(4, of: 3, stride: 2)
      }
      report.expectError("MPI_Type_vector", "reaches further than memory") {
        _ = try Values(5, stride: .max)
      }
      report.expectError("MPI_Type_vector", "reaches further than memory") {
        _ = try Values(1, stride: 1, from: .max)
      }
      report.expectError("MPI_Type_vector", "4294967296 is more than 2147483647") {
        _ = try Values(1 << 32, stride: 1)
      }
      report.expectError("MPI_Type_create_subarray", "a block of 1 lengths at 2 indices", "of 2") {
        _ = try Values(block: [1], at: [0, 0], of: [2, 2])
      }
      report.expectError(
        "MPI_Type_create_subarray", "along dimension 1 the block has 2 values from index 3",
        "the array has 4"
      ) { _ = try Values(block: [1, 2], at: [0, 3], of: [4, 4]) }
      report.expectError("MPI_Type_create_subarray", "is more than memory can hold") {
        _ = try Values(block: [1, 1, 1], at: [0, 0, 0], of: [.max, .max, 2])
      }
      let column = try Values(3, stride: 4, from: 3)
      _ = try withBuffer([Float](repeating: 0, count: 11)) { buffer in
        let words = "the selection needs a buffer of 12 values, and it holds 11"
        report.expectError("MPI_Send", words) {
          try world.send(UnsafeBufferPointer(buffer), selecting: column, to: world.rank)
        }
        report.expectError("MPI_Recv", words) {
          try world.receive(into: buffer, selecting: column, from: world.rank)
        }
        try world.withRequests { scope in
          report.expectError("MPI_Isend", words) {
            try scope.send(UnsafeBufferPointer(buffer), selecting: column, to: world.rank)
          }
          report.expectError("MPI_Irecv", words) {
            try scope.receive(into: buffer, selecting: column, from: world.rank)
          }
        }
      }
      // A message of more values than are selected touches nothing.
      let guarded = MPIBuffer([Float](repeating: 7, count: 12))
      try world.withRequests { scope in
        try scope.send([Float](repeating: 1, count: 4), to: world.rank)
        report.expectError("MPI_Recv", "truncated") {
          try world.receive(into: guarded.values, selecting: column, from: world.rank)
        }
      }
      report.expectEqual(guarded.array, [Float](repeating: 7, count: 12), "untouched")

      report.expectError(
        "MPI_Type_create_struct", "Forgetful has 3 stored properties, and 2 are named"
      ) {
        _ = try world.broadcast(Forgetful(a: 1, b: 2, c: 3), root: 0)
      }
      report.expectError("MPI_Type_create_struct", "field 1 of Computing is no stored property") {
        _ = try world.broadcast(Computing(a: 1), root: 0)
      }
      report.expectError(
        "MPI_Type_create_struct", "field 1 of Twice lies at byte 0, and the one before it ends at"
      ) {
        _ = try world.broadcast(Twice(a: 1, b: 2), root: 0)
      }
    },
  ]
}

/// Columns of a matrix, at each other's places.
private func selectionCheck<T: CheckNumber>(_: T.Type) -> Check {
  Check("layout.columns.\(T.self)") { world, report in
    let (rank, size) = (world.rank, world.size)
    let (right, left) = ((rank + 1) % size, (rank + size - 1) % size)
    let (rows, columns) = (5, 7)
    for (width, column) in [(1, 0), (1, 6), (3, 2), (7, 0), (0, 3)] {
      let part = try MPISelection<T>(rows, of: width, stride: columns, from: column)
      report.expectEqual(part.count, rows * width, "count")
      report.expectEqual(
        part.reach, width == 0 ? 0 : (rows - 1) * columns + column + width, "reach")
      let same = try MPISelection<T>(
        block: [rows, width], at: [0, column], of: [rows, columns])
      report.expectEqual([same.count, same.reach], [part.count, part.reach], "as a block")
      let selected = (0..<rows).flatMap { row in (0..<width).map { row * columns + column + $0 } }
      let own = MPIBuffer(samples(T.self, rank, 0..<rows * columns))
      let theirs = samples(T.self, left, 0..<rows * columns)
      try world.withRequests { scope in
        try scope.send(UnsafeBufferPointer(own.values), selecting: part, to: right, tag: 1)
        // One behind the other.
        report.expectEqual(
          try world.receive(T.self, from: left, tag: 1), selected.map { theirs[$0] }, "packed")
        try scope.send(UnsafeBufferPointer(own.values), selecting: same, to: right, tag: 2)
        let result = try withBuffer([T](repeating: T(small: 0), count: rows * columns)) {
          let status = try world.receive(into: $0, selecting: part, from: left, tag: 2)
          report.expectEqual(status.count(of: T.self), selected.count, "how many")
        }
        for index in result.indices {
          report.expectEqual(
            result[index], selected.contains(index) ? theirs[index] : T(small: 0), "at \(index)")
        }
        // Fewer than are selected fill the first places.
        guard width > 0 else { return }
        try scope.send([T(small: 3)], to: right, tag: 3)
        let few = try withBuffer([T](repeating: T(small: 0), count: rows * columns)) {
          try world.receive(into: $0, selecting: part, from: left, tag: 3)
        }
        report.expectEqual(few.indices.filter { few[$0] == T(small: 3) }, [column], "one value")
      }
    }
  }
}

/// A value with padding in the middle and a value of several fields in it.
private struct Particle: MPIDatatype, Equatable {
  var kind: UInt8
  var mass: Double
  var place: Place
  var isHot: Bool

  struct Place: MPIDatatype, Equatable {
    var x: Double
    var y: Int32
    var z: Float
    static let mpiLayout = MPILayout.fields(of: Place.self, \.x, \.y, \.z)
  }
  static let mpiLayout = MPILayout.fields(
    of: Particle.self, \.kind, \.mass, \.place, \.isHot)

  init(small: Int) {
    kind = UInt8(small)
    mass = Double(small) / 3
    place = Place(x: -Double(small), y: Int32(small), z: Float(small) * 0.5)
    isHot = small % 2 == 0
  }
}

private struct Forgetful: MPIDatatype {
  var a: Int8
  var b: Int8
  var c: Int32
  static let mpiLayout = MPILayout.fields(of: Forgetful.self, \.a, \.c)
}

private struct Computing: MPIDatatype {
  var a: Int32
  var twice: Int32 { 2 * a }
  static let mpiLayout = MPILayout.fields(of: Computing.self, \.a, \.twice)
}

private struct Twice: MPIDatatype {
  var a: Int32
  var b: Int32
  static let mpiLayout = MPILayout.fields(of: Twice.self, \.a, \.a)
}
