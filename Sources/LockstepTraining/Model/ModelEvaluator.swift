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
  private var executors: [Key: ShardExecutor] = [:]
  /// Where the parameters lay when the executors were made.
  private var parameters: UnsafeMutablePointer<Float>?
  private let numbers: ObjectiveNumbers

  /// What a plan is made for.
  private struct Key: Hashable {
    let count: Int
    /// What is read out, where that is not the model's first output.
    var names: [String] = []
  }

  /// The names that ``outputs(of:examples:)`` knows: the model's outputs, its layers, and the values
  /// that it marks by `named(_:)`.
  package let readableNames: [String]
  /// The number of examples.
  package var count: Int { dataset.count }
  /// The names of the metrics.
  package var metricNames: [String] { numbers.metricNames }

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
    readableNames = objective.readableNames
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
  package func compute(
    _ examples: ArraySlice<Int>, record: ShardRecord? = nil
  ) throws -> UnsafeBufferPointer<Float> {
    guard !examples.isEmpty else { return UnsafeBufferPointer(start: nil, count: 0) }
    let executor = try executor(Key(count: examples.count))
    try run(executor, on: examples)
    if let record {
      numbers.add(executor.lane, examples: Double(examples.count), to: record)
    }
    return executor.lane.output(0)
  }

  /// The model's first output for examples: one row an example, in their order, row-major.
  ///
  /// All are computed at once; ask for as many as memory has room for.
  ///
  /// - Throws: `DatasetError` where there is no such example.
  public func predictions(for examples: [Int]) throws -> [Float] {
    Array(try compute(examples[...]))
  }

  /// The values of layers, of marked values, or of the model's outputs for examples: features for
  /// another model, or a look inside.
  ///
  /// All are computed at once; ask for as many as memory has room for.
  ///
  /// - Parameter names: some of ``readableNames``.
  /// - Returns: for each name one row an example, in the order of the examples, row-major.
  /// - Throws: ``ArgumentError`` for an unknown name, or one of a value that is none an example;
  ///   `DatasetError` where there is no such example.
  public func outputs(of names: [String], examples: [Int]) throws -> [String: [Float]] {
    let names = names.uniqued
    if examples.isEmpty {
      _ = try executor(Key(count: 2, names: names))
      return names.reduce(into: [:]) { $0[$1] = [] }
    }
    let executor = try executor(Key(count: examples.count, names: names))
    try run(executor, on: examples[...])
    return names.enumerated().reduce(into: [:]) {
      $0[$1.element] = Array(executor.lane.output($1.offset))
    }
  }

  private func run(_ executor: ShardExecutor, on examples: ArraySlice<Int>) throws {
    try executor.packParameters()
    try executor.load(examples, of: dataset)
    try executor.lane.run(RunContext())
  }

  private func executor(_ key: Key) throws -> ShardExecutor {
    let count = key.count
    if parameters != memory.parameters.baseAddress {
      executors = [:]
      parameters = memory.parameters.baseAddress
    }
    if let executor = executors[key] { return executor }
    let objective = try trace(count, false)
    try ObjectiveInputs(objective, count: count).check(fillableBy: dataset)
    let isReading = !key.names.isEmpty
    let outputs = try objective.tensors(named: key.names, of: "ModelEvaluator")
    for (name, output) in zip(key.names, outputs) where output.shape.first != count {
      throw ArgumentError(
        "ModelEvaluator", "names", is: "'\(name)', of shape \(output.shape) for \(count) examples",
        expected: "a value with a row an example")
    }
    let program = try Program(
      evaluating: objective.loss.graph, scalars: isReading ? [] : objective.scalars,
      outputs: isReading ? outputs : [objective.output])
    guard memory.fits(program), ObjectiveNumbers(objective) == numbers else {
      throw GraphError(
        "the model declares other parameters or metrics for inference than for training")
    }
    let plan = try Plan(
      program, parameters: memory.parameters, statistics: memory.runningStatistics, isa: isa,
      options: options)
    let executor = try ShardExecutor(plan)
    executors[key] = executor
    return executor
  }
}
