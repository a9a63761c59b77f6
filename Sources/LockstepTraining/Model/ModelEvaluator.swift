import LockstepCollective
import LockstepState
import LockstepFold
import LockstepDatasets
import LockstepEngine

/// Runs a model for inference on a data set: its losses, its metrics, its predictions.
///
/// It shares the parameters and running statistics of a ``ModelSource``; dropout is off and batch
/// normalisation uses the running statistics.
public final class ModelEvaluator {
  private let memory: ModelMemory
  private let dataset: any ExampleSource
  private let isa: InstructionSet
  private let options: PlanOptions
  private let trace: ObjectiveTrace
  private var executors: [Int: ShardExecutor] = [:]
  /// Where the parameters lay when the executors were made.
  private var parameters: UnsafeMutablePointer<Float>?
  private let numbers: ObjectiveNumbers

  /// The number of examples.
  public var count: Int { dataset.count }
  /// The names of the metrics.
  public var metricNames: [String] { numbers.metricNames }

  /// Prepares inference with a source's weights on other examples.
  ///
  /// - Throws: ``GraphError`` where the examples have another input shape, another kind of labels, another
  ///   number of target values, or more classes than those that the source trains on; ``GraphError``
  ///   where the model cannot be traced for inference.
  public init(_ source: ModelSource, on dataset: any ExampleSource) throws {
    try dataset.checkFields()
    try dataset.checkForm(against: source.dataset)
    let objective = try source.trace(2, false)
    try ObjectiveInputs(objective, count: 2).check(
      fillableBy: dataset, classes: source.dataset.labelLimit)
    memory = source.memory
    isa = source.isa
    options = source.options
    trace = source.trace
    numbers = source.numbers
    self.dataset = dataset
  }

  /// An evaluation over all ranks, in shards of a fixed size.
  ///
  /// - Throws: ``ArgumentError`` where `shardSize` is not positive.
  public func evaluation(
    _ name: String, shardSize: Int, on collective: any Collective
  ) throws -> Evaluation {
    try Evaluation(
      name, count: count, shardSize: shardSize, metricNames: metricNames,
      metricFormulas: numbers.metricFormulas, on: collective
    ) { [self] positions, record in
      try compute(Array(positions)[...], record: record)
    }
  }

  /// Computes examples and adds their sums to a record.
  ///
  /// - Returns: the model's outputs, `examples.count` rows; valid until the next call. None for no
  ///   examples.
  /// - Throws: `DatasetError` where there is no such example.
  @discardableResult
  public func compute(
    _ examples: ArraySlice<Int>, record: ShardRecord? = nil
  ) throws -> UnsafeBufferPointer<Float> {
    guard !examples.isEmpty else { return UnsafeBufferPointer(start: nil, count: 0) }
    let executor = try executor(examples.count)
    try executor.packParameters()
    try executor.load(examples, of: dataset)
    try executor.lane.run(RunContext())
    if let record {
      numbers.add(executor.lane, examples: Double(examples.count), to: record)
    }
    return executor.lane.output(0)
  }

  private func executor(_ count: Int) throws -> ShardExecutor {
    if parameters != memory.parameters.baseAddress {
      executors = [:]
      parameters = memory.parameters.baseAddress
    }
    if let executor = executors[count] { return executor }
    let objective = try trace(count, false)
    try ObjectiveInputs(objective, count: count).check(fillableBy: dataset)
    let program = try Program(
      evaluating: objective.loss.graph, scalars: objective.scalars, outputs: [objective.output])
    guard memory.fits(program), ObjectiveNumbers(objective) == numbers else {
      throw GraphError(
        "the model declares other parameters or metrics for inference than for training")
    }
    let plan = try Plan(
      program, parameters: memory.parameters, statistics: memory.runningStatistics, isa: isa,
      options: options)
    let executor = try ShardExecutor(plan)
    executors[count] = executor
    return executor
  }
}
