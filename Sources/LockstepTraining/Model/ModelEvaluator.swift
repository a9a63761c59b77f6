import LockstepDatasets
import LockstepEngine

/// Runs a model for inference on a data set: its losses, its metrics, its predictions.
///
/// It shares the parameters and running statistics of a ``ModelSource``; dropout is off and batch
/// normalisation uses the running statistics.
public final class ModelEvaluator {
  private let memory: ModelMemory
  private let dataset: Dataset
  private let isa: InstructionSet
  private let options: PlanOptions
  private let trace: ObjectiveTrace
  private var executors: [Int: ShardExecutor] = [:]
  /// Where the parameters lay when the executors were made.
  private var parameters: UnsafeMutablePointer<Float>?
  private var weightPerExample = 1.0

  /// The number of examples.
  public var count: Int { dataset.count }
  /// The names of the metrics.
  public let metricNames: [String]

  /// Prepares inference with a source's weights on other examples.
  public init(_ source: ModelSource, on dataset: Dataset) {
    memory = source.memory
    isa = source.isa
    options = source.options
    trace = source.trace
    metricNames = source.metricNames
    self.dataset = dataset
  }

  /// An evaluation over all ranks, in shards of a fixed size.
  public func evaluation(
    _ name: String, shardSize: Int, on collective: any Collective
  ) -> Evaluation {
    Evaluation(
      name, count: count, shardSize: shardSize, metricNames: metricNames, on: collective
    ) { [self] positions, record in
      try compute(Array(positions)[...], record: record)
    }
  }

  /// Computes examples and adds their sums to a record.
  ///
  /// - Returns: the model's outputs, `examples.count` rows; valid until the next call.
  @discardableResult
  public func compute(
    _ examples: ArraySlice<Int>, record: ShardRecord? = nil
  ) throws -> UnsafeBufferPointer<Float> {
    let executor = try executor(examples.count)
    try executor.packParameters()
    executor.load(examples, of: dataset)
    try executor.lane.run(RunContext())
    if let record {
      record.loss += Double(executor.lane.scalar(0))
      record.weight += weightPerExample * Double(examples.count)
      record.examples += Double(examples.count)
      for metric in metricNames.indices {
        record[metric: metric] += Double(executor.lane.scalar(1 + metric))
      }
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
    weightPerExample = objective.weightPerExample
    let program = try Program(
      evaluating: objective.loss.graph,
      scalars: [objective.loss] + objective.metrics.map(\.sum), outputs: [objective.output])
    let plan = try Plan(
      program, parameters: memory.parameters, statistics: memory.runningStatistics, isa: isa,
      options: options)
    let executor = try ShardExecutor(plan)
    executors[count] = executor
    return executor
  }
}
