import LockstepCollective
import LockstepFold
import LockstepDistributed
import LockstepEngine
import LockstepFiles
import LockstepMPI
import LockstepTraining

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

// Prints `<way> <folding> <fingerprint>` for every folding, on the ranks that mpirun started
// (`messages`, `announced`, `shared`, `automatic`, `crowded`; `nodes2`, `nodes3`, `lopsided`, and
// `announced…` of each, which take them for ranks of several nodes; `allreduce`) or as threads of this process (`in-process N`).

let arguments = Array(CommandLine.arguments.dropFirst())

func fold(
  _ way: String, _ path: ExchangePath, _ world: MPICommunicator, limit: Int? = nil,
  bucketBytes: Int? = nil
) throws {
  let group = try MPICollective(world, path: path) { print("notice \($0)") }
  group.sharedMemoryLimit = limit
  if let bucketBytes { group.bucketBytes = bucketBytes }
  for folding in Folding.all {
    let fingerprint = try folding.run(on: group, announces: bucketBytes != nil)
    if group.rank == 0 { print(way, folding.name, fingerprint) }
  }
}

/// Folds as if the ranks lay on several nodes.
func fold(
  _ way: String, _ world: MPICommunicator, bucketBytes: Int? = nil, nodeOf: (Int) -> Int
) throws {
  let group = try MPICollective(world, path: .sharedMemory, nodeOf: nodeOf)
  if let bucketBytes { group.bucketBytes = bucketBytes }
  guard group.nodes.count == Set((0..<world.size).map(nodeOf)).count else {
    throw Wrong(description: "nodes \(group.nodes)")
  }
  for folding in Folding.all {
    let fingerprint = try folding.run(on: group, announces: bucketBytes != nil)
    if group.rank == 0 { print(way, folding.name, fingerprint) }
  }
}

/// MPI's own reduction: the same on all ranks, and the tree's sum up to rounding.
func allreduce(_ world: MPICommunicator) throws {
  let tree = try MPICollective(world)
  let plain = try MPICollective(world, reduction: .allreduce)
  for folding in Folding.all where folding.wire != .float32 && world.size > 1 {
    var refused = false
    do { _ = try folding.run(on: plain) } catch let error as MPIError {
      refused = error.message.contains("need the reduction 'tree'")
    }
    guard refused else { throw Wrong(description: "\(folding.name) by MPI's own reduction") }
  }
  for folding in Folding.all where folding.wire == .float32 {
    _ = try folding.run(on: plain)
    let plan = try FoldPlan(shards: 8, ranks: world.size, layout: folding.layout)
    var sums: [[Float]] = []
    for group in [tree, plain] {
      let exchange = try group.makeExchange(plan)
      try ShardAccumulator(plan, rank: group.rank).accumulate(into: exchange.partials) {
        folding.fill($1, step: 3, shard: $0)
      }
      try exchange.combine { _ in }
      try exchange.gather()
      sums.append(Array(exchange.folded))
      withExtendedLifetime(exchange) {}
    }
    for (a, b) in zip(sums[0], sums[1]) where abs(a - b) > 1e-4 * max(abs(a), 1) {
      throw Wrong(description: "\(folding.name): \(a) by the tree and \(b) by MPI")
    }
  }
  if world.rank == 0 { print("allreduce ok") }
}

/// The protocol's other calls, with different data on each rank.
func collectives(_ world: MPICommunicator) throws {
  let group = try MPICollective(world)
  guard group.rank == world.rank, group.size == world.size else {
    throw Wrong(description: "one node keeps its order")
  }
  let counts = (0..<group.size).map { 3 * $0 }
  let own = [UInt8](repeating: UInt8(group.rank + 1), count: counts[group.rank])
  var all = [UInt8](repeating: 0, count: counts.reduce(0, +))
  try own.withUnsafeBytes { own in
    try all.withUnsafeMutableBytes { try group.allgather(own, counts: counts, into: $0) }
  }
  guard all == counts.indices.flatMap({ [UInt8](repeating: UInt8($0 + 1), count: counts[$0]) })
  else { throw Wrong(description: "allgather: \(all)") }
  for root in 0..<group.size {
    var bytes = [UInt8](repeating: UInt8(group.rank), count: 5)
    try bytes.withUnsafeMutableBytes { try group.broadcast($0, root: root) }
    guard bytes == [UInt8](repeating: UInt8(root), count: 5) else {
      throw Wrong(description: "broadcast from \(root): \(bytes)")
    }
  }
  try group.barrier()
  // Gathered on each root in turn, and taken apart again.
  for root in 0..<group.size {
    var gathered = [UInt8](repeating: 0, count: group.rank == root ? all.count : 0)
    var parts = [UInt8](repeating: 0, count: own.count)
    try own.withUnsafeBytes { own in
      try gathered.withUnsafeMutableBytes {
        try group.gather(own, counts: counts, into: $0, root: root)
      }
    }
    guard group.rank != root || gathered == all else {
      throw Wrong(description: "gather to \(root): \(gathered)")
    }
    for i in gathered.indices { gathered[i] += 1 }
    try gathered.withUnsafeBytes { gathered in
      try parts.withUnsafeMutableBytes {
        try group.scatter(gathered, counts: counts, into: $0, root: root)
      }
    }
    guard parts == own.map({ $0 + 1 }) else {
      throw Wrong(description: "scatter from \(root): \(parts)")
    }
  }

  // As if the ranks lay on two nodes, dealt out in turn, the second node's first.
  let leader = world.rank % 2 == 0 ? min(1, world.size - 1) : 0
  let ordered = try NodeOrder.communicator(of: world, leader: leader)
  let order = try ordered.allgather(world.rank)
  let ranks = Array(0..<world.size)
  let expected =
    world.size == 1 ? [0] : ranks.filter { $0 % 2 == 1 } + ranks.filter { $0 % 2 == 0 }
  guard order == expected else { throw Wrong(description: "node order \(order)") }
  if world.rank == 0 { print("collectives ok") }
}

