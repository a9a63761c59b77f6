import LockstepEngine
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
      deadline: .seconds(120), processors: ranks)
    if result.ending == .exited(77) {
      print("skipped: \(result.errorOutput)")
      return nil
    }
    return result
  }

  /// The bytes that the first host sent to others, a step of a benchmark; nil where there are no hosts.
  private func sentBytes(_ options: [String], ranks: Int) throws -> Double? {
    let command = ["benchmark", "step", "--windows", "1", "--seconds", "0.3", "--json"]
    guard let result = try Self.run(hosts: 2, ranks: ranks, [], command + options) else {
      return nil
    }
    let line = try #require(result.lines.last { $0.hasPrefix("{") }, "\(result.transcript)")
    return try #require(try JSONValue.parse(line)["networkBytesPerStep"]?.doubleValue)
  }

  /// What the hosts' interfaces count: a gradient each way a step, 4 bytes a value or 2, headers and
  /// acknowledgements beside, on one rank a host and on several. So many examples' factors would be
  /// more than the gradient.
  @Test(arguments: [2, 4]) func bf16HalvesTheBytesOnTheWire(ranks: Int) throws {
    let values: Double = 1_863_690
    for (wire, bytes) in [("float32", 4.0), ("bfloat16", 2.0)] {
      let options = ["--model", "mlp", "--batch", "1024", "--shards", "8", "--wire", wire]
      guard let sent = try sentBytes(options, ranks: ranks) else { return }
      #expect(sent > bytes * values && sent < bytes * values * 1.1, "\(wire): \(sent)")
    }
  }

  /// Of 128 examples the factors of the two large layers: dy of 64 of them for both, x for the second
  /// alone; and sums of the small slots, and half of the parameters where owners update them.
  @Test(
    .enabled(if: InstructionSet.detected.multipliesAndAddsAtOnce),
    arguments: [2, 4], ["replicated", "sharded"])
  func factorsAreFewerBytes(ranks: Int, update: String) throws {
    let options = ["--model", "mlp", "--batch", "128", "--shards", "4", "--update", update]
    guard let sent = try sentBytes(options, ranks: ranks) else { return }
    let factors = 4.0 * 64 * (1024 + 1024 + 1024)
    let parameters = update == "sharded" ? 4.0 * 1_863_690 / 2 : 0
    let least = factors + parameters
    #expect(sent > least && sent < 1.1 * least + 100_000, "\(sent)")
  }

  /// What travels is told, and the bits are one process's.
  @Test(.enabled(if: InstructionSet.detected.multipliesAndAddsAtOnce))
  func largeLayersTravelAsFactors() throws {
    let training =
      Self.training + ["--set", "model.sizes=[512,256,10]", "--set", "batchSize=32"]
    let alone = try Lockstep.run(training)
    let expected = try #require(alone.fingerprint)
    #expect(!alone.output.contains("as factors"))
    let told = #/gradients travel in buckets of \d+ KiB, those of 1\.weight, 4\.weight as factors/#
    for ranks in [2, 3] {
      guard let result = try Self.run(hosts: 2, ranks: ranks, ["--rate", "1gbit"], training) else {
        return
      }
      #expect(result.fingerprint == expected, "\(result.transcript)")
      #expect(result.output.contains(told), "\(result.transcript)")
      let plan = try Self.run(
        hosts: 2, ranks: ranks, ["--rate", "1gbit"], training + ["--dry-run"])
      #expect(try #require(plan).output.contains("replicated: every rank updates all"))
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
