internal import CMPI

/// Ranks that are laid out on a grid, so that each has neighbours along every dimension.
///
/// ```swift
/// let shape = try MPICartesian.dimensions(for: world.size, [nil, nil])
/// guard let grid = try world.cartesian(shape, periodic: [true, false]) else { return }
/// let (below, above) = try grid.shift(along: 0)
/// ```
///
/// Ranks are numbered in row-major order, the last coordinate running fastest. In what the grid
/// tells, `nil` is *no neighbour*: MPI's `MPI_PROC_NULL`. In a receive, `nil` is *any source*. So
/// unwrap a neighbour before it is handed on (`if let below { try scope.receive(…, from: below) }`),
/// or let the grid send: ``sendReceive(_:into:along:by:)`` knows what is meant.
///
/// Source: MPI 3.1, chapter 7.
public struct MPICartesian {
  /// The ranks of the grid, with the numbers that they have on it.
  public let communicator: MPICommunicator
  /// The number of ranks along each dimension.
  public let dimensions: [Int]
  /// Whether the last rank along a dimension has the first one as its neighbour.
  public let isPeriodic: [Bool]
  /// Where this rank lies.
  public let coordinates: [Int]
  /// For each dimension the neighbour with the lower and the one with the higher coordinate; nil
  /// where there is none. Neighbourhood collectives have their parts in this order.
  public let neighbors: [Int?]

  init(
    _ communicator: MPICommunicator, dimensions: [Int], isPeriodic: [Bool]
  ) throws(MPIError) {
    self.communicator = communicator
    self.dimensions = dimensions
    self.isPeriodic = isPeriodic
    coordinates = try Self.coordinates(of: communicator.rank, communicator, dimensions.count)
    var neighbors: [Int?] = []
    for dimension in dimensions.indices {
      let (lower, higher) = try Self.shift(communicator, Int32(dimension), 1)
      neighbors += [lower, higher]
    }
    self.neighbors = neighbors
  }

  /// A grid's lengths that are as equal as can be, so that neighbours share short edges.
  ///
  /// - Parameters:
  ///   - ranks: the number of ranks.
  ///   - lengths: the lengths that are given, and nil for each that is to be chosen.
  /// - Throws: ``MPIError`` of kind `argument` where the given lengths do not divide the number of
  ///   ranks. Source: MPI 3.1, section 7.5.2 (`MPI_Dims_create`).
  public static func dimensions(for ranks: Int, _ lengths: [Int?]) throws(MPIError) -> [Int] {
    let call = "MPI_Dims_create"
    try MPILibrary.requireReady(call)
    guard let ranks32 = Int32(exactly: ranks), ranks > 0, !lengths.isEmpty else {
      throw argumentError(call, "\(ranks) ranks on a grid of \(lengths.count) dimensions: too few")
    }
    var given = 1
    for case let length? in lengths {
      let (product, overflow) = given.multipliedReportingOverflow(by: length)
      guard length > 0, !overflow, ranks % product == 0 else {
        throw argumentError(
          call, "\(ranks) ranks do not divide into a grid of \(described(lengths)) ranks")
      }
      given = product
    }
    guard given == ranks || lengths.contains(nil) else {
      throw argumentError(call, "a grid of \(described(lengths)) has \(given) ranks, not \(ranks)")
    }
    // Every given length is a divisor of the number of ranks, and fits as it does.
    var result = lengths.map { Int32($0 ?? 0) }
    try check(call, lockstep_mpi_dims_create(ranks32, Int32(result.count), &result))
    return result.map { Int($0) }
  }

  private static func described(_ lengths: [Int?]) -> String {
    lengths.map { $0.map(String.init) ?? "?" }.joined(separator: " × ")
  }

  /// Where a rank of the grid lies.
  public func coordinates(of rank: Int) throws(MPIError) -> [Int] {
    let call = "MPI_Cart_coords"
    try communicator.requireUsable(call)
    _ = try communicator.requireRank(call, "rank", rank)
    return try Self.coordinates(of: rank, communicator, dimensions.count)
  }

  private static func coordinates(
    of rank: Int, _ communicator: MPICommunicator, _ count: Int
  ) throws(MPIError) -> [Int] {
    // A grid of no dimensions has one place.
    guard count > 0 else { return [] }
    var result = [Int32](repeating: 0, count: count)
    try check(
      "MPI_Cart_coords",
      lockstep_mpi_cart_coords(communicator.handle, Int32(rank), Int32(count), &result))
    return result.map { Int($0) }
  }

  /// The rank at a place; nil for a place outside the grid. Periodic coordinates wrap around.
  ///
  /// - Throws: ``MPIError`` of kind `argument` where there are not as many coordinates as dimensions.
  public func rank(at coordinates: [Int]) throws(MPIError) -> Int? {
    let call = "MPI_Cart_rank"
    try communicator.requireUsable(call)
    guard coordinates.count == dimensions.count else {
      throw argumentError(
        call, "\(coordinates.count) coordinates were given for \(dimensions.count) dimensions")
    }
    guard !coordinates.isEmpty else { return 0 }
    var place: [Int32] = []
    for (dimension, coordinate) in coordinates.enumerated() {
      let length = dimensions[dimension]
      guard isPeriodic[dimension] || (0..<length).contains(coordinate) else { return nil }
      place.append(Int32((coordinate % length + length) % length))
    }
    var result: Int32 = 0
    try check(call, lockstep_mpi_cart_rank(communicator.handle, place, &result))
    return Int(result)
  }

