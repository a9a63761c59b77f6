import LockstepFiles
import LockstepTesting
import Testing

/// Several hosts of network namespaces: the bits of one host, whatever the mapping and whatever
/// algorithms Open MPI takes for its collectives.
@Suite struct HostsTests {
  static let training =
    ["train", Lockstep.example("digits-mlp"), "--run-directory", "none"]
    + ["--set", "shards=8", "--set", "steps=12"]

  /// Runs over hosts; nil where namespaces are not permitted.
  static func run(
    hosts: Int, ranks: Int, _ options: [String], _ command: [String] = training
  ) throws -> ProgramResult? {
    let script = Lockstep.example("x").dropLast("/Examples/x.json".count) + "/scripts/with-hosts.sh"
    let program = try MPIRunner.builtExecutable("lockstep")
    let result = try MPIRunner.runAlone(
      String(script), ["\(hosts)", "\(ranks)"] + options + [program] + command,
      deadline: .seconds(120))
    if result.ending == .exited(77) {
      print("skipped: \(result.errorOutput)")
      return nil
    }
    return result
  }

  /// What the hosts' interfaces count: a gradient each way a step, 4 bytes a value or 2, headers and
  /// acknowledgements beside, on one rank a host and on several.
  @Test(arguments: [2, 4]) func bf16HalvesTheBytesOnTheWire(ranks: Int) throws {
    let values: Double = 1_863_690
    for (wire, bytes) in [("float32", 4.0), ("bfloat16", 2.0)] {
      let command = [
        "benchmark", "step", "--model", "mlp", "--batch", "128", "--windows", "1", "--seconds",
        "0.3", "--wire", wire, "--json",
      ]
      guard let result = try Self.run(hosts: 2, ranks: ranks, [], command) else { return }
      let line = try #require(result.lines.last { $0.hasPrefix("{") }, "\(result.transcript)")
      let sent = try #require(try JSONValue.parse(line)["networkBytesPerStep"]?.doubleValue)
      #expect(sent > bytes * values && sent < bytes * values * 1.1, "\(wire): \(sent)")
    }
  }

  @Test(arguments: [
    (2, 2, []), (2, 5, []), (3, 7, []), (4, 8, []), (2, 6, ["--map-by", "node"]),
    (
      3, 6,
      [
        "--mca", "coll_tuned_use_dynamic_rules", "1", "--mca",
        "coll_tuned_allgatherv_algorithm", "3",
      ]
    ),
    (
      2, 4,
      [
        "--mca", "coll_tuned_use_dynamic_rules", "1", "--mca",
        "coll_tuned_allgather_algorithm", "4", "--mca", "coll_tuned_bcast_algorithm", "3",
      ]
    ),
    (2, 4, ["--mca", "coll", "basic,libnbc,inter,self"]),
  ])
  func hostsDoNotChangeTheBits(_ hosts: Int, _ ranks: Int, _ options: [String]) throws {
    let alone = try Lockstep.run(Self.training)
    let expected = try #require(alone.fingerprint, "\(alone.transcript)")
    guard let result = try Self.run(hosts: hosts, ranks: ranks, options) else { return }
    #expect(result.fingerprint == expected, "\(result.transcript)")
    #expect(result.output.contains("over \(ranks) ranks"))
  }
}
