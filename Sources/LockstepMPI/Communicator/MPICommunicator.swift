internal import CMPI

/// A group of ranks that speak with each other, apart from all other groups.
///
/// A communicator that was made by ``duplicate(hints:)`` or a split is freed with its last reference (or
/// by ``free()``); MPI wants all its ranks to do so. It is not `Sendable`: under
/// ``MPIThreadLevel/multiple``, give each thread a duplicate of its own.
///
/// Source: MPI 3.1, chapter 6.
public final class MPICommunicator {
  /// This process's rank, `0..<size`.
  public let rank: Int
  /// The number of ranks.
  public let size: Int

  /// Whether every collective first makes sure that all ranks make the same call, with equal
  /// counts, types, operations and roots, and throws on all of them if not.
  ///
  /// MPI leaves such a program undefined: it may hang, crash or give wrong results. The check costs
  /// one small exchange a call, and makes non-blocking collectives wait for each other at the
  /// start. Set it on all ranks; communicators made from this one inherit it.
  public var checksAgreement = false

  private(set) var handle: lockstep_mpi_comm
  private let isOwned: Bool
  private var isFreed = false

  /// The largest count that MPI is given; a longer run goes as one value of a made type, or in
  /// pieces. Lower than the default in tests only.
  package var largestCount = Int(Int32.max) { didSet { partsCache = PartsCache() } }

  var partsCache = PartsCache()

  init(_ handle: lockstep_mpi_comm, isOwned: Bool) throws(MPIError) {
    var rank: Int32 = 0
    var size: Int32 = 0
    try check("MPI_Comm_rank", lockstep_mpi_comm_rank(handle, &rank))
    try check("MPI_Comm_size", lockstep_mpi_comm_size(handle, &size))
    self.handle = handle
    self.isOwned = isOwned
    self.rank = Int(rank)
    self.size = Int(size)
  }

  deinit {
    if isOwned, !isFreed, MPILibrary.isReady { _ = lockstep_mpi_comm_free(&handle) }
  }

  /// A communicator of the same ranks whose messages never mix with this one's. Collective.
  ///
  /// - Parameter hints: what a library may make use of, such as
  ///   `["mpi_assert_no_any_source": "true"]`: the same on all ranks. Nil takes this one's.
  /// - Throws: ``MPIError`` of kind `argument` for a key or a value that is empty or too long.
  ///   Source: MPI 3.1, sections 6.4.2 (`MPI_Comm_dup_with_info`) and 6.4.4.
  public func duplicate(hints: [String: String]? = nil) throws(MPIError) -> MPICommunicator {
    let call = hints == nil ? "MPI_Comm_dup" : "MPI_Comm_dup_with_info"
    try requireUsable(call)
    var result = handle
    if let hints {
      try withInfo(hints, call) { (info) throws(MPIError) in
        try check(call, lockstep_mpi_comm_duplicate_with_info(handle, info, &result))
      }
    } else {
      try check(call, lockstep_mpi_comm_duplicate(handle, &result))
    }
    return try inherit(result)
  }

  /// The hints that the library has taken and knows of; it may ignore any.
  public var hints: [String: String] {
    get throws(MPIError) {
      try requireUsable("MPI_Comm_get_info")
      var info = lockstep_mpi_info_null()
      try check("MPI_Comm_get_info", lockstep_mpi_comm_info(handle, &info))
      defer { _ = lockstep_mpi_info_free(&info) }
      return try LockstepMPI.hints(info)
    }
  }

  /// Parts the ranks by colour. Collective.
  ///
  /// - Parameters:
  ///   - color: ranks of one colour come together, 0 or greater; nil stays outside.
  ///   - key: the order of the ranks within their group; equal keys keep this communicator's order.
  /// - Returns: the group of this rank's colour, or nil for a rank that stays outside.
  public func split(color: Int?, key: Int = 0) throws(MPIError) -> MPICommunicator? {
    let call = "MPI_Comm_split"
    try requireUsable(call)
    guard let color32 = Int32(exactly: color ?? 0), color32 >= 0 else {
      throw argumentError(call, "color \(color ?? 0) is not in 0...\(Int32.max)")
    }
    guard let key32 = Int32(exactly: key) else {
      throw argumentError(call, "key \(key) does not fit 32 bits")
    }
    var result = handle
    try check(
      call,
      lockstep_mpi_comm_split(
        handle, color == nil ? lockstep_mpi_undefined() : color32, key32, &result))
    return lockstep_mpi_comm_is_null(result) != 0 ? nil : try inherit(result)
  }

