import LockstepCollective
import LockstepObservation
import LockstepFold
import LockstepEngine
import LockstepMPI

/// The ranks of an MPI job as training sees them, in node-major order.
public final class MPICollective: ExchangeMaking {
  /// The ranks, in node-major order; a communicator that nobody else uses.
  public let communicator: MPICommunicator
  /// The ranks of each node, in this order.
  package let nodes: [Range<Int>]
  /// How gradients travel.
  package let path: ExchangePath
  /// How gradients are added.
  package let reduction: GradientReduction
  package let page: StatusPage?
  /// Ends this rank where it waits for one that will never come. It watches from when the group is made
  /// until MPI is finalized.
  package let watchdog: Watchdog?

  /// The bytes of gradients that travel together, as Float32, where they are sent as messages beside
  /// the backward pass: whole blocks that make at least as many. Nil, the default, for what the link
  /// between nodes suggests (`bucketBytes`). The same on all ranks; set before an
  /// exchange is made. It changes no bit.
  package var bucketBytes: Int?

  /// The link between nodes, where it was necessary to know it: for an exchange for which
  /// ``bucketBytes`` was not given, or when it was asked for.
  package private(set) var link: NetworkLink?

  /// The bytes of shared memory to use at most, nil for what is free. For tests.
  package var sharedMemoryLimit: Int?

  /// This rank's node.
  private let node: MPICommunicator
  private let notice: (String) -> Void
  /// The windows of exchanges made so far, the same on all ranks.
  private var windows: [LeasedWindow] = []

  public var rank: Int { communicator.rank }
  public var size: Int { communicator.size }
  /// Whether all ranks are on one node.
  package var sharesOneNode: Bool { nodes.count == 1 }

  /// Takes all ranks of a communicator. Collective.
  ///
  /// - Parameters:
  ///   - world: the ranks, in any order.
  ///   - reduction: how gradients are added.
  ///   - patience: how long ranks wait for each other before a watchdog ends the job with a message
  ///     that says who waits for whom; nil for ever.
  ///   - notice: told, on rank 0, when gradients cannot travel through shared memory and why.
  /// - Throws: ``MPIError``.
  public convenience init(
    _ world: MPICommunicator, reduction: GradientReduction = .tree,
    patience: WatchPatience? = WatchPatience(), notice: @escaping (String) -> Void = { _ in }
  ) throws {
    try self.init(
      world, path: .automatic, reduction: reduction, patience: patience, notice: notice)
  }

  /// As the public initialiser; `path` says how gradients travel.
  package convenience init(
    _ world: MPICommunicator, path: ExchangePath, reduction: GradientReduction = .tree,
    patience: WatchPatience? = WatchPatience(), notice: @escaping (String) -> Void = { _ in }
  ) throws {
    try self.init(
      world, path: path, reduction: reduction, patience: patience, notice: notice
    ) { try $0.splitBySharedMemory() }
  }

  /// Takes the ranks of one node for several: `nodeOf` gives each rank's number of a node. For
  /// tests of what happens between nodes.
  package convenience init(
    _ world: MPICommunicator, path: ExchangePath = .automatic,
    reduction: GradientReduction = .tree, patience: Watchdog.Patience? = Watchdog.Patience(),
    nodeOf: (Int) -> Int, notice: @escaping (String) -> Void = { _ in }
  ) throws {
    // A rank with a colour gets a group.
    try self.init(
      world, path: path, reduction: reduction, patience: patience, notice: notice
    ) { try $0.split(color: nodeOf($0.rank))! }
  }

