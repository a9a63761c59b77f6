internal import CMPI
internal import Synchronization

/// A user's reduction and the operation of MPI that runs it.
///
/// MPI calls a C function that gets no context, so there is one C function for each of a fixed
/// number of slots, and a slot holds the closure.
final class UserOperation: Sendable {
  typealias Body = @Sendable (UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void

  /// How many user-defined reductions can live at a time.
  static let slots = 32

  private static let bodies = Mutex([Body?](repeating: nil, count: slots))

  private let slot: Int
  let isCommutative: Bool

  /// MPI's handle, made at the first use.
  private struct Made: @unchecked Sendable {
    // Unchecked: MPI's handles are plain values, and the lock orders their making.
    var handle: lockstep_mpi_op?
  }
  private let made = Mutex(Made())

  init(isCommutative: Bool, _ body: @escaping Body) throws(MPIError) {
    let free = Self.bodies.withLock { bodies in
      let free = bodies.firstIndex { $0 == nil }
      if let free { bodies[free] = body }
      return free
    }
    guard let free else {
      throw MPIError(
        kind: .resource, call: "MPI_Op_create",
        message: "\(Self.slots) user-defined reductions live already: let one go first",
        rank: WorldRank.known)
    }
    slot = free
    self.isCommutative = isCommutative
  }

  deinit {
    made.withLock { made in
      if var handle = made.handle, MPILibrary.isReady { _ = lockstep_mpi_op_free(&handle) }
    }
    Self.bodies.withLock { $0[slot] = nil }
  }

  func handle() throws(MPIError) -> lockstep_mpi_op {
    try made.withLock { (made) throws(MPIError) in
      if made.handle == nil {
        var handle = lockstep_mpi_op_sum()
        try check(
          "MPI_Op_create",
          lockstep_mpi_op_create(Self.functions[slot], isCommutative ? 1 : 0, &handle))
        made.handle = handle
      }
      return Made(handle: made.handle)
    }.handle!
  }

  private static func run(
    _ slot: Int, _ left: UnsafeMutableRawPointer?, _ right: UnsafeMutableRawPointer?,
    _ count: UnsafeMutablePointer<Int32>?
  ) {
    guard let left, let right, let count, let body = bodies.withLock({ $0[slot] }) else { return }
    body(left, right, Int(count.pointee))
  }

  private typealias Function =
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>?,
      UnsafeMutableRawPointer?
    ) -> Void

  private static let functions: [Function] = [
    { left, right, count, _ in UserOperation.run(0, left, right, count) },
    { left, right, count, _ in UserOperation.run(1, left, right, count) },
    { left, right, count, _ in UserOperation.run(2, left, right, count) },
    { left, right, count, _ in UserOperation.run(3, left, right, count) },
    { left, right, count, _ in UserOperation.run(4, left, right, count) },
    { left, right, count, _ in UserOperation.run(5, left, right, count) },
    { left, right, count, _ in UserOperation.run(6, left, right, count) },
    { left, right, count, _ in UserOperation.run(7, left, right, count) },
    { left, right, count, _ in UserOperation.run(8, left, right, count) },
    { left, right, count, _ in UserOperation.run(9, left, right, count) },
    { left, right, count, _ in UserOperation.run(10, left, right, count) },
    { left, right, count, _ in UserOperation.run(11, left, right, count) },
    { left, right, count, _ in UserOperation.run(12, left, right, count) },
    { left, right, count, _ in UserOperation.run(13, left, right, count) },
    { left, right, count, _ in UserOperation.run(14, left, right, count) },
    { left, right, count, _ in UserOperation.run(15, left, right, count) },
    { left, right, count, _ in UserOperation.run(16, left, right, count) },
    { left, right, count, _ in UserOperation.run(17, left, right, count) },
    { left, right, count, _ in UserOperation.run(18, left, right, count) },
    { left, right, count, _ in UserOperation.run(19, left, right, count) },
    { left, right, count, _ in UserOperation.run(20, left, right, count) },
    { left, right, count, _ in UserOperation.run(21, left, right, count) },
    { left, right, count, _ in UserOperation.run(22, left, right, count) },
    { left, right, count, _ in UserOperation.run(23, left, right, count) },
    { left, right, count, _ in UserOperation.run(24, left, right, count) },
    { left, right, count, _ in UserOperation.run(25, left, right, count) },
    { left, right, count, _ in UserOperation.run(26, left, right, count) },
    { left, right, count, _ in UserOperation.run(27, left, right, count) },
    { left, right, count, _ in UserOperation.run(28, left, right, count) },
    { left, right, count, _ in UserOperation.run(29, left, right, count) },
    { left, right, count, _ in UserOperation.run(30, left, right, count) },
    { left, right, count, _ in UserOperation.run(31, left, right, count) },
  ]
}
