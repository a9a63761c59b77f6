import LockstepMPI

/// Sum, product, minimum and maximum in every reducing collective, in and out of place.
func reductionChecks<T: CheckNumber>(_: T.Type) -> [Check] {
  let operations: [(String, MPIReduction<T>, (Int, Int) -> Int)] = [
    ("sum", .sum, { $0 + $1 }), ("product", .product, { $0 * $1 }),
    ("minimum", .minimum, { min($0, $1) }), ("maximum", .maximum, { max($0, $1) }),
  ]
  return operations.map { name, reduction, combine in
    Check("\(name).\(T.self)") { world, report in
      let (rank, size) = (world.rank, world.size)
      let count = 3 * size
      // Products stay below 2^6, which every type holds.
      func value(_ rank: Int, _ index: Int) -> Int {
        name == "product" ? 1 + (rank + index) % 2 : sample(rank, index)
      }
      let own = (0..<count).map { T(small: value(rank, $0)) }
      func expected(_ ranks: Range<Int>, _ indices: Range<Int>) -> [Int] {
        indices.map { index in
          ranks.dropFirst().reduce(value(ranks.lowerBound, index)) {
            combine($0, value($1, index))
          }
        }
      }
      let all = expected(0..<size, 0..<count)

      report.expectEqual(try world.allreduce(own, reduction).small, all, "allreduce")
      report.expectEqual(
        try withBuffer(own) { try world.allreduce(inPlace: $0, reduction) }.small, all,
        "allreduce in place")
      for root in [0, size - 1] {
        let result = try world.reduce(own, reduction, root: root)
        report.expectEqual(result?.small, rank == root ? all : nil, "reduce to \(root)")
        let inPlace = try withBuffer(own) { try world.reduce(inPlace: $0, reduction, root: root) }
        report.expectEqual(inPlace.small, rank == root ? all : own.small, "reduce in place")
      }
      let below = expected(0..<rank + 1, 0..<count)
      report.expectEqual(try world.scan(own, reduction).small, below, "scan")
      report.expectEqual(
        try withBuffer(own) { try world.scan(inPlace: $0, reduction) }.small, below,
        "scan in place")
      let before = try world.exclusiveScan(own, reduction)
      let beforeInPlace = try withBuffer(own) { try world.exclusiveScan(inPlace: $0, reduction) }
      if rank == 0 {
        report.expect(before == nil, "exclusive scan on rank 0")
      } else {
        let strictlyBelow = expected(0..<rank, 0..<count)
        report.expectEqual(before?.small, strictlyBelow, "exclusive scan")
        report.expectEqual(beforeInPlace.small, strictlyBelow, "exclusive scan in place")
      }

      let part = expected(0..<size, 3 * rank..<3 * rank + 3)
      report.expectEqual(try world.reduceScatter(own, reduction).small, part, "reduceScatter")
      report.expectEqual(
        Array(try withBuffer(own) { try world.reduceScatter(inPlace: $0, reduction) }.small[..<3]),
        part, "reduceScatter in place")
      // Unequal parts: 0, 1, 2, … values.
      let counts = Array(0..<size)
      let start = counts[..<rank].reduce(0, +)
      let total = counts.reduce(0, +)
      let unequal = expected(0..<size, start..<start + rank)
      report.expectEqual(
        try world.reduceScatter(Array(own[..<total]), counts: counts, reduction).small, unequal,
        "reduceScatter by counts")
      let shorter = try withBuffer(Array(own[..<total])) {
        try world.reduceScatter(inPlace: $0, counts: counts, reduction)
      }
      report.expectEqual(
        Array(shorter.small.prefix(rank)), unequal, "reduceScatter by counts in place")
    }
  }
}

/// Logical and bitwise operations on integers.
func bitChecks<T: CheckNumber & MPIInteger>(_: T.Type) -> Check {
  Check("bits.\(T.self)") { world, report in
    // The upper bits take part too.
    let pattern: (Int) -> [T] = { rank in
      [T(truncatingIfNeeded: 0x55AA_0F0F_55AA_0F31 &* (rank + 1)), rank == 1 ? 0 : 3, 0, 5]
    }
    let own = pattern(world.rank)
    func fold(_ combine: (T, T) -> T) -> [T] {
      own.indices.map { index in
        (1..<world.size).reduce(pattern(0)[index]) { combine($0, pattern($1)[index]) }
      }
    }
    report.expectEqual(try world.allreduce(own, .bitwiseAnd), fold { $0 & $1 }, "and")
    report.expectEqual(try world.allreduce(own, .bitwiseOr), fold { $0 | $1 }, "or")
    report.expectEqual(try world.allreduce(own, .bitwiseXor), fold { $0 ^ $1 }, "xor")
    // One rank alone has nothing to combine: MPI leaves its value as it is.
    guard world.size > 1 else { return }
    func truth(_ combine: (Bool, Bool) -> Bool) -> [T] {
      own.indices.map { index in
        (1..<world.size).reduce(pattern(0)[index] != 0) { combine($0, pattern($1)[index] != 0) }
          ? 1 : 0
      }
    }
    report.expectEqual(
      try world.allreduce(own, .logicalAnd), truth { $0 && $1 }, "logical and")
    report.expectEqual(try world.allreduce(own, .logicalOr), truth { $0 || $1 }, "logical or")
    report.expectEqual(try world.allreduce(own, .logicalXor), truth { $0 != $1 }, "logical xor")
  }
}