  /// The ranks that share memory with this one: those of its node. Collective.
  ///
  /// - Parameter key: the order of the ranks; equal keys keep this communicator's order.
  public func splitBySharedMemory(key: Int = 0) throws(MPIError) -> MPICommunicator {
    let call = "MPI_Comm_split_type"
    try requireUsable(call)
    guard let key32 = Int32(exactly: key) else {
      throw argumentError(call, "key \(key) does not fit 32 bits")
    }
    var result = handle
    try check(call, lockstep_mpi_comm_split_shared(handle, key32, &result))
    return try inherit(result)
  }

  /// Frees the communicator now. All its ranks call it; any later use throws.
  ///
  /// The world and a rank's own communicator cannot be freed.
  public func free() throws(MPIError) {
    let call = "MPI_Comm_free"
    try requireUsable(call)
    guard isOwned else {
      throw argumentError(call, "the communicators that MPI itself made cannot be freed")
    }
    try check(call, lockstep_mpi_comm_free(&handle))
    isFreed = true
  }

  func inherit(_ handle: lockstep_mpi_comm) throws(MPIError) -> MPICommunicator {
    let result = try MPICommunicator(handle, isOwned: true)
    result.largestCount = largestCount
    result.checksAgreement = checksAgreement
    return result
  }

  // MARK: Checks that every call makes before MPI sees it

  func requireUsable(_ call: String) throws(MPIError) {
    try MPILibrary.requireReady(call)
    guard !isFreed else {
      throw MPIError(
        kind: .state, call: call, message: "the communicator was freed",
        rank: WorldRank.known)
    }
  }

  func requireRank(_ call: String, _ role: String, _ value: Int) throws(MPIError) -> Int32 {
    guard value >= 0, value < size else {
      throw argumentError(
        call, "\(role) \(value) is not a rank of this communicator (0..<\(size))")
    }
    return Int32(value)
  }

  func requireTag(_ call: String, _ tag: Int) throws(MPIError) -> Int32 {
    guard tag >= 0, tag <= Int(lockstep_mpi_largest_tag()) else {
      throw argumentError(call, "tag \(tag) is not in 0...\(lockstep_mpi_largest_tag())")
    }
    return Int32(tag)
  }

  func requireCount(_ call: String, _ what: String, _ count: Int, is expected: Int)
    throws(MPIError)
  {
    guard count == expected else {
      throw argumentError(call, "\(what) holds \(count) values and needs \(expected)")
    }
  }

  func requireDivisible(_ call: String, _ what: String, _ count: Int) throws(MPIError) -> Int {
    guard count % size == 0 else {
      throw argumentError(
        call, "\(what) holds \(count) values, which do not divide among \(size) ranks")
    }
    return count / size
  }

  func requireShort(_ call: String, _ count: Int) throws(MPIError) -> Int32 {
    guard count <= largestCount, let result = Int32(exactly: count) else {
      throw argumentError(
        call, "\(count) values are more than \(largestCount), the most that MPI counts here")
    }
    return result
  }

  func requireApart<T>(
    _ call: String, _ values: UnsafeBufferPointer<T>, _ result: UnsafeMutableBufferPointer<T>
  ) throws(MPIError) {
    guard let left = values.baseAddress, let right = result.baseAddress,
      !values.isEmpty, !result.isEmpty
    else { return }
    let start = UnsafePointer(right)
    guard left + values.count <= start || start + result.count <= left else {
      throw argumentError(call, "the two buffers overlap: use the in-place form")
    }
  }
}
