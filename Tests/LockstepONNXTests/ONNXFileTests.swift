import LockstepEngine
import LockstepFiles
import Testing

@testable import LockstepONNX

@Suite struct ONNXFileTests {
  @Test func textsOfAList() {
    #expect(ONNXReader.list("['', 'encoder', 'encoder.0']") == ["encoder", "encoder.0"])
  }
}