/// Least and greatest value with its place; of equal ones the lowest index.
func locationChecks<T: CheckNumber & MPIIndexable>(_: T.Type) -> Check {
  Check("location.\(T.self)") { world, report in
    let size = world.size
    func pairs(_ rank: Int) throws -> [MPIIndexed<T>] {
      try (0..<3).map { try MPIIndexed(T(small: sample(rank, $0) / 2), index: rank) }
    }
    let least = try world.allreduce(pairs(world.rank), .minimumLocation)
    let greatest = try world.allreduce(pairs(world.rank), .maximumLocation)
    for index in 0..<3 {
      let all = try (0..<size).map { try pairs($0)[index] }
      let low = all.map(\.value.small).min()!
      let high = all.map(\.value.small).max()!
      report.expectEqual(least[index], all.first { $0.value.small == low }!, "minimum")
      report.expectEqual(greatest[index], all.first { $0.value.small == high }!, "maximum")
    }
    let everyone = try world.allgather(pairs(world.rank))
    report.expectEqual(everyone, try (0..<size).flatMap(pairs), "pairs travel")
  }
}

/// A 2×2 matrix of integers: its product does not commute.
struct Matrix: MPIDatatype, Equatable {
  var a, b, c, d: Int64
  static let mpiLayout = MPILayout.bytes(of: Matrix.self)

  static func * (left: Matrix, right: Matrix) -> Matrix {
    Matrix(
      a: left.a * right.a + left.b * right.c, b: left.a * right.b + left.b * right.d,
      c: left.c * right.a + left.d * right.c, d: left.c * right.b + left.d * right.d)
  }
  static func of(_ rank: Int, _ index: Int) -> Matrix {
    Matrix(a: Int64(rank + 1), b: Int64(index + 2), c: 1, d: Int64(rank - index))
  }
}

func specialReductionChecks() -> [Check] {
  [
    Check("logical.Bool") { world, report in
      let own = [world.rank == 0, true, false]
      let single = world.size == 1
      report.expectEqual(
        try world.allreduce(own, .logicalAnd), [single, true, false], "and")
      report.expectEqual(try world.allreduce(own, .logicalOr), [true, true, false], "or")
      report.expectEqual(
        try world.allreduce(own, .logicalXor), [true, world.size % 2 == 1, false], "xor")
    },
    Check("user.noncommutative") { world, report in
      let reduction = try MPIReduction<Matrix>.custom(commutative: false) { $0 * $1 }
      let own = (0..<5).map { Matrix.of(world.rank, $0) }
      func product(_ ranks: Range<Int>) -> [Matrix] {
        (0..<5).map { index in
          ranks.dropFirst().reduce(Matrix.of(ranks.lowerBound, index)) {
            $0 * Matrix.of($1, index)
          }
        }
      }
      report.expectEqual(
        try world.allreduce(own, reduction), product(0..<world.size), "ranks in order")
      report.expectEqual(
        try world.scan(own, reduction), product(0..<world.rank + 1), "scan in order")
      let root = world.size - 1
      let reduced = try world.reduce(own, reduction, root: root)
      report.expectEqual(reduced, world.rank == root ? product(0..<world.size) : nil, "reduce")
    },
    Check("user.runs") { world, report in
      let reduction = try MPIReduction<Int32>.customRuns(commutative: true) { left, right in
        for index in right.indices { right[index] = max(left[index], right[index]) }
      }
      report.expectEqual(
        try world.allreduce([Int32(world.rank), -Int32(world.rank)], reduction),
        [Int32(world.size - 1), 0], "maximum by runs")
    },
    Check("user.slots") { world, report in
      // Slots are given back: many more reductions than slots, one after the other.
      for round in 0..<100 {
        let reduction = try MPIReduction<Int>.custom(commutative: true) { $0 + $1 }
        report.expectEqual(try world.allreduce(1, reduction), world.size, "round \(round)")
      }
      var held: [MPIReduction<Int>] = []
      report.expectError("MPI_Op_create", "32 user-defined reductions") {
        for _ in 0...32 { held.append(try .custom(commutative: true) { $0 + $1 }) }
      }
      report.expectEqual(held.count, 32, "slots")
    },
    Check("bf16.rounding") { world, report in
      // 256 + 1 is a tie and rounds to the even 256; 256 + 3 rounds up to 260.
      let own =
        world.rank == 0 ? [256, 256, 1] : [world.rank == 1 ? 1 : 0, world.rank == 1 ? 3 : 0, 0]
      let sum = try world.allreduce(own.map { MPIBFloat16(Float($0)) }, .sum)
      report.expectEqual(
        sum.map(\.float), world.size == 1 ? [256, 256, 1] : [256, 260, 1], "sum")
      let values: [Float] = world.rank == 0 ? [.nan, 1, -0.0] : [1, .infinity, 2]
      let low = try world.allreduce(values.map { MPIBFloat16($0) }, .minimum)
      report.expect(low[0].float.isNaN, "a NaN survives the minimum")
      let high = try world.allreduce(values.map { MPIBFloat16($0) }, .maximum)
      report.expect(high[0].float.isNaN, "a NaN survives the maximum")
      if world.size > 1 { report.expectEqual(high[1].float, .infinity, "infinity") }
      for bits in UInt16.min...UInt16.max {
        let value = MPIBFloat16(bitPattern: bits)
        if value.float.isNaN { continue }
        report.expect(MPIBFloat16(value.float).bitPattern == bits, "\(bits) does not round-trip")
      }
    },
  ]
}
