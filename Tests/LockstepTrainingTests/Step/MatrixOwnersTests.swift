import LockstepTraining
import Testing

@Suite struct MatrixOwnersTests {
  @Test func runsTileTheMatricesInOrder() {
    let costs: [Double] = [5, 1, 0, 7, 3, 3, 9, 2]
    for ranks in 1...12 {
      let runs = MatrixOwners.runs(of: costs, over: ranks)
      #expect(runs.count == ranks)
      #expect(runs.flatMap { Array($0) } == Array(costs.indices))
    }
    #expect(MatrixOwners.runs(of: [], over: 2) == [0..<0, 0..<0])
  }

  /// Slots without a matrix lie in between, and belong to nobody.
  @Test func ranksHaveTheSlotsOfTheirRuns() {
    let operations: [Double?] = [nil, 5, nil, 1, 4, nil, 9, nil]
    #expect(MatrixOwners.slots(of: operations, over: 1) == [1..<7])
    #expect(MatrixOwners.slots(of: operations, over: 2) == [1..<5, 6..<7])
    #expect(MatrixOwners.slots(of: operations, over: 3) == [1..<4, 4..<5, 6..<7])
    #expect(MatrixOwners.slots(of: operations, over: 5).last == 0..<0)
    #expect(MatrixOwners.slots(of: [nil, nil], over: 2) == [0..<0, 0..<0])
  }

  /// No other cut into runs has a cheaper dearest run.
  @Test(arguments: 1...5) func theDearestRunIsAsCheapAsCanBe(_ ranks: Int) {
    let costs: [Double] = [5, 1, 1, 7, 3, 3, 9, 2]
    func best(_ start: Int, _ runs: Int) -> Double {
      if runs == 1 { return costs[start...].reduce(0, +) }
      return (start...costs.count).map { end in
        max(costs[start..<end].reduce(0, +), best(end, runs - 1))
      }.min()!
    }
    let dearest = MatrixOwners.runs(of: costs, over: ranks).map { costs[$0].reduce(0, +) }.max()
    #expect(dearest == best(0, ranks))
  }
}