  private init(
    _ world: MPICommunicator, path: ExchangePath, reduction: GradientReduction,
    patience: Watchdog.Patience?, notice: @escaping (String) -> Void,
    node split: (MPICommunicator) throws -> MPICommunicator
  ) throws {
    let start =
      world.size == 1 ? nil : patience.map { StartWatch("the making of the group of ranks", $0) }
    defer { start?.stop() }
    let node = try split(world)
    let leader = try node.broadcast(world.rank, root: 0)
    communicator = try NodeOrder.communicator(of: world, leader: leader)
    nodes = NodeOrder.nodes(leaders: try communicator.allgather(leader))
    // In the group's order, whatever the world's.
    self.node = try communicator.split(color: leader)!
    self.path = path
    self.reduction = reduction
    self.notice = notice
    let hosts =
      nodes.count == 1
      ? []
      : try communicator.allgatherArrays(Array(MPILibrary.processorName().utf8)).map {
        String(decoding: $0, as: UTF8.self)
      }
    let page = try Self.makePage(
      on: self.node, of: communicator.size,
      ranks: nodes.first { [rank = communicator.rank] in $0.contains(rank) }!, hosts: hosts)
    self.page = page
    watchdog = communicator.size == 1 ? nil : patience.map { Watchdog(page, $0) }
    if let watchdog { MPISession.add(EndOfWatch(watchdog, rank: communicator.rank)) }
  }

  /// The node's page of statuses; one of this rank alone where there is no shared memory for it.
  private static func makePage(
    on node: MPICommunicator, of size: Int, ranks: Range<Int>, hosts: [String]
  ) throws -> StatusPage {
    let rank = ranks.lowerBound + node.rank
    do {
      let window = try MPISharedWindow(bytes: RankStatus.byteCount, on: node)
      return StatusPage(
        try window.segments.map { $0.baseAddress! }, ranks: Array(ranks), rank: rank, of: size,
        hosts: hosts, owner: window)
    } catch {
      // Every rank of the node gets here or none.
      guard error.kind == .resource else { throw error }
      return StatusPage(rank: rank, of: size, hosts: hosts)
    }
  }

  public func barrier() throws { try page.waiting { try communicator.barrier() } }

  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws {
    try page.waiting {
      try communicator.broadcast(bytes.bindMemory(to: UInt8.self), root: root)
    }
  }

