import LockstepEngine
import LockstepFold
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct UpdateWatchTests {
  private static let layout = FlatLayout([("a", [4, 2]), ("b", [3]), ("c", [3])])

  /// The gradients of a run of a rule, and what is noticed of it.
  private func notices(
    _ chain: Chain, _ constraints: [WeightConstraint?] = [nil, nil, nil], steps: Int = 20,
    gradient: (Int) -> (Float, Float)
  ) throws -> [String] {
    let layout = Self.layout
    let rule = try UpdateRule(layout: layout, chain: chain, constraints: constraints)
    var watch = UpdateWatch(rule)
    var parameters = [Float](repeating: 0, count: layout.count)
    for (index, i) in layout.slots.flatMap({ Array($0.range) }).enumerated() {
      parameters[i] = Float(index % 5) - 2
    }
    var found: [String] = []
    for step in 0..<steps {
      let (first, others) = gradient(step)
      var values = [Float](repeating: 0, count: layout.count)
      for (slot, tensor) in layout.slots.enumerated() {
        for i in tensor.range { values[i] = slot == 0 ? first : others }
      }
      let report = try rule.update(&parameters, gradient: values, step: step)
      found += parameters.withUnsafeMutableBufferPointer {
        watch.notices(
          StepReport(
            step: step + 1, loss: 1, weight: 1, examples: 1, metrics: [], update: report,
            requests: []), isLast: step + 1 == steps, parameters: $0)
      }
    }
    return found
  }

  private let clip = Chain(ClipByGlobalNorm(1))

  @Test func whatIsAsItShouldBeIsNotMentioned() throws {
    let quiet = try notices(clip + .adam(), [.maxNorm(30), nil, nil]) { _ in (0.1, 0.1) }
    #expect(quiet == [])
    // Half of the steps is not more than half.
    #expect(try notices(clip + .adam()) { $0 % 2 == 0 ? (1, 1) : (0.1, 0.1) } == [])
    // Too few to say anything.
    #expect(try notices(clip + .adam(), steps: 9) { _ in (1, 1) } == [])
  }

  @Test func runsThatClipMostStepsAreNoticed() throws {
    let found = try notices(clip + .adam()) { $0 % 3 > 0 ? (1, 1) : (0.1, 0.1) }
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("13 of 20 steps were clipped") == true)
    // A limit that follows the norms is nobody's choice.
    #expect(try notices(Chain(AutoClip()) + .adam()) { (Float(20 - $0), Float(20 - $0)) } == [])
  }

  @Test func aTensorWithNearlyAllOfTheNormIsNoticed() throws {
    let found = try notices(.adam()) { _ in (1, 0.01) }
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("'a' holds more than 99 %") == true)
    #expect(try notices(.adam()) { $0 < 10 ? (1, 0.01) : (1, 1) } == [])
  }

  @Test func aClipBelowEpsilonIsNoticed() throws {
    let found = try notices(Chain(ClipByGlobalNorm(1e-9)) + .adam()) { _ in (1, 1) }
    #expect(found.count == 2)
    #expect(found.contains { $0.contains("below the optimizer's epsilon") })
  }

  @Test func aConstraintThatHoldsEveryUnitIsNoticed() throws {
    let found = try notices(.sgd(learningRate: 1), [.maxNorm(0.5), nil, nil]) { _ in (0.3, 0.3) }
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("the constraint of 'a' holds every unit") == true)
    #expect(try notices(.sgd(), [.unitNorm(), nil, nil]) { _ in (0.3, 0.3) } == [])
  }

  /// Once a run, however long it is.
  @Test func nothingIsSaidTwice() throws {
    let found = try notices(clip + .adam(), steps: 3 * UpdateWatch.interval) { _ in (1, 1) }
    #expect(found.count == 1)
  }
}
