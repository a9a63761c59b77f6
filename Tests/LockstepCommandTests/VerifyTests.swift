import LockstepFiles
import LockstepTesting
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// `lockstep verify` compares stage by stage, and names what differs.
@Suite struct VerifyTests {
  @Test func equalRunsAreSaidToBe() throws {
    let result = try Lockstep.run(
      [
        "verify", Lockstep.example("digits-cnn"), "--ranks", "1,2,3", "--steps", "3", "--set",
        "shards=4",
      ], deadline: .seconds(120))
    #expect(result.succeeded, "\(result.transcript)")
    #expect(result.output.contains("3 ranks: the same"))
    #expect(result.lines.contains("the same bits in every stage of 3 steps"))
  }

  /// Sums in MPI's own order differ where three ranks add; a flipped bit differs where it was flipped.
  @Test func theFirstDifferenceIsNamed() throws {
    let example = Lockstep.example("digits-mlp")
    let sums = try Lockstep.run(
      [
        "verify", example, "--ranks", "1,3", "--steps", "3", "--set", "shards=8", "--set",
        "reduction=allreduce",
      ], deadline: .seconds(120))
    #expect(sums.ending == .exited(1), "\(sums.transcript)")
    #expect(sums.output.contains("3 ranks differ from 1: step 1, gradient/"))
    // Of one copy for all the state shows it, of a replica the next gradient.
    for (update, place) in [
      ("sharded", "step 3, state/model/1.weight"), ("replicated", "step 4, gradient/"),
    ] {
      let flipped = try Lockstep.run(
        [
          "verify", example, "--ranks", "1,2", "--steps", "4", "--set", "shards=8", "--set",
          "update=\(update)",
        ],
        environment: ["LOCKSTEP_FAULT": "update:1:3:flip"], deadline: .seconds(120))
      #expect(flipped.ending == .exited(1), "\(flipped.transcript)")
      #expect(flipped.output.contains("2 ranks differ from 1: \(place)"), "\(flipped.output)")
    }
  }

  /// The ranks that are compared start where `train` does.
  @Test func initialWeightsAreNeeded() throws {
    let result = try Lockstep.run([
      "verify", Lockstep.example("digits-mlp"), "--ranks", "1", "--steps", "1", "--set",
      "initialWeights.file=/nowhere.safetensors",
    ])
    #expect(result.ending == .exited(2), "\(result.transcript)")
    #expect(result.errorOutput.contains("/nowhere.safetensors"))
  }

  /// A signal ends the ranks, too, and leaves no file of hashes.
  @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
  func aSignalLeavesNothingRunning(_ signal: Int32) throws {
    try withDirectory { directory in
      let program = try MPIRunner.builtExecutable("lockstep")
      // The path in the ranks' command lines tells them from all others.
      let file = "\(directory)/verify.json"
      try AtomicFile.write(
        file,
        text: String(
          decoding: try FileInput.contents(of: Lockstep.example("digits-mlp")), as: UTF8.self))
      func processes() -> [String] {
        ((try? SystemFileSystem().list("/proc")) ?? []).filter { name in
          guard Int(name) != nil, let file = fopen("/proc/\(name)/cmdline", "r") else {
            return false
          }
          defer { fclose(file) }
          var bytes = [UInt8](repeating: 0, count: 4096)
          let count = fread(&bytes, 1, bytes.count, file)
          let words = String(decoding: bytes[..<count], as: UTF8.self)
          return words.contains(directory) && words.contains("--hashes")
        }
      }
      let script = """
        '\(program)' verify '\(file)' --ranks 2 --steps 1000000 --set epochs=1000000 &
        pid=$!
        until grep -l -a -- --hashes /proc/[0-9]*/cmdline 2>/dev/null | xargs grep -l -a '\(directory)' \
          >/dev/null 2>&1; do sleep 0.1; done
        sleep 0.5
        kill -\(signal) $pid
        wait $pid
        """
      let result = try ProgramRunner.run(
        "bash", ["-m", "-c", script],
        environment: [
          "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        ])
      #expect(result.ending == .exited(75), "\(result.transcript)")
      #expect(result.errorOutput.contains("interrupted by a signal"), "\(result.transcript)")
      // Killed ranks may take a moment to be gone.
      for _ in 0..<600 where !processes().isEmpty { usleep(100_000) }
      #expect(processes().isEmpty)
    }
  }

  /// verify starts its jobs itself, and none where one of them has more ranks than shards.
  @Test func whatCannotBeStartedIsRefusedFirst() throws {
    let example = Lockstep.example("digits-mlp")
    let nested = try Lockstep.run(["verify", example], ranks: 2)
    #expect(nested.ending == .exited(2), "\(nested.transcript)")
    #expect(nested.complaints.count == 1, "\(nested.transcript)")
    #expect(nested.complaints.first?.contains("start it without mpirun") == true)
    let many = try Lockstep.run(["verify", example, "--set", "shards=1", "--set", "batchSize=32"])
    #expect(many.ending == .exited(2), "\(many.transcript)")
    #expect(
      many.complaints == [
        "lockstep: '--ranks': 3 ranks but only 1 shard of a batch ('batchSize') of 32 examples, and "
          + "each rank needs a shard: give fewer '--ranks', or set 'shards' (--set shards=4)"
      ], "\(many.transcript)")
    #expect(many.output.isEmpty)
    #expect(try Lockstep.run(["verify", "--help"]).output.contains("verify CONFIG.json [OPTIONS]"))
  }

  @Test func ranksThatAreNoNumbersAreNamed() throws {
    let result = try Lockstep.run([
      "verify", Lockstep.example("digits-mlp"), "--ranks", "1,x",
    ])
    #expect(result.ending == .exited(2))
    #expect(result.complaints.first?.contains("found 'x'") == true)
  }
}
