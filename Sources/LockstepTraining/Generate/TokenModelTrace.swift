import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepState

/// A trained model of tokens with a copy of its weights, and how it is traced for other windows.
///
/// The weights are copied because a plan knows them by address: a training may move its own, or end.
struct TokenModelTrace {
  let vocabulary: Int
  private let model: any Model
  private let memory: ModelMemory
  private let isa: InstructionSet

  /// - Parameter window: the number of tokens that the weights are traced for.
  /// - Throws: `GraphError` where the model cannot be traced, or has other weights than the source.
  init(_ model: any Model, _ source: ModelSource, vocabulary: Int, window: Int) throws {
    self.model = model
    self.vocabulary = vocabulary
    isa = source.model.isa
    let trace = try Self.trace(model, length: window, carrying: false)
    let program = try Program(evaluating: trace.graph, scalars: [], outputs: [trace.output])
    memory = try ModelMemory(program, copying: source.memory)
  }

  private static func trace(
    _ model: any Model, length: Int, carrying: Bool
  ) throws(GraphError) -> Trace {
    try LockstepLayers.trace(
      SingleInputModel(model),
      inputs: [TracedInput(ExampleField.inputName, [length], .int32)], batchCount: 1,
      training: false, freezing: Freezing(), carrying: carrying ? .all : .none)
  }

  /// The model on one example of so many tokens.
  func lane(length: Int, carrying: Bool) throws -> (lane: Lane, states: [Graph.CarriedState]) {
    let trace = try Self.trace(model, length: length, carrying: carrying)
    guard trace.output.shape == [1, length, vocabulary] else {
      throw GraphError(
        "a model of texts gives logits for each position, [N, \(length), \(vocabulary)] for windows of "
          + "\(length) tokens of \(vocabulary); this one gives \(trace.output.shape)")
    }
    let states = trace.graph.carriedStates
    let program = try Program(
      evaluating: trace.graph, scalars: [], outputs: [trace.output] + states.map(\.after))
    guard memory.fits(program) else {
      throw GraphError("the model declares other parameters for \(length) tokens than in training")
    }
    // Texts are made in Float32, whatever training computes in.
    let plan = try Plan(
      program, parameters: memory.parameters, statistics: memory.runningStatistics, isa: isa,
      options: PlanOptions())
    try plan.packParameters()
    return (try Lane(plan), states)
  }
}

extension ModelMemory {
  /// Memory for a program with the values of another one's, found by their names: which parameters are
  /// frozen decides where they lie.
  fileprivate convenience init(_ program: Program, copying other: ModelMemory) throws(GraphError) {
    self.init(program)
    var places: [String: (start: Int, shape: [Int])] = [:]
    for slot in other.trainableLayout.slots {
      places[slot.name] = (slot.range.lowerBound, slot.shape)
    }
    for slot in other.frozenLayout.slots {
      places[slot.name] = (other.trainableLayout.count + slot.range.lowerBound, slot.shape)
    }
    for slot in program.parameterLayout.slots {
      guard let place = places[slot.name], place.shape == slot.shape else {
        throw GraphError("the model's parameter '\(slot.name)' is not one of the weights")
      }
      for index in 0..<slot.range.count {
        parameters[slot.range.lowerBound + index] = other.parameters[place.start + index]
      }
    }
    guard statisticLayout == other.statisticLayout else {
      throw GraphError("the model's running statistics are not those of the weights")
    }
    for index in runningStatistics.indices {
      runningStatistics[index] = other.runningStatistics[index]
    }
  }
}
