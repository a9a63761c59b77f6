import LockstepTesting
import Testing

/// Several hosts of network namespaces: the bits of one host, whatever the mapping and whatever
/// algorithms Open MPI takes for its collectives.
@Suite struct HostsTests {
  static let training =
    ["train", Lockstep.example("digits-mlp"), "--run-directory", "none"]
    + ["--set", "shards=8", "--set", "steps=12"]

  /// Runs over hosts; nil where namespaces are not permitted.
  static func run(hosts: Int, ranks: Int, _ options: [String]) throws -> ProgramResult? {
    let script = Lockstep.example("x").dropLast("/Examples/x.json".count) + "/scripts/with-hosts.sh"
    let program = try MPIRunner.builtExecutable("lockstep")
    let result = try MPIRunner.runAlone(
      String(script), ["\(hosts)", "\(ranks)"] + options + [program] + training,
      deadline: .seconds(120))
    if result.ending == .exited(77) {
      print("skipped: \(result.errorOutput)")
      return nil
    }
    return result
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
