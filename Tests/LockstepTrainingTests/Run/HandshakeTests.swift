import LockstepCollective
import LockstepFiles
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct HandshakeTests {
  @Test func whatDiffersIsNamedOnAllRanks() throws {
    for odd in 0..<3 {
      let errors = try group(of: 3) { group -> String in
        var handshake = Handshake()
        handshake.add("the data", "same")
        handshake.add("the configuration", group.rank == odd ? "a" : "b")
        do {
          try handshake.agree(on: group)
          return "agreed"
        } catch { return "\(error)" }
      }
      let ranks = odd == 0 ? "ranks 1, 2" : "rank \(odd)"
      for error in errors {
        #expect(error.hasPrefix("the configuration on \(ranks) differs from rank 0's"))
      }
    }
  }

  @Test func equalRanksAgree() throws {
    for ranks in 1...4 {
      _ = try group(of: ranks) { group in
        var handshake = Handshake()
        handshake.add("the data", "same")
        handshake.add("the model", Fingerprint(of: "same"))
        try handshake.agree(on: group)
      }
    }
  }

  @Test func differentNumbersOfItemsAreDifferentPrograms() throws {
    let errors = try group(of: 2) { group -> HandshakeError? in
      var handshake = Handshake()
      if group.rank == 1 { handshake.add("the data", "same") }
      do {
        try handshake.agree(on: group)
        return nil
      } catch let error as HandshakeError { return error }
    }
    for error in errors { #expect(error?.item == "the program") }
  }

  @Test func aTrainerRefusesRanksWithDifferentConfigurations() throws {
    let errors = try group(of: 3) { group -> String in
      var run = RegressionRun()
      run.configuration = ["seed": .integer(group.rank == 2 ? 7 : 5)]
      do {
        _ = try run.train(on: group, nil, false)
        return "trained"
      } catch { return "\(error)" }
    }
    for error in errors { #expect(error.hasPrefix("the configuration on rank 2 differs")) }
  }

  @Test func optionsThatMakeNoSenseAreNamed() {
    var options = TrainerOptions(epochs: 1)
    options.checkpointEverySteps = 0
    #expect(throws: TrainerOptionsError.self) { try options.validate() }
    #expect(throws: TrainerOptionsError.self) { try TrainerOptions(epochs: 0).validate() }
    #expect(throws: Never.self) { try TrainerOptions(epochs: 1).validate() }
  }
}
