import LockstepCollective
import LockstepState
import LockstepFold
import LockstepDatasets
import LockstepEngine
import LockstepLayers

/// Runs a model for inference on a data set: its losses, its metrics, its predictions.
///
/// It shares the parameters and running statistics of a ``ModelSource``; dropout is off and batch
/// normalisation uses the running statistics.
public final class ModelEvaluator {
  private let memory: ModelMemory
  private let dataset: any ExampleSource
  private let isa: InstructionSet
  private let options: PlanOptions
  private let forms: [BatchForm]
  private var executors: [Key: ShardExecutor] = [:]
  /// Where the parameters lay when the executors were made.
  private var parameters: UnsafeMutablePointer<Float>?
  private let numbers: ObjectiveNumbers
  private let losses: OutputLosses?
  /// The shapes of the outputs that are read, of one example: of the first, or of all where several have
  /// losses.
  package let outputShapes: [[Int]]
  /// For each loss the place of its output among those that are read.
  private let places: [Int]

  /// What a plan is made for.
  private struct Key: Hashable {
    let count: Int
    /// The number of the batch's form.
    var form = 0
    /// What is read out, where that is not the model's first output.
    var names: [String] = []
  }

  /// The names that ``outputs(of:examples:)`` knows: the model's outputs, its layers, and the values
  /// that it marks by `named(_:)`.
  package let readableNames: [String]
  /// The number of examples.
  public var count: Int { dataset.count }
  /// Whether the model carries states from example to example.
  let carriesStates: Bool
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
    let objective = try source.model.trace(2, false)
    try ObjectiveInputs(objective, count: 2).check(
      fillableBy: dataset, classes: source.dataset.labelLimit)
    memory = source.memory
    isa = source.model.isa
    options = source.model.options
    forms = try source.model.batchForms(on: dataset)
    numbers = source.model.numbers
    readableNames = objective.readableNames
    carriesStates = !objective.carried.isEmpty
    losses = source.losses
    outputShapes = objective.read(for: source.losses).map { Array($0.shape.dropFirst()) }
    places = objective.places(of: source.losses)
    self.dataset = dataset
  }

  /// An evaluation over all ranks, in shards of a fixed size.
  ///
  /// Where the model carries states, the examples are gone through in `shardSize` streams at the most, each in
  /// its order and from states of zeros.
  ///
  /// - Throws: `ArgumentError` where `shardSize` is not positive, `GraphError` where the model carries states
  ///   and the examples do not go on from each other.
  public func evaluation(
    _ name: String, shardSize: Int, on collective: any Collective
  ) throws -> Evaluation {
    try evaluation(name, shardSize: shardSize, units: [], on: collective)
  }

  /// As the public function, with what labels mean to people.
  ///
  /// - Parameters:
  ///   - units: of the labels of each loss; what is missing says nothing.
  ///   - more: for each loss metrics beside those that it has; those of the same name are left out.
  /// - Throws: ``MetricError`` where a metric cannot be computed of these examples.
  package func evaluation(
    _ name: String, shardSize: Int, units: [LabelUnits],
    adding more: [[any EvaluationMetric]] = [], on collective: any Collective
  ) throws -> Evaluation {
    let scores = try scores(units, adding: more, on: collective)
    func make(
      count: Int, shardSize: Int, _ compute: @escaping (Range<Int>, ShardRecord) throws -> Void
    ) throws -> Evaluation {
      try Evaluation(
        name, count: count, shardSize: shardSize, metricNames: metricNames,
        metricFormulas: numbers.metricFormulas, errorNames: losses?.errorNames ?? [],
        whole: SeveralScores(scores),
        on: collective, compute)
    }
    if carriesStates, shardSize > 0 {
      let streams = try EvaluationStreams(dataset, rows: shardSize)
      return try make(count: streams.count, shardSize: streams.together) { [self] run, record in
        try compute(run, of: streams, record: record, scores)
      }
    }
    let order = forms.order(of: dataset)
    return try make(count: count, shardSize: shardSize) { [self] positions, record in
      let examples = order.map { $0[positions] } ?? Array(positions)[...]
      guard let lane = try run(examples, record: record) else { return }
      let source = forms[forms.form(of: examples, in: dataset)].dataset
      for one in scores { try one.add(lane.output(one.place), of: examples, from: source) }
    }
  }

  /// The metrics of whole evaluations, of each loss that has some.
  private func scores(
    _ units: [LabelUnits], adding more: [[any EvaluationMetric]], on collective: any Collective
  ) throws -> [EvaluationScores] {
    guard let losses else { return [] }
    var names = metricNames
    let found = try losses.terms.enumerated().compactMap { index, term -> EvaluationScores? in
      var metrics = term.evaluationMetrics
      let others = more.indices.contains(index) ? more[index] : []
      metrics += others.filter { other in !metrics.contains { $0.name == other.name } }
      guard let first = metrics.first else { return nil }
      names += metrics.filter { !$0.isSummed }.map { losses.name(ofMetric: $0.name, at: index) }
      let rows = try EvaluationRows(
        losses, index, output: outputShapes[places[index]], on: dataset, for: first.name)
      return try EvaluationScores(
        rows, metrics, units: units.indices.contains(index) ? units[index] : LabelUnits(),
        place: places[index], of: dataset, on: collective)
    }
    try MetricNames.check(names)
    return found
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
    guard let lane = try run(examples, record: record) else {
      return UnsafeBufferPointer(start: nil, count: 0)
    }
    return lane.output(0)
  }

  /// As `compute(_:record:)`, for all outputs that are read.
  package func computeAll(_ examples: ArraySlice<Int>) throws -> [UnsafeBufferPointer<Float>] {
    guard let lane = try run(examples, record: nil) else { return [] }
    return outputShapes.indices.map { lane.output($0) }
  }

  /// Computes examples; nil for none.
  private func run(_ examples: ArraySlice<Int>, record: ShardRecord?) throws -> Lane? {
    if examples.isEmpty { return nil }
    let key = Key(count: examples.count, form: forms.form(of: examples, in: dataset))
    let executor = try executor(key)
    try run(executor, on: examples, key)
    if let record {
      numbers.add(executor.lane, examples: Double(examples.count), to: record)
    }
    return executor.lane
  }

  /// Computes a run of streams side by side, window by window, and adds their sums to a record.
  private func compute(
    _ run: Range<Int>, of streams: EvaluationStreams, record: ShardRecord,
    _ scores: [EvaluationScores]
  ) throws {
    var states: [[Float]] = []
    for place in 0..<streams.length(run.lowerBound) {
      let examples = streams.examples(at: place, of: run)
      let key = Key(count: examples.count)
      let executor = try executor(key)
      try self.run(executor, on: examples[...], key, from: states)
      states = executor.carriedPorts?.states ?? []
      for one in scores {
        try one.add(executor.lane.output(one.place), of: examples[...], from: dataset)
      }
      numbers.add(executor.lane, examples: Double(examples.count), to: record)
    }
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
  /// - Parameter names: some of `readableNames`.
  /// - Returns: for each name one row an example, in the order of the examples, row-major.
  /// - Throws: `ArgumentError` for an unknown name, or one of a value that is none an example;
  ///   `DatasetError` where there is no such example.
  public func outputs(of names: [String], examples: [Int]) throws -> [String: [Float]] {
    let names = names.uniqued
    if examples.isEmpty {
      _ = try executor(Key(count: 2, form: forms.count - 1, names: names))
      return names.reduce(into: [:]) { $0[$1] = [] }
    }
    let key = Key(
      count: examples.count, form: forms.form(of: examples[...], in: dataset), names: names)
    let executor = try executor(key)
    try run(executor, on: examples[...], key)
    return names.enumerated().reduce(into: [:]) {
      $0[$1.element] = Array(executor.lane.output($1.offset))
    }
  }

  /// - Parameter states: what examples go on from; none for zeros.
  private func run(
    _ executor: ShardExecutor, on examples: ArraySlice<Int>, _ key: Key,
    from states: [[Float]] = []
  ) throws {
    executor.carriedPorts?.set(states)
    try executor.packParameters()
    try executor.load(examples, of: forms[key.form].dataset)
    try executor.lane.run(RunContext())
  }

  private func executor(_ key: Key) throws -> ShardExecutor {
    let count = key.count
    if parameters != memory.parameters.baseAddress {
      executors = [:]
      parameters = memory.parameters.baseAddress
    }
    if let executor = executors[key] { return executor }
    let form = forms[key.form]
    let objective = try form.trace(count, false)
    try ObjectiveInputs(objective, count: count).check(fillableBy: form.dataset)
    let isReading = !key.names.isEmpty
    let outputs = try objective.tensors(named: key.names, of: "ModelEvaluator")
    for (name, output) in zip(key.names, outputs) where output.shape.first != count {
      throw ArgumentError(
        "ModelEvaluator", "names", is: "'\(name)', of shape \(output.shape) for \(count) examples",
        expected: "a value with a row an example")
    }
    let program = try Program(
      evaluating: objective.loss.graph, scalars: isReading ? [] : objective.scalars,
      outputs: (isReading ? outputs : objective.read(for: losses)) + objective.carriedOutputs)
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
