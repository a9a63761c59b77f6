import LockstepMPI
import Testing

@Suite struct MPIBFloat16Tests {
  /// Of the two bf16 neighbours of a Float32, the nearer one; of equally near ones, the even one.
  @Test func roundsToTheNearestEven() {
    for upper in stride(from: UInt32(0), to: 0x7f80, by: 37) {
      for lower: UInt32 in [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
        let value = Float(bitPattern: upper << 16 | lower)
        let up = lower > 0x8000 || (lower == 0x8000 && upper & 1 == 1)
        #expect(MPIBFloat16(value).bitPattern == UInt16(up ? upper + 1 : upper))
        #expect(MPIBFloat16(-value).bitPattern == UInt16(up ? upper + 1 : upper) | 0x8000)
      }
    }
  }

  @Test func keepsWhatIsNoNumber() {
    #expect(MPIBFloat16(.infinity).float == .infinity)
    #expect(MPIBFloat16(Float.greatestFiniteMagnitude).float == .infinity)
    #expect(MPIBFloat16(.nan).float.isNaN)
    // A NaN whose payload lies in the lower half only must not become an infinity.
    #expect(MPIBFloat16(Float(bitPattern: 0x7f80_0001)).float.isNaN)
  }
}
