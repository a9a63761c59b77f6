import LockstepTesting
import Testing

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

  @Test func ranksThatAreNoNumbersAreNamed() throws {
    let result = try Lockstep.run([
      "verify", Lockstep.example("digits-mlp"), "--ranks", "1,x",
    ])
    #expect(result.ending == .exited(2))
    #expect(result.complaints.first?.contains("found 'x'") == true)
  }
}
