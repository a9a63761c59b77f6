import Lockstep
import LockstepFiles
import LockstepMPI
import LockstepPlatform

/// `lockstep doctor`: what this installation and this job are, and what may be wrong with them.
enum DoctorCommand: Command {
  static let name = "doctor"
  static let usage = "[OPTIONS]"
  static let summary = "show versions, processors, ranks and their binding; measure the exchange"
  static let discussion = """
    Start it as the training is to be started: mpirun -n 4 lockstep doctor. Warnings say what to do.
    """
  static let options: [OptionSpecification] = [
    .flag("--json", "print one line of JSON")
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    guard arguments.positional.isEmpty else {
      throw ArgumentError(
        description: "doctor takes no argument; found '\(arguments.positional[0])'")
    }
    return try Job.run { collective in
      let report = try DoctorReport(on: collective)
      if collective.isRoot { report.show(json: arguments.has("--json")) }
      return ExitCode.done
    }
  }
}

/// One rank's place on its machine.
private struct RankPlace: BitwiseCopyable {
  var online = Int32(Processors.online)
  var isa = InstructionSet.detected.rawValue
  var flushesDenormals: UInt8 = FloatingPoint.flushDenormals() ? 1 : 0
  var freeSharedMemory = Int64(SharedMemorySpace.freeBytes() ?? -1)
}

/// What doctor found.
private struct DoctorReport {
  var facts: [(String, String)] = []
  var warnings: [String] = []
  var numbers = JSONObject()

  init(on collective: MPICollective) throws {
    let places = try collective.allgather(RankPlace())
    let (processors, hosts) = try collective.page.waiting {
      (
        try collective.communicator.allgatherArrays(Processors.allowed),
        try collective.communicator.allgatherArrays(Array(MPILibrary.processorName().utf8))
          .map { String(decoding: $0, as: UTF8.self) }
      )
    }
    facts = [
      ("lockstep", Program.version), ("oneDNN", ComputeLibrary.version),
      ("MPI", MPILibrary.name),
      ("thread level", "\(try MPILibrary.threadLevel())"),
      ("instruction set", InstructionSet.detected.name),
      ("bfloat16", ComputeLibrary.hasBFloat16 ? "native" : "not native"),
      ("ranks", "\(collective.size)"),
      ("hosts", "\(Set(hosts).count)"),
      ("gradients travel", collective.sharesOneNode ? "through shared memory" : "as messages"),
    ]
    for rank in places.indices where rank < 64 {
      facts.append(("  rank \(rank)", "\(hosts[rank]), processors \(ranges(processors[rank]))"))
    }
    if let free = SharedMemorySpace.freeBytes() {
      facts.append((SharedMemorySpace.directory, "\(free >> 20) MiB free"))
    }
    inspect(places, processors, hosts)
    try measure(on: collective)
  }

  private mutating func inspect(
    _ places: [RankPlace], _ processors: [[Int]], _ hosts: [String]
  ) {
    for host in Set(hosts).sorted() {
      let here = hosts.indices.filter { hosts[$0] == host }
      let usable = Set(here.flatMap { processors[$0] }).count
      if here.count > usable {
        warnings.append(
          "\(counted(here.count, "rank")) share \(counted(usable, "processor")) of \(host): "
            + "start fewer ranks, or bind them to more processors (--bind-to none)")
      }
    }
    if let rank = places.firstIndex(where: { $0.isa != places[0].isa }) {
      let name = InstructionSet(rawValue: places[rank].isa)?.name ?? "unknown"
      warnings.append(
        "rank \(rank) has \(name) and rank 0 \(InstructionSet.detected.name): "
          + "pin the common one with --isa")
    }
    if let rank = places.firstIndex(where: { $0.flushesDenormals == 0 }) {
      warnings.append("rank \(rank) cannot flush denormals: bits would depend on the processor")
    }
    if let rank = places.firstIndex(where: { (0..<(64 << 20)).contains($0.freeSharedMemory) }) {
      warnings.append(
        "\(SharedMemorySpace.directory) on \(hosts[rank]) has \(places[rank].freeSharedMemory >> 20) "
          + "MiB free: larger gradients will travel as messages")
    }
  }

  /// The time of a barrier, and of an allreduce of 4 MB, and the link between hosts.
  private mutating func measure(on collective: MPICollective) throws {
    let world = collective.communicator
    guard world.size > 1 else { return }
    let barrier = try median(20) { try world.barrier() }
    let values = try MPIBuffer(repeating: Float(1), count: 1 << 20)
    let reduce = try median(5) { try world.allreduce(inPlace: values.values, .sum) }
    facts.append(("barrier", "\(format(barrier * 1e6, 1)) µs"))
    facts.append(("allreduce of 4 MiB", "\(format(reduce * 1e3, 2)) ms"))
    if let link = try collective.linkBetweenNodes() {
      facts.append(("link between hosts", link.text))
      facts.append(("buckets of gradients", "\(link.bucketBytes >> 10) KiB"))
      numbers["latencySeconds"] = .number(link.latency)
      numbers["bandwidthBytesPerSecond"] = .number(link.bandwidth)
      numbers["bucketBytes"] = .integer(link.bucketBytes)
    }
    numbers["barrierSeconds"] = .number(barrier)
    numbers["allreduce4MiBSeconds"] = .number(reduce)
    if barrier > 1e-3 {
      warnings.append(
        "a barrier takes \(format(barrier * 1e3, 1)) ms: the processors are busy, or the network "
          + "is slow")
    }
  }

  private func median(_ count: Int, _ body: () throws -> Void) throws -> Double {
    var times: [Double] = []
    for _ in 0..<count + 1 {
      let start = try MPILibrary.wallTime()
      try body()
      times.append(try MPILibrary.wallTime() - start)
    }
    return times.dropFirst().sorted()[count / 2]
  }

  /// Numbers as runs: 0-3,8.
  private func ranges(_ numbers: [Int]) -> String {
    var runs: [ClosedRange<Int>] = []
    for number in numbers {
      if let last = runs.last, last.upperBound == number - 1 {
        runs[runs.count - 1] = last.lowerBound...number
      } else {
        runs.append(number...number)
      }
    }
    return runs.map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
    }.joined(separator: ",")
  }

  func show(json: Bool) {
    guard json else {
      Console.text(table(facts))
      for warning in warnings { Console.line("warning: \(warning)") }
      if warnings.isEmpty { Console.line("no warnings") }
      return
    }
    var object = JSONObject()
    for (key, value) in facts { object[key.trimmed] = .string(value) }
    for member in numbers.members { object[member.key] = member.value }
    object["warnings"] = .array(warnings.map { .string($0) })
    Console.line(JSONValue.object(object).compactText)
  }
}

extension NetworkLink {
  /// Latency and bandwidth in words.
  var text: String {
    "\(format(latency * 1e6, 1)) µs, \(format(bandwidth * 8e-9, 2)) Gbit/s each way"
  }
}

extension String {
  fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