/// A visitor that throws on one rank ends the step on all.
func failure(_ world: MPICommunicator) throws {
  let group = try MPICollective(world, path: .sharedMemory)
  let plan = try FoldPlan(shards: 8, ranks: group.size, layout: Folding.all[0].layout)
  let exchange = try group.makeExchange(plan)
  var words = ""
  do {
    try exchange.combine { _ in
      if group.rank == group.size - 1 { throw Wrong(description: "a visitor failed") }
    }
    try exchange.gather()
  } catch { words = "\(error)" }
  let expected =
    group.rank == group.size - 1
    ? "a visitor failed" : "rank \(group.size - 1) failed while gradients were folded"
  guard words == expected else { throw Wrong(description: "rank \(group.rank): '\(words)'") }
  try world.barrier()
  if world.rank == 0 { print("failure ok") }
}

/// Exchanges come and go; their shared memory is given back.
func reuse(_ world: MPICommunicator) throws {
  let group = try MPICollective(world, path: .sharedMemory)
  let plan = try FoldPlan(shards: 8, ranks: group.size, layout: FlatLayout([("a", [1 << 20])]))
  var mapped: [Int] = []
  for _ in 0..<6 {
    let exchange = try group.makeExchange(plan)
    exchange.partials[0][0] = 1
    try exchange.combine { _ in }
    try exchange.gather()
    guard exchange.folded[0] == Float(group.size) else {
      throw Wrong(description: "a fresh exchange starts from zeros: \(exchange.folded[0])")
    }
    try world.barrier()
    mapped.append(mappedSharedMemory())
  }
  // One window lives, and at most one more waits for the next call.
  guard mapped[0] > 4 << 20, mapped[5] < 2 * mapped[0] + (4 << 20) else {
    throw Wrong(description: "shared memory mapped: \(mapped)")
  }
  if world.rank == 0 { print("reuse ok") }
}

/// The bytes of this process's mappings of files in shared memory.
func mappedSharedMemory() -> Int {
  guard let file = fopen("/proc/self/maps", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 4096)
  var total = 0
  while fgets(&line, Int32(line.count), file) != nil {
    let text = String(
      decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard text.contains(SharedMemorySpace.directory + "/") else { continue }
    let ends = text.prefix { $0 != " " }.split(separator: "-").compactMap { Int($0, radix: 16) }
    if ends.count == 2 { total += ends[1] - ends[0] }
  }
  return total
}

switch arguments.first {
case "in-process":
  for folding in Folding.all {
    let ranks = Int(arguments[1])!
    let fingerprints =
      ranks == 1
      ? [try folding.run(on: SoloCollective())]
      : try InProcessGroup.run(ranks: ranks) { try folding.run(on: $0) }
    print("in-process", folding.name, fingerprints[0])
  }
default:
  MPISession.run { world in
    for way in arguments {
      switch way {
      case "messages": try fold(way, .messages, world)
      case "announced": try fold(way, .messages, world, bucketBytes: 20_000)
      case "announcedBlocks": try fold(way, .messages, world, bucketBytes: 1)
      case "shared": try fold(way, .sharedMemory, world)
      case "automatic": try fold(way, .automatic, world)
      case "crowded": try fold(way, .automatic, world, limit: 10_000)
      case "announcedNodes2": try fold(way, world, bucketBytes: 20_000) { $0 % 2 }
      case "announcedNodes3": try fold(way, world, bucketBytes: 1) { $0 % 3 }
      case "announcedLopsided": try fold(way, world, bucketBytes: 1) { $0 == 1 ? 1 : 0 }
      case "nodes2": try fold(way, world) { $0 % 2 }
      case "nodes3": try fold(way, world) { $0 % 3 }
      case "lopsided": try fold(way, world) { $0 == 1 ? 1 : 0 }
      case "allreduce": try allreduce(world)
      case "collectives": try collectives(world)
      case "failure": try failure(world)
      case "reuse": try reuse(world)
      default: throw Wrong(description: "no way called \(way)")
      }
    }
  }
}
