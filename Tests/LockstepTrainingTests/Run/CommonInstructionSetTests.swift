import LockstepCollective
import LockstepEngine
import LockstepFiles
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct CommonInstructionSetTests {
  @Test func equalProcessorsUseTheirBest() throws {
    for set in try group(of: 3, { try InstructionSet.agree(on: $0) }) {
      #expect(set == .detected)
      #expect(InstructionSet.current == .detected)
    }
  }

  @Test func aSetThatIsNotThereIsRefusedWithTheRank() throws {
    guard InstructionSet.detected < .avx512 else { return }
    #expect(throws: InstructionSetError.self) {
      try InstructionSet.agree(on: SoloCollective(), pinned: .avx512)
    }
  }

  @Test func theErrorSaysWhatToDo() {
    let error = InstructionSetError(pinned: .avx512, rank: 3, found: .avx2)
    #expect(
      error.description
        == "the instruction set avx512 is asked for and the processor of rank 3 has avx2: pin "
        + "avx2, or none")
  }

  @Test func programAndLibrariesAreTheSameOnThreadsOfOneProcess() throws {
    _ = try group(of: 2) { group in
      var handshake = Handshake()
      try handshake.addProgramAndLibraries()
      try handshake.agree(on: group)
    }
  }
}
