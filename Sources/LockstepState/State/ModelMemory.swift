import LockstepCollective
import LockstepEngine

/// A model's parameters and running statistics, in canonical layout.
package final class ModelMemory {
  /// What the parameters are, in the order of their slots: trainable ones first.
  package let specifications: [ParameterSpecification]
  /// The trainable parameters' layout.
  package let trainableLayout: FlatLayout
  /// The frozen parameters' layout.
  package let frozenLayout: FlatLayout
  /// The running statistics' layout.
  package let statisticLayout: FlatLayout
  package let statistics: [StatisticSpecification]
  /// The names of all parameters in declaration order, trainable or frozen.
  package let declaredNames: [String]

  /// The trainable parameters, then the frozen ones.
  package private(set) var parameters: UnsafeMutableBufferPointer<Float>
  /// Whether ranks share the parameters.
  package private(set) var isShared = false
  /// Keeps the parameters' memory.
  private var parameterOwner: AnyObject
  private let statisticArena: Arena<Float>

  /// Memory for the model of a program, zero at first.
  package init(_ program: Program) {
    let graph = program.graph
    specifications =
      graph.parameters.filter(\.trainable) + graph.parameters.filter { !$0.trainable }
    declaredNames = graph.parameters.map(\.name)
    let trainable = specifications.filter(\.trainable)
    trainableLayout = FlatLayout(
      trainable.map { ($0.name, $0.shape) }, constraints: trainable.map(\.constraint),
      roles: program.parameterLayout.slots.prefix(trainable.count).map(\.role),
      heads: program.parameterLayout.slots.prefix(trainable.count).map(\.heads))
    frozenLayout = FlatLayout(
      specifications.filter { !$0.trainable }.map { ($0.name, $0.shape) }, constraints: [],
      roles: [], heads: program.parameterLayout.slots.dropFirst(trainable.count).map(\.heads))
    statisticLayout = program.statisticLayout
    statistics = graph.statistics
    let arena = Arena<Float>(count: program.parameterLayout.count)
    parameters = arena.buffer
    parameterOwner = arena
    statisticArena = Arena(count: program.statisticLayout.count)
  }

  /// Whether a program has the parameters and statistics that the memory was made for.
  package func fits(_ program: Program) -> Bool {
    program.parameterLayout.slots.map(\.shape) == specifications.map(\.shape)
      && program.parameterLayout.slots.map(\.name) == specifications.map(\.name)
      && program.statisticLayout == statisticLayout
  }

  /// The trainable parameters.
  package var trainable: UnsafeMutableBufferPointer<Float> {
    .init(rebasing: parameters[..<trainableLayout.count])
  }
  /// The frozen parameters.
  package var frozen: UnsafeMutableBufferPointer<Float> {
    .init(rebasing: parameters[trainableLayout.count...])
  }
  /// The running statistics.
  package var runningStatistics: UnsafeMutableBufferPointer<Float> { statisticArena.buffer }

  /// The values of all parameters and running statistics by their names.
  package var namedValues: [String: [Float]] {
    var values: [String: [Float]] = [:]
    for (layout, buffer) in [
      (trainableLayout, trainable), (frozenLayout, frozen), (statisticLayout, runningStatistics),
    ] {
      for slot in layout.slots { values[slot.name] = Array(buffer[slot.range]) }
    }
    return values
  }

  /// The names of ``stateEntries``: what a checkpoint's weights stand under.
  static let entryNames: Set = ["model", "model.frozen", "model.statistics"]

  /// Everything that a checkpoint holds of the model.
  package var stateEntries: [StateEntry] {
    var entries = [StateEntry("model", .arena(trainable, trainableLayout), shared: isShared)]
    if !frozenLayout.slots.isEmpty {
      entries.append(StateEntry("model.frozen", .arena(frozen, frozenLayout), shared: isShared))
    }
    if !statisticLayout.slots.isEmpty {
      entries.append(StateEntry("model.statistics", .arena(runningStatistics, statisticLayout)))
    }
    return entries
  }

  /// Moves the parameters to an arena that ranks share; the rank that `copies` takes the values
  /// along.
  package func share(_ arena: SharedArena, copies: Bool) {
    precondition(arena.buffer.count == parameters.count, "an arena of another size")
    if copies { _ = arena.buffer.update(fromContentsOf: parameters) }
    parameters = arena.buffer
    parameterOwner = arena
    isShared = true
  }

  /// Draws all parameters anew and resets the statistics. A parameter's values depend on the seed
  /// and the name that it is drawn as alone, so that adding a layer does not change the others.
  package func initialize(seed: UInt64) {
    func fill(
      _ slot: FlatLayout.Slot, of arena: UnsafeMutableBufferPointer<Float>,
      by initializer: any Initializer, drawnAs name: String
    ) {
      var random = CounterGenerator(seed: seed, .initialization, index: Self.hash(name))
      var values = UnsafeMutableBufferPointer(rebasing: arena[slot.range]).mutableSpan
      initializer.fill(&values, shape: slot.shape, using: &random)
    }
    let slots =
      trainableLayout.slots.map { ($0, trainable) } + frozenLayout.slots.map { ($0, frozen) }
    for (specification, (slot, arena)) in zip(specifications, slots) {
      fill(slot, of: arena, by: specification.initializer, drawnAs: specification.drawnAs)
    }
    for (statistic, slot) in zip(statistics, statisticLayout.slots) {
      if let draw = statistic.draw {
        fill(slot, of: runningStatistics, by: draw.initializer, drawnAs: draw.drawnAs)
        continue
      }
      let values = statistic.initialValues
      for (index, place) in slot.range.enumerated() {
        runningStatistics[place] = values[values.count == 1 ? 0 : index]
      }
    }
  }

  /// FNV-1a, 32 bits: a hash that is the same in every process.
  private static func hash(_ name: String) -> UInt32 {
    name.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
  }
}