  /// The rank that lies `distance` places before this one along a dimension, from which a shift
  /// receives, and the one as far behind, to which it sends; nil where there is none.
  ///
  /// - Throws: ``MPIError`` of kind `argument` where there is no such dimension.
  ///   Source: MPI 3.1, section 7.5.6 (`MPI_Cart_shift`).
  public func shift(along dimension: Int, by distance: Int = 1) throws(MPIError)
    -> (source: Int?, destination: Int?)
  {
    let call = "MPI_Cart_shift"
    try communicator.requireUsable(call)
    guard dimensions.indices.contains(dimension) else {
      throw argumentError(
        call, "dimension \(dimension) is not one of this grid (0..<\(dimensions.count))")
    }
    let length = dimensions[dimension]
    // Further than the grid is long there is nobody, or somebody whom a shorter way leads to.
    let way =
      isPeriodic[dimension] ? distance % length : max(-length, min(distance, length))
    return try Self.shift(communicator, Int32(dimension), Int32(way))
  }

  private static func shift(
    _ communicator: MPICommunicator, _ dimension: Int32, _ distance: Int32
  ) throws(MPIError) -> (source: Int?, destination: Int?) {
    var source: Int32 = 0
    var destination: Int32 = 0
    try check(
      "MPI_Cart_shift",
      lockstep_mpi_cart_shift(communicator.handle, dimension, distance, &source, &destination))
    func neighbor(_ rank: Int32) -> Int? { rank == lockstep_mpi_proc_null() ? nil : Int(rank) }
    return (neighbor(source), neighbor(destination))
  }

  /// The ranks whose coordinates differ from this one's along the kept dimensions only, as a grid
  /// of those dimensions: a row, a column, a plane. Collective.
  ///
  /// - Parameter kept: whether to keep each dimension.
  /// - Throws: ``MPIError`` of kind `argument` where there are not as many as dimensions.
  ///   Source: MPI 3.1, section 7.5.7 (`MPI_Cart_sub`).
  public func subgrid(keeping kept: [Bool]) throws(MPIError) -> MPICartesian {
    let call = "MPI_Cart_sub"
    try communicator.requireUsable(call)
    guard kept.count == dimensions.count else {
      throw argumentError(
        call, "\(kept.count) choices were given for \(dimensions.count) dimensions")
    }
    try communicator.requireAgreement(call, detail: .number(of: kept.map { $0 ? 1 : 0 }))
    var result = communicator.handle
    try check(
      call, lockstep_mpi_cart_sub(communicator.handle, kept.map { $0 ? 1 : 0 }, &result))
    let left = kept.indices.filter { kept[$0] }
    return try MPICartesian(
      communicator.inherit(result), dimensions: left.map { dimensions[$0] },
      isPeriodic: left.map { isPeriodic[$0] })
  }
}

extension MPICommunicator {
  /// Lays the ranks out on a grid. Collective.
  ///
  /// - Parameters:
  ///   - dimensions: the number of ranks along each dimension; see
  ///     ``MPICartesian/dimensions(for:_:)``.
  ///   - periodic: whether a dimension is a ring.
  ///   - reorder: whether MPI may number the ranks anew, so that neighbours lie close to each other
  ///     on the machine.
  /// - Returns: the grid; nil for a rank that finds no place on it.
  /// - Throws: ``MPIError`` of kind `argument` where the grid has more places than there are ranks.
  ///   Source: MPI 3.1, section 7.5.1 (`MPI_Cart_create`).
  public func cartesian(
    _ dimensions: [Int], periodic: [Bool], reorder: Bool = false
  ) throws(MPIError) -> MPICartesian? {
    let call = "MPI_Cart_create"
    try requireUsable(call)
    guard !dimensions.isEmpty, periodic.count == dimensions.count else {
      throw argumentError(
        call,
        """
        \(dimensions.count) lengths and \(periodic.count) values of 'periodic' were given: a grid \
        needs one of each a dimension
        """)
    }
    var places = 1
    for length in dimensions {
      let (product, overflow) = places.multipliedReportingOverflow(by: length)
      guard length > 0, !overflow, product <= size else {
        throw argumentError(
          call,
          """
          a grid of \(dimensions.map(String.init).joined(separator: " × ")) ranks needs lengths of 1 \
          or more and at most \(size) places, as many as there are ranks
          """)
      }
      places = product
    }
    let periods: [Int32] = periodic.map { $0 ? 1 : 0 }
    let facts = dimensions + periods.map { Int($0) } + [reorder ? 1 : 0]
    try requireAgreement(call, detail: .number(of: facts))
    var result = handle
    try check(
      call,
      lockstep_mpi_cart_create(
        handle, Int32(dimensions.count), dimensions.map { Int32($0) }, periods, reorder ? 1 : 0,
        &result))
    if lockstep_mpi_comm_is_null(result) != 0 { return nil }
    return try MPICartesian(inherit(result), dimensions: dimensions, isPeriodic: periodic)
  }
}
