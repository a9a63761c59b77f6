import MPITesting
import Testing

/// Runs the check program under mpirun: every operation on every datatype.
@Suite struct MPIChecksTests {
  /// The checks that must have run, written down apart from the program's own list.
  static let expectedNames: Set<String> = {
    let integers = [
      "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Int", "UInt",
    ]
    let numbers = integers + ["Float", "Double", "MPIBFloat16"]
    var names: Set<String> = [
      "logical.Bool", "user.noncommutative", "user.runs", "user.slots", "bf16.rounding", "probe",
      "wait.any-some-all", "test", "cancel", "scope.throws", "scope.ends", "scope.lives-long",
      "scope.failures", "refusals.values", "refusals.freed", "spans", "nonblocking.user",
      "nonblocking.in-place-parts", "communicators", "sub-communicators", "zero-length",
      "large-counts", "library",
      "window", "window.claims", "window.counters", "persistent", "window.space", "refusals.ranks",
      "refusals.counts", "refusals.truncation",
      "refusals.disagreement",
      "topology.dimensions", "topology.places", "topology.sendReceive", "topology.collectives",
      "topology.subgrids", "topology.refusals",
      "layout.columns.Float", "layout.columns.Int8", "layout.columns.MPIBFloat16",
      "layout.blocks", "layout.selections-end", "layout.fields", "layout.refusals",
      "onesided.parts", "onesided.locks", "onesided.tickets", "onesided.structs", "onesided.many",
      "onesided.refusals", "groups.sets", "groups.communicators", "small.one-value",
      "small.combine", "small.hints", "small.raw", "small.operations-agree",
      "persistent.collectives", "documented",
    ]
    let general = [
      "sum", "product", "minimum", "maximum", "exchange", "messages", "nonblocking",
      "onesided",
    ]
    for kind in general { names.formUnion(numbers.map { "\(kind).\($0)" }) }
    names.formUnion(integers.map { "bits.\($0)" })
    names.formUnion(
      ["Int16", "Int32", "Int64", "Int", "Float", "Double"].map { "location.\($0)" })
    return names
  }()

  @Test(arguments: 1...5)
  func everyCheckHoldsOnRanks(_ ranks: Int) throws {
    let result = try MPIRunner.run(
      MPIRunner.builtExecutable("mpi-checks"), ["all"], ranks: ranks, deadline: .seconds(120))
    #expect(result.succeeded, "\(result.transcript)")
    let passed = Set(result.lines.filter { $0.hasPrefix("ok ") }.map { String($0.dropFirst(3)) })
    #expect(result.lines.filter { $0.hasPrefix("FAIL") } == [])
    #expect(passed.symmetricDifference(Self.expectedNames) == [])
  }

  /// The program can fail: what one rank finds wrong is named, and the job's code says so.
  @Test func aFailingCheckIsNamed() throws {
    let result = try MPIRunner.run(
      MPIRunner.builtExecutable("mpi-checks"), ["failing"], ranks: 3, deadline: .seconds(60))
    #expect(result.ending == .exited(1), "\(result.transcript)")
    #expect(result.lines.contains("FAIL failing: rank 2: rank: 2, expected 0"))
  }
}
