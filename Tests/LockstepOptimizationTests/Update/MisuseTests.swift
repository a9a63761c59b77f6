import LockstepEngine
import LockstepOptimization
import Testing

/// What a program does wrong with updates and schedules is an error, or a NaN that the next call
/// refuses, and no trap.
@Suite struct MisuseTests {
  private static let layout = FlatLayout([("w", [3, 4]), ("b", [3])])

  private struct Asking: GradientTransform {
    let ask: @Sendable (Measurements) -> Double
    func validate() throws {}
    func bind(to context: TransformContext) -> any BoundTransform { Bound(ask) }

    private final class Bound: BoundTransform {
      let ask: (Measurements) -> Double
      init(_ ask: @escaping (Measurements) -> Double) { self.ask = ask }
      func prepare(_ step: StepContext) { _ = ask(step.measurements) }
      func apply(_ block: BlockView) {
        if block.input != UnsafePointer(block.output) {
          block.output.update(from: block.input, count: block.count)
        }
      }
    }
  }

  @Test("a transform that asks for what it did not declare, or of a tensor that is not there")
  func measures() throws {
    let asks: [@Sendable (Measurements) -> Double] = [
      { $0.norm(.parameters) }, { $0.norm(.update(.two), slot: 2) },
      { $0.norm(.update(.two), slot: -1) }, { $0.norm(.update(.two), blocks: 0..<99) },
    ]
    for ask in asks {
      let rule = try UpdateRule(layout: Self.layout, chain: Chain(Asking(ask: ask)))
      #expect(throws: UpdateError.self) {
        try rule.prepare(step: 0, blockSums: [Double](repeating: 1, count: rule.blocks.count))
      }
    }
    let fine = try UpdateRule(
      layout: Self.layout, chain: Chain(Asking { $0.norm(.update(.two), slot: 1) }))
    try fine.prepare(step: 0, blockSums: [Double](repeating: 1, count: fine.blocks.count))
  }

  @Test("blocks and buffers that are not there")
  func blocks() throws {
    let rule = try UpdateRule(layout: Self.layout, chain: .sgd())
    let (gradient, short) = (Arena<Float>(count: rule.layout.count), Arena<Float>(count: 5))
    for (block, buffer) in [(99, gradient.buffer), (-1, gradient.buffer), (0, short.buffer)] {
      let sum = rule.measure(block: block, in: UnsafeBufferPointer(buffer))
      #expect(sum.isNaN)
    }
    #expect(rule.measure(block: 0, in: UnsafeBufferPointer(gradient.buffer)) == 0)
    #expect(throws: NonFiniteGradient.self) {
      try rule.prepare(
        step: 0, blockSums: [.nan] + Array(repeating: 0, count: rule.blocks.count - 1))
    }
    #expect(throws: UpdateError.self) { try rule.projectGathered(parameters: short.buffer) }
    #expect(throws: GraphError.self) {
      try UpdateRule(layout: FlatLayout([("w", [-1, 3])]), chain: .sgd())
    }
  }

  @Test("schedules that validate() refuses, and steps below 0, have no rate")
  func schedules() {
    let senseless: [Schedule] = [
      .step(initial: 1, every: 0, factor: 0.5), .cosineRestarts(initial: 1, period: 0),
      .cosineRestarts(initial: 1, period: 1, growth: 0), .cosine(initial: 1, steps: 0),
      .warmup(steps: -1, start: 0, then: 1), .oneCycle(peak: 1, steps: 1),
    ]
    for schedule in senseless {
      #expect(throws: HyperparameterError.self) { try schedule.validate() }
      #expect(schedule.value(at: 7).isNaN, "\(schedule)")
    }
    #expect(Schedule.constant(1).value(at: -1).isNaN)
    let wide = Schedule.cosineRestarts(initial: 1, period: 3, growth: 1 << 49)
    #expect(wide.value(at: .max - 1).isFinite)
  }
}
