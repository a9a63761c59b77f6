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

  /// A shard whose gradient is not finite, in a step whose buckets are under way before anyone knows:
  /// the step is skipped, or the shard's part taken out, on all hosts, with the bits of one rank.
  @Test(arguments: [
    (#""skip""#, true), (#"{"policy": "sanitize", "replace": "values"}"#, false),
  ])
  func whatIsNotFiniteTravelsAndChangesNothing(policy: String, skips: Bool) throws {
    let training = [
      "train", Lockstep.example("digits-cnn"), "--run-directory", "none", "--set", "shards=8",
      "--set", "steps=6", "--set", "bucketBytes=20000", "--set", "nonFinite=\(policy)",
    ]
    let healthy = try #require(try Lockstep.run(training).fingerprint)
    let fault = "gradient:5:3:nan"
    let alone = try Lockstep.run(training, environment: ["LOCKSTEP_FAULT": fault])
    let expected = try #require(alone.fingerprint, "\(alone.transcript)")
    #expect(expected != healthy)
    for (hosts, ranks) in [(2, 4), (3, 3)] {
      for update in ["replicated", "sharded"] {
        guard
          let result = try Self.run(
            hosts: hosts, ranks: ranks, ["--mca", "mca_base_env_list", "LOCKSTEP_FAULT=\(fault)"],
            training + ["--set", "update=\(update)"])
        else { return }
        #expect(result.fingerprint == expected, "\(result.transcript)")
        let said = result.output.contains(
          #/skipped: step 3: not finite: 0\.weight\[0\] = nan in shard 5 on rank \d/#)
        #expect(said == skips, "\(result.transcript)")
      }
    }
  }

  /// The link is measured and told unless a bucket's size is given; neither changes a bit, nor does a
  /// profile, which says what of the messages lay beside work and shows each.
  @Test func bucketsFollowTheLinkUnlessTheyAreGiven() throws {
    let expected = try #require(try Lockstep.run(Self.training).fingerprint)
    let told = #/between nodes +\d+\.\d µs, \d+\.\d\d Gbit/s each way: .*buckets of \d+ KiB/#
    guard let chosen = try Self.run(hosts: 2, ranks: 3, ["--rate", "1gbit"]) else { return }
    #expect(chosen.fingerprint == expected, "\(chosen.transcript)")
    #expect(chosen.output.contains(told), "\(chosen.transcript)")
    let given = Self.training + ["--set", "bucketBytes=20000"]
    let plan = try Self.run(hosts: 2, ranks: 3, [], given + ["--dry-run"])
    #expect(try #require(plan).output.contains("buckets of 20000 bytes, as configured"))
    let doctor = try #require(try Self.run(hosts: 2, ranks: 3, [], ["doctor"]))
    #expect(doctor.output.contains("link between hosts"), "\(doctor.transcript)")

    try withDirectory { directory in
      let path = "\(directory)/trace.json"
      let result = try #require(
        try Self.run(hosts: 2, ranks: 3, [], given + ["--profile", path]))
      #expect(result.fingerprint == expected, "\(result.transcript)")
      #expect(!result.output.contains(told))
      let share = try #require(
        result.output.firstMatch(of: #/under way, (\d+\.\d) % of communication hidden/#))
      #expect((0...100).contains(try #require(Double(share.1))))
      let trace = try JSONValue.parse(try FileInput.contents(of: path), source: path)
      let events = try #require(trace["traceEvents"]?.arrayValue)
      let messages = events.filter { $0["cat"]?.stringValue == "message" }
      #expect(Set(messages.compactMap { $0["name"]?.stringValue }) == ["partial sums", "folded"])
      let (begins, ends) = (
        messages.filter { $0["ph"]?.stringValue == "b" },
        messages.filter { $0["ph"]?.stringValue == "e" }
      )
      #expect(begins.count == ends.count && begins.count * 2 == messages.count)
      for (begin, end) in zip(begins, ends) {
        #expect(try #require(begin["ts"]?.doubleValue) <= #require(end["ts"]?.doubleValue))
      }
    }
  }
}
