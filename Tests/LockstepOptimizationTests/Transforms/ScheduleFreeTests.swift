import LockstepEngine
import LockstepOptimization
import Testing

@Suite struct ScheduleFreeTests {
  /// Gradients are wanted at (1 − β) z + β x, and before the first update at the weights themselves.
  @Test func theTrainingPointLiesBetweenAverageAndFastWeights() throws {
    let trial = try Trial(mixedLayout, .scheduleFreeSGD(learningRate: 0.1, momentum: 0.75))
    let start = trial.parameters
    var point = start
    point.withUnsafeMutableBufferPointer { trial.rule.moveToTrainingPoint(parameters: $0) }
    #expect(bits(point) == bits(start))
    let gradient = randomArena(mixedLayout, seed: 3)
    for step in 0..<3 { try trial.step(step, gradient) }
    // z after t steps of one gradient is 3 steps away, and the average of the three is 2.
    point = trial.parameters
    point.withUnsafeMutableBufferPointer { trial.rule.moveToTrainingPoint(parameters: $0) }
    for slot in mixedLayout.slots {
      for i in slot.range {
        #expect((trial.parameters[i] - (start[i] - 0.2 * gradient[i])).magnitude < 1e-5)
        #expect((point[i] - (start[i] - 0.225 * gradient[i])).magnitude < 1e-5)
      }
    }
    #expect(try !Trial(mixedLayout, .adam()).rule.hasTrainingPoint)
  }

  /// The learning rate that is reported is the one that the fast weights move by.
  @Test func theScheduleIsReported() throws {
    let trial = try Trial(mixedLayout, .scheduleFreeAdamW(learningRate: 0.125))
    let report = try trial.step(0, randomArena(mixedLayout, seed: 1))
    #expect(report.learningRate == 0.125)
  }
}
