import Foundation
import LockstepOptimization
import Testing

@Suite struct ScheduleTests {
  @Test func cosineStaysAtItsMinimum() {
    let schedule = Schedule.cosine(initial: 1, steps: 10, minimum: 0.125)
    #expect(schedule.value(at: 0) == 1)
    #expect(schedule.value(at: 10) == 0.125)
    #expect(schedule.value(at: 1000) == 0.125)
  }

  @Test func polynomialEndsAtItsFinalRate() {
    let schedule = Schedule.polynomial(initial: 1, steps: 10, power: 2, final: 0.25)
    #expect(schedule.value(at: 0) == 1)
    #expect(schedule.value(at: 10) == 0.25)
    #expect(schedule.value(at: 11) == 0.25)
  }

  @Test func oneCycleStaysAtItsEnd() {
    for rise in [0.0, 0.1, 0.3, 1.0] {
      let schedule = Schedule.oneCycle(peak: 1, steps: 10, rise: rise, divisor: 4, finalDivisor: 8)
      let rates = (0..<20).map { schedule.value(at: $0) }
      #expect(rates.allSatisfy { $0 > 0 && $0 <= 1 })
      #expect(rates[9...].allSatisfy { $0 == rates[9] })
      if rise < 1 { #expect((rates[9] - 1.0 / 32).magnitude <= 1e-15) }
    }
  }

  @Test func warmupHandsOverToTheSchedulesOwnStart() {
    let inner = Schedule.exponential(initial: 0.5, factor: 0.9)
    let schedule = Schedule.warmup(steps: 4, start: 0, then: inner)
    #expect((0..<4).map { schedule.value(at: $0) } == [0, 0.125, 0.25, 0.375])
    for step in 0..<10 { #expect(schedule.value(at: step + 4) == inner.value(at: step)) }
  }

  /// The elementary functions of the schedules against the system's, through rates.
  @Test func ratesAgreeWithTheLibrary() {
    for step in 0..<1000 {
      let cosine = Schedule.cosine(initial: 2, steps: 1000).value(at: step)
      #expect((cosine - (1 + cos(Double.pi * Double(step) / 1000))).magnitude <= 1e-15)
      let power = Schedule.polynomial(initial: 1, steps: 1000, power: 0.9).value(at: step)
      let expected = pow(1 - Double(step) / 1000, 0.9)
      #expect((power - expected).magnitude <= 4e-15 * expected)
    }
  }

  @Test(arguments: [
    (Schedule.constant(-1), "learningRate"), (.constant(.nan), "learningRate"),
    (.step(initial: 1, every: 0, factor: 0.5), "every"),
    (.step(initial: 1, every: 2, factor: -0.5), "factor"),
    (.multiStep(initial: 1, milestones: [4, 4], factor: 0.5), "milestones"),
    (.exponential(initial: .infinity, factor: 0.5), "learningRate"),
    (.cosine(initial: 1, steps: 0), "steps"),
    (.cosine(initial: 1, steps: 3, minimum: -1), "minimum"),
    (.cosineRestarts(initial: 1, period: 0), "period"),
    (.polynomial(initial: 1, steps: 5, power: 0), "power"),
    (.oneCycle(peak: 1, steps: 1), "steps"), (.oneCycle(peak: 1, steps: 9, rise: 1.5), "rise"),
    (.oneCycle(peak: 1, steps: 9, divisor: 0), "divisor"),
    (.inverseTime(initial: 1, rate: -1), "rate"),
    (.warmup(steps: -1, start: 0, then: 1), "warmupSteps"),
    (.warmup(steps: 1, start: 2, then: 1), "warmupStart"),
    (.warmup(steps: 1, start: 0, then: .constant(-1)), "learningRate"),
  ])
  func badNumbersAreNamed(_ schedule: Schedule, _ key: String) {
    let error = #expect(throws: HyperparameterError.self) { try schedule.validate() }
    #expect(error?.key == key)
  }
}