  public func allgather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
  ) throws {
    try page.waiting {
      try communicator.allgather(
        bytes.bindMemory(to: UInt8.self), into: result.bindMemory(to: UInt8.self), counts: counts)
    }
  }

  package func gather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer,
    root: Int
  ) throws {
    try page.waiting {
      try communicator.gather(
        bytes.bindMemory(to: UInt8.self),
        into: rank == root ? result.bindMemory(to: UInt8.self) : nil, counts: counts, root: root)
    }
  }

  package func scatter(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer,
    root: Int
  ) throws {
    try page.waiting {
      try communicator.scatter(
        rank == root ? bytes.bindMemory(to: UInt8.self) : nil, counts: counts,
        into: result.bindMemory(to: UInt8.self), root: root)
    }
  }

  package func makeExchange(
    for plan: FoldPlan, of source: (any GradientSource)?
  ) throws -> any GradientExchange {
    if size == 1 { return try SoloCollective().makeExchange(plan) }
    try Fault.reach(.exchange, rank: rank)
    if reduction == .allreduce {
      guard plan.wire == .float32 else {
        throw MPIError(
          kind: .argument, call: "makeExchange",
          message: "gradients that travel as bf16 need the reduction 'tree'", rank: rank)
      }
      return AllreduceExchange(plan, on: communicator, page: page)
    }
    let ranks = nodes.first { $0.contains(rank) }!
    // Where every rank has a node to itself there is nobody to share memory with.
    if path != .messages, nodes.count < size {
      try freeUnusedWindows()
      let bytes = nodes.count == 1 ? 0 : try agreedBucketBytes(nodes)
      let buckets = nodes.count == 1 ? [] : plan.buckets(bytes: bytes)
      let values = buckets.joined().map(\.values)
      if let window = try sharedWindow(
        bytes: SharedArenas.segmentBytes(plan, rank: rank, of: ranks, buckets: values.count),
        isRequired: path == .sharedMemory,
        otherwise: "gradients travel as messages, not through shared memory")
      {
        let lease = LeasedWindow(window)
        windows.append(lease)
        let arenas = try SharedArenas(plan, lease, ranks: ranks, buckets: values, page: page)
        let makeArena = { try self.windowArena(count: $0, otherwise: $1) }
        if nodes.count == 1 {
          return SharedMemoryExchange(plan, rank: rank, arenas)
            .makingProducts(of: source, plan, on: self, makeArena)
        }
        return try NodesExchange(
          plan, buckets, bucketBytes: bytes, nodes: nodes, arenas, on: communicator, page: page
        ).makingProducts(of: source, on: self, makeArena)
      }
    }
    let ranksAlone = (0..<size).map { $0..<$0 + 1 }
    let bytes = try agreedBucketBytes(ranksAlone)
    let buckets = plan.buckets(bytes: bytes)
    return try NodesExchange(
      plan, buckets, bucketBytes: bytes, nodes: ranksAlone,
      SharedArenas(plan, alone: rank, buckets: buckets.joined().map(\.values), page: page),
      on: communicator, page: page
    ).makingProducts(of: source, on: self) { count, _ in
      let arena = Arena<Float>(count: count)
      return SharedArena(arena.buffer, owner: arena)
    }
  }

  package func makeSharedArena(
    count: Int, otherwise consequence: String
  ) throws -> SharedArena? {
    guard path != .messages, reduction == .tree, sharesOneNode else { return nil }
    return try windowArena(count: count, otherwise: consequence)
  }

  /// An arena in the memory that each node's ranks share.
  private func windowArena(
    count: Int, otherwise consequence: String
  ) throws -> SharedArena? {
    try freeUnusedWindows()
    let bytes = node.rank == 0 ? count * MemoryLayout<Float>.stride : 0
    guard
      let window = try sharedWindow(
        bytes: bytes, isRequired: false, otherwise: consequence)
    else { return nil }
    let lease = LeasedWindow(window)
    windows.append(lease)
    let start = try window.segments[0].baseAddress!.bindMemory(to: Float.self, capacity: count)
    return SharedArena(
      UnsafeMutableBufferPointer(start: start, count: count), owner: WindowUse(lease))
  }

  /// A window with `bytes` of this rank's; nil where it does not fit on every node and need not, with
  /// a notice of what is done instead.
  private func sharedWindow(
    bytes: Int, isRequired: Bool, otherwise: String
  ) throws -> MPISharedWindow? {
    var window: MPISharedWindow?
    var failure: MPIError?
    do {
      window = try page.waiting {
        try MPISharedWindow(bytes: bytes, on: node, spaceLimit: sharedMemoryLimit)
      }
    } catch let error as MPIError {
      // Every rank of the node gets here or none: the window agreed on it before it asked for
      // memory.
      guard error.kind == .resource else { throw error }
      failure = error
    }
    let fits = try page.waiting { try communicator.allgather(UInt8(window == nil ? 0 : 1)) }
    guard let short = fits.firstIndex(of: 0) else { return window }
    let reason = try page.waiting {
      try window?.free()
      return try communicator.broadcastArray(Array((failure?.message ?? "").utf8), root: short)
    }
    let message = String(decoding: reason, as: UTF8.self)
    guard !isRequired else {
      throw failure
        ?? MPIError(
          kind: .resource, call: "MPI_Win_allocate_shared", message: message, rank: short)
    }
    if rank == 0 {
      notice("\(otherwise): \(message)")
    }
    return nil
  }

  package func linkBetweenNodes() throws -> NetworkLink? {
    sharesOneNode ? nil : try measuredLink(nodes)
  }

  private func measuredLink(_ nodes: [Range<Int>]) throws -> NetworkLink {
    if let link { return link }
    let measured = try NetworkLink.measure(between: nodes, on: communicator, page: page)
    link = measured
    return measured
  }

  /// The bytes of a bucket that all ranks use; measures the link between nodes where need be. Called
  /// by all ranks.
  private func agreedBucketBytes(_ nodes: [Range<Int>]) throws -> Int {
    try bucketBytes ?? measuredLink(nodes).bucketBytes
  }

  /// Gives back the windows of exchanges that no rank uses any more.
  private func freeUnusedWindows() throws {
    guard !windows.isEmpty else { return }
    let unused = try page.waiting {
      let unused = try communicator.allreduce(windows.map { UInt8($0.isUsed ? 0 : 1) }, .minimum)
      for (window, isUnused) in zip(windows, unused) where isUnused == 1 {
        try window.window.free()
      }
      return unused
    }
    windows = zip(windows, unused).filter { $1 == 0 }.map(\.0)
  }
}
