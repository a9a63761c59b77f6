import LockstepMPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

// Runs checks under mpirun: `mpi-checks all`, `mpi-checks list`, or the names of checks. Rank 0
// prints `ok name` or `FAIL name: why` for each. Further modes end as a test expects them to end.

func allChecks() -> [Check] {
  reductionChecks(Int8.self) + reductionChecks(Int16.self) + reductionChecks(Int32.self)
    + reductionChecks(Int64.self) + reductionChecks(UInt8.self) + reductionChecks(UInt16.self)
    + reductionChecks(UInt32.self) + reductionChecks(UInt64.self) + reductionChecks(Int.self)
    + reductionChecks(UInt.self) + reductionChecks(Float.self) + reductionChecks(Double.self)
    + reductionChecks(MPIBFloat16.self)
    + [
      bitChecks(Int8.self), bitChecks(Int16.self), bitChecks(Int32.self), bitChecks(Int64.self),
      bitChecks(UInt8.self), bitChecks(UInt16.self), bitChecks(UInt32.self), bitChecks(UInt64.self),
      bitChecks(Int.self), bitChecks(UInt.self),
    ]
    + [
      locationChecks(Int16.self), locationChecks(Int32.self), locationChecks(Int64.self),
      locationChecks(Int.self), locationChecks(Float.self), locationChecks(Double.self),
    ]
    + specialReductionChecks()
    + everyType { exchangeChecks($0) } + everyType { messageChecks($0) }
    + everyType { nonblockingChecks($0) }
    + specialMessageChecks() + specialNonblockingChecks() + groupChecks() + refusalChecks()
    + topologyChecks() + layoutChecks()
    + oneSidedChecks() + smallChecks() + documentedChecks()
}

func everyType(_ check: (any CheckNumber.Type) -> Check) -> [Check] {
  let types: [any CheckNumber.Type] = [
    Int8.self, Int16.self, Int32.self, Int64.self, UInt8.self, UInt16.self, UInt32.self,
    UInt64.self, Int.self, UInt.self, Float.self, Double.self, MPIBFloat16.self,
  ]
  return types.map(check)
}

struct Trouble: Error, CustomStringConvertible {
  let description: String
}

func runChecks(_ names: [String]) {
  MPISession.run { world in
    if names == ["failing"] {
      let failing = Check("failing") { world, report in
        report.expectEqual(world.rank, world.rank == 2 ? 0 : world.rank, "rank")
      }
      if try !failing.run(on: world) {
        // What rank 0 printed is out before another rank ends the job.
        fflush(nil)
        try world.barrier()
        throw Trouble(description: "failed, as it must")
      }
    }
    let chosen = names == ["all"] ? allChecks() : allChecks().filter { names.contains($0.name) }
    var failed = 0
    for check in chosen where try !check.run(on: world) { failed += 1 }
    if failed > 0 { throw Trouble(description: "\(failed) checks failed") }
  }
}

/// One rank throws while the others wait for it in a collective.
func throwOnOneRank() {
  MPISession.run(exitCode: { _ in 7 }) { world in
    if world.rank == world.size - 1 { throw Trouble(description: "the disk is full") }
    if world.size > 1 { try world.barrier() }
  }
}

/// The explicit form, and every call after the end.
func useAfterFinalize() throws {
  let before = MPILibrary.isReady
  do { _ = try MPILibrary.wallTime() } catch { print(error) }
  let session = try MPISession(threadLevel: .single)
  let copy = try session.world.duplicate()
  let reduction = try MPIReduction<Int>.custom(commutative: true) { $0 + $1 }
  let sum = try copy.allreduce(1, reduction)
  let alone = try session.selfOnly.allreduce([MPIBFloat16(2)], .sum)
  let status = "\(before) \(MPILibrary.isReady) \(sum == session.world.size) \(alone)"
  let rank = session.world.rank
  // A window that nobody frees does not keep MPI from ending.
  let window = try MPISharedWindow(bytes: 100, on: session.world)
  try session.finalize()
  guard rank == 0 else { return }
  print(status, MPILibrary.isReady, MPILibrary.isFinalized)
  do { try session.world.barrier() } catch { print(error) }
  do { _ = try copy.allreduce(1, reduction) } catch { print(error) }
  do { try session.finalize() } catch { print(error) }
  do { _ = try MPISession() } catch { print(error) }
  do { try window.fence() } catch { print(error) }
  do { try copy.withRequests { try $0.barrier() } } catch { print(error) }
}

/// A scope fails while a send that nobody receives is pending.
func stuckUnwind() {
  MPISession.run { world in
    let large = try MPIBuffer(repeating: 1.0, count: 1 << 20)
    if world.rank == 0 {
      try world.withRequests(unwindSeconds: 0.5) { scope in
        try scope.send(UnsafeBufferPointer(scope.pin(large)), to: 1, tag: 1, synchronous: true)
        throw Trouble(description: "lost the thread")
      }
    }
    try world.barrier()
  }
}

/// All ranks print at once.
func printTogether() {
  MPISession.run { world in
    for line in 0..<20 {
      try world.barrier()
      print("line", line, "of rank", world.rank)
    }
  }
}

/// More values than C's `int` counts, in a message, a broadcast and a reduction. Takes 9 GB on two
/// ranks, so it is run by hand.
func moreThanInt32() {
  MPISession.run { world in
    let count = Int(Int32.max) + 6
    let values = try MPIBuffer(repeating: UInt8(world.rank + 1), count: count)
    values.values[count - 1] = UInt8(10 + world.rank)
    let check = Check("more-than-int32") { world, report in
      try world.allreduce(inPlace: values.values, .sum)
      report.expectEqual([try values[0], try values[count - 1]], [3, 21], "allreduce")
      if world.rank == 0 {
        values.values[count - 1] = 99
        try world.send(UnsafeBufferPointer(values.values), to: 1)
      } else {
        let status = try world.receive(into: values.values, from: 0)
        report.expectEqual(status.count(of: UInt8.self), count, "length")
        report.expectEqual(try values[count - 1], 99, "last value")
        values.values[count - 1] = 98
      }
      try world.broadcast(values.values, root: 1)
      report.expectEqual(try values[count - 1], 98, "broadcast")
    }
    if try !check.run(on: world) { throw Trouble(description: "failed") }
  }
}

switch CommandLine.arguments.dropFirst().first {
case "list": allChecks().forEach { print($0.name) }
case "throw": throwOnOneRank()
case "use-after-finalize": try useAfterFinalize()
case "stuck-unwind": stuckUnwind()
case "lines": printTogether()
case "sleep": sleep(600)
case "more-than-int32": moreThanInt32()
case "size": MPISession.run { print("size \($0.size)") }
default: runChecks(Array(CommandLine.arguments.dropFirst()))
}
