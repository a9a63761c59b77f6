import LockstepMPI
import LockstepTraining

/// How gradients travel between ranks. The bits do not depend on it.
public enum ExchangePath: Sendable, Equatable {
  /// Through a shared window where all ranks are on one node and it fits, else as messages.
  case automatic
  /// As messages.
  case messages
  /// Through a shared window, or an error.
  case sharedMemory
}

/// The ranks of an MPI job as training sees them, in node-major order.
public final class MPICollective: Collective {
  /// The ranks, in node-major order; a communicator that nobody else uses.
  public let communicator: MPICommunicator
  /// Whether all ranks are on one node.
  public let sharesOneNode: Bool
  /// How gradients travel.
  public let path: ExchangePath

  /// The bytes of shared memory to use at most, nil for what is free. For tests.
  package var sharedMemoryLimit: Int?

  private let notice: (String) -> Void
  /// The windows of exchanges made so far, the same on all ranks.
  private var windows: [LeasedWindow] = []

  public var rank: Int { communicator.rank }
  public var size: Int { communicator.size }

  /// Takes all ranks of a communicator. Collective.
  ///
  /// - Parameters:
  ///   - world: the ranks, in any order.
  ///   - path: how gradients travel.
  ///   - notice: told, on rank 0, when gradients cannot travel through shared memory and why.
  /// - Throws: ``MPIError``.
  public init(
    _ world: MPICommunicator, path: ExchangePath = .automatic,
    notice: @escaping (String) -> Void = { _ in }
  ) throws {
    communicator = try NodeOrder.communicator(of: world)
    let node = try communicator.splitBySharedMemory()
    // The minimum: nodes may differ in size, and all ranks must come to the same answer.
    sharesOneNode = try communicator.allreduce(node.size, .minimum) == communicator.size
    self.path = path
    self.notice = notice
  }

  public func barrier() throws { try communicator.barrier() }

  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws {
    try communicator.broadcast(bytes.bindMemory(to: UInt8.self), root: root)
  }

  public func allgather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
  ) throws {
    try communicator.allgather(
      bytes.bindMemory(to: UInt8.self), into: result.bindMemory(to: UInt8.self), counts: counts)
  }

  public func gather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer,
    root: Int
  ) throws {
    try communicator.gather(
      bytes.bindMemory(to: UInt8.self),
      into: rank == root ? result.bindMemory(to: UInt8.self) : nil, counts: counts, root: root)
  }

  public func scatter(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer,
    root: Int
  ) throws {
    try communicator.scatter(
      rank == root ? bytes.bindMemory(to: UInt8.self) : nil, counts: counts,
      into: result.bindMemory(to: UInt8.self), root: root)
  }

  public func makeExchange(_ plan: FoldPlan) throws -> any GradientExchange {
    guard plan.ranks == size else {
      throw MPIError(
        kind: .argument, call: "makeExchange",
        message: "the fold is planned for \(plan.ranks) ranks and there are \(size)", rank: rank)
    }
    if size == 1 { return SoloCollective().makeExchange(plan) }
    let wantsWindow = path == .sharedMemory || (path == .automatic && sharesOneNode)
    guard wantsWindow else { return try MessageExchange(plan, on: communicator) }
    try freeUnusedWindows()
    guard let window = try sharedWindow(plan) else {
      return try MessageExchange(plan, on: communicator)
    }
    let lease = LeasedWindow(window)
    windows.append(lease)
    return SharedMemoryExchange(plan, lease)
  }

  /// A window for the plan's arenas; nil where it does not fit and need not.
  private func sharedWindow(_ plan: FoldPlan) throws(MPIError) -> MPISharedWindow? {
    do {
      return try MPISharedWindow(
        bytes: SharedMemoryExchange.segmentBytes(plan, rank: rank), on: communicator,
        spaceLimit: sharedMemoryLimit)
    } catch {
      guard error.kind == .resource, path == .automatic else { throw error }
      // Every rank gets here or none: the window agreed on it before it asked for memory.
      if rank == 0 {
        notice("gradients travel as messages, not through shared memory: \(error.message)")
      }
      return nil
    }
  }

  /// Gives back the windows of exchanges that no rank uses any more.
  private func freeUnusedWindows() throws {
    guard !windows.isEmpty else { return }
    let unused = try communicator.allreduce(windows.map { UInt8($0.isUsed ? 0 : 1) }, .minimum)
    for (window, isUnused) in zip(windows, unused) where isUnused == 1 {
      try window.window.free()
    }
    windows = zip(windows, unused).filter { $1 == 0 }.map(\.0)
  }
}

/// A window and whether its exchange is alive. Freeing takes all ranks, so an exchange that goes
/// only says that it is gone.
final class LeasedWindow {
  let window: MPISharedWindow
  var isUsed = true

  init(_ window: MPISharedWindow) { self.window = window }
}
