import LockstepReports
import Testing

@Suite struct SuccessiveHalvingTests {
  @Test func placesAreFractionsOfARun() {
    func steps(_ factor: Int, _ total: Int) -> [Int] {
      SuccessiveHalving(factor: factor).places(steps: total).map(\.step)
    }
    #expect(steps(3, 45) == [2, 5, 15])
    #expect(steps(2, 100) == [13, 25, 50])
    // No place twice, none at the end.
    for total in 0...40 {
      for factor in 2...5 {
        let places = SuccessiveHalving(factor: factor).places(steps: total)
        #expect(
          zip(places, places.dropFirst()).allSatisfy { $0.step < $1.step && $0.rung > $1.rung })
        #expect(places.allSatisfy { 0 < $0.step && $0.step < total })
      }
    }
  }

  /// The first run goes on, and so does each that is among the best third of those so far.
  @Test func theBestGoOn() {
    var halving = SuccessiveHalving(factor: 3)
    let losses: [Double] = [5, 6, 4, 3, 4.5, 3.5, .nan, .infinity, 3.6]
    let expected = [true, false, true, true, false, true, false, false, true]
    #expect(losses.map { halving.goesOn(rung: 1, loss: $0) } == expected)
    // Each place has its own losses.
    let first = halving.goesOn(rung: 0, loss: 100)
    #expect(first)
  }
}
