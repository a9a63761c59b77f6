/// The record of a model's calls on symbolic tensors: operations in the order they were applied.
///
/// A graph is built by one thread, during a trace, for fixed shapes. Errors do not interrupt the
/// model's code: the first one is kept, and `check()` throws it.
public final class Graph {
  /// The identity of a value in its graph.
  package typealias ValueID = Int

  package struct Node {
    package let operation: any Operation
    package let inputs: [ValueID]
    package let outputs: [ValueID]
    /// The layer that applied it, for messages.
    package let scope: String
  }

  package struct Value {
    package let type: TensorType
    /// The node that computes it; nil for leaves.
    package let producer: Int?
    package let outputIndex: Int
  }

  /// A value that comes from outside.
  package enum Leaf {
    /// A named input of a batch.
    case input(String)
    /// A parameter, by its index in ``Graph/parameters``.
    case parameter(Int)
    /// The current value of a statistic, by its index in ``Graph/statistics``.
    case statistic(Int)
    /// The part of a direction in parameter space that belongs to a parameter, by the parameter's
    /// index.
    case vector(Int)
    /// All elements have this value.
    case constant(Float)
    /// The elements have these values, row by row.
    case table([Float])
  }

  /// A statistic's new observation in this batch.
  package struct Observation {
    package let statistic: Int
    package let value: ValueID
    /// The observation is multiplied by this before it is averaged (n / (n − 1) for a variance).
    package let scale: Float
  }

  /// A recurrent layer's state that goes from one run of a plan to the next.
  package struct CarriedState {
    /// The input that has the state before the first position.
    package let input: String
    /// The state behind the last position, of the input's shape.
    package let after: Tensor
  }

  /// What positions leave for those behind them: an attention's keys, or its values.
  package struct KeptRows {
    /// The input that has the rows of all positions, where one behind others is traced.
    package let name: String
    /// The rows of the positions that are traced, [N, T, width].
    package let rows: Tensor
  }

  package private(set) var nodes: [Node] = []
  package private(set) var values: [Value] = []
  package private(set) var leaves: [(id: ValueID, leaf: Leaf)] = []
  package private(set) var parameters: [ParameterSpecification] = []
  package private(set) var statistics: [StatisticSpecification] = []
  package private(set) var observations: [Observation] = []
  /// What can be read out by a name.
  package var namedValues = NamedValues()
  private var parameterValues: [String: ValueID] = [:]
  private var statisticValues: [String: ValueID] = [:]
  private var constants: [String: ValueID] = [:]
  private var tables: [Table: ValueID] = [:]
  private var failure: GraphError?

  /// Whether the model is traced for training: batch statistics and dropout are active.
  public let training: Bool
  /// The number of examples of the batch being traced.
  public let batchCount: Int
  /// The layer now being called, for error messages.
  package var scope = ""

  /// What of the model is left as it is.
  package let freezing: Freezing

  /// What part of a sequence is traced.
  package let continuation: Continuation
  /// The states that are carried, in the order of the calls.
  package private(set) var carriedStates: [CarriedState] = []
  /// What positions leave for those behind them, in the order of the calls.
  package internal(set) var keptRows: [KeptRows] = []
  /// How long the sequences of the batch are; nil where all of their positions count.
  package var sequences: SequenceLengths?

  /// Makes an empty graph for a number of examples, for training or for inference.
  package convenience init(batchCount: Int, training: Bool, freezing: Freezing = Freezing()) {
    self.init(
      batchCount: batchCount, training: training, freezing: freezing, continuation: .none)
  }

  /// Makes an empty graph, of which a run may go on where another one ended.
  package init(batchCount: Int, training: Bool, freezing: Freezing, continuation: Continuation) {
    self.batchCount = batchCount
    self.training = training
    self.freezing = freezing
    self.continuation = continuation
  }

  // MARK: Leaves

  /// A tensor of the batch: `shape` includes the leading batch dimension. A name has one type.
  package func input(_ name: String, _ shape: [Int], _ scalar: ScalarType = .float32) -> Tensor {
    let type = TensorType(shape, scalar)
    for (id, leaf) in leaves {
      guard case .input(name) = leaf else { continue }
      if values[id].type != type {
        fail(
          "input '\(name)' is asked for as \(values[id].type.scalar) \(values[id].type.shape) and as "
            + "\(scalar) \(shape)")
      }
      return Tensor(graph: self, id: id)
    }
    require(type, "input '\(name)'")
    return leaf(.input(name), type)
  }

  /// The tensor of a parameter; the same tensor whenever the name is used again.
  package func parameter(_ specification: ParameterSpecification) -> Tensor {
    if let id = parameterValues[specification.name] {
      if values[id].type.shape != specification.shape {
        fail(
          "parameter '\(specification.name)' is used with shapes \(values[id].type.shape) and \(specification.shape)"
        )
      }
      return Tensor(graph: self, id: id)
    }
    require(TensorType(specification.shape), "parameter '\(specification.name)'")
    if let problem = specification.initializer.problem {
      fail("the initializer of parameter '\(specification.name)': \(problem)")
    }
    parameters.append(
      freezing.freezes(parameter: specification.name) ? specification.frozen : specification)
    let tensor = leaf(.parameter(parameters.count - 1), TensorType(specification.shape))
    parameterValues[specification.name] = tensor.id
    return tensor
  }

  /// The current value of a running statistic.
  package func statistic(_ specification: StatisticSpecification) -> Tensor {
    if let id = statisticValues[specification.name] {
      if values[id].type.shape != specification.shape {
        fail(
          "statistic '\(specification.name)' is used with shapes \(values[id].type.shape) and "
            + "\(specification.shape)")
      }
      return Tensor(graph: self, id: id)
    }
    require(TensorType(specification.shape), "statistic '\(specification.name)'")
    if let problem = specification.draw?.initializer.problem {
      fail("the initial values of statistic '\(specification.name)': \(problem)")
    }
    statistics.append(specification)
    let tensor = leaf(.statistic(statistics.count - 1), TensorType(specification.shape))
    statisticValues[specification.name] = tensor.id
    return tensor
  }

  /// Records what this batch observed for a statistic: `scale · value`, averaged over the shards by
  /// their numbers of examples.
  ///
  /// The trace fails where `statistic` is none, or `value` has another shape.
  package func observe(_ statistic: Tensor, _ value: Tensor, scale: Float = 1) {
    guard belong([statistic, value], to: "observe") else { return }
    guard let leaf = leaves.first(where: { $0.id == statistic.id }),
      case .statistic(let index) = leaf.leaf
    else { return fail("observe: the first tensor is no running statistic") }
    guard value.shape == statistic.shape else {
      return fail(
        "observe: a value of shape \(value.shape) for the statistic '\(statistics[index].name)' of "
          + "shape \(statistic.shape)")
    }
    observations.append(Observation(statistic: index, value: value.id, scale: scale))
  }

  /// What has been observed for a statistic so far; nil for nothing.
  package func observed(_ statistic: Tensor) -> Tensor? {
    let found = observations.first {
      statisticValues[statistics[$0.statistic].name] == statistic.id
    }
    return found.map { Tensor(graph: self, id: $0.value) }
  }

  /// A state of the layer now being called, from an input of its own; zeros at first.
  package func carriedState(_ name: String, _ shape: [Int]) -> Tensor {
    input("\(scope).\(name).\(carriedStates.count)", shape)
  }

  /// Notes what a carried state is behind the last position.
  package func carry(_ before: Tensor, as after: Tensor) {
    guard belong([before, after], to: "carry"), !hasFailed,
      let leaf = leaves.first(where: { $0.id == before.id }), case .input(let name) = leaf.leaf
    else { return }
    carriedStates.append(CarriedState(input: name, after: after))
  }

  /// The part of a direction in parameter space that belongs to a parameter. Its values come from
  /// an arena of the parameters' layout.
  package func vector(of parameter: Int) -> Tensor {
    leaf(.vector(parameter), TensorType(parameters[parameter].shape))
  }

  /// A tensor whose elements all have one value.
  public func constant(_ value: Float, _ shape: [Int] = []) -> Tensor {
    let key = "\(value.bitPattern) \(shape)"
    if let id = constants[key] { return Tensor(graph: self, id: id) }
    require(TensorType(shape), "constant")
    let tensor = leaf(.constant(value), TensorType(shape))
    constants[key] = tensor.id
    return tensor
  }

  /// A tensor of values that are known in advance, row by row: a mask, a table. It is stored once for equal
  /// values of a shape, whatever the number of threads.
  public func constant(_ values: [Float], _ shape: [Int]) -> Tensor {
    let key = Table(bits: values.map(\.bitPattern), shape: shape)
    if let id = tables[key] { return Tensor(graph: self, id: id) }
    let type = TensorType(shape)
    require(type, "constant")
    guard type.count == values.count else {
      fail("constant: \(values.count) values do not fill the shape \(shape)")
      return constant(0, type.problem == nil ? shape : [])
    }
    let tensor = leaf(.table(values), type)
    tables[key] = tensor.id
    return tensor
  }

  /// A constant's values and shape.
  private struct Table: Hashable {
    let bits: [UInt32]
    let shape: [Int]
  }

  /// Fails the trace unless a tensor can have a type.
  private func require(_ type: TensorType, _ what: String) {
    if let problem = type.problem { fail("\(what): \(problem)") }
  }

  private func leaf(_ leaf: Leaf, _ type: TensorType) -> Tensor {
    let id = values.count
    var type = type
    if let problem = type.problem {
      fail(problem)
      type = TensorType([])
    }
    values.append(Value(type: type, producer: nil, outputIndex: 0))
    leaves.append((id, leaf))
    return Tensor(graph: self, id: id)
  }

  /// The inputs that a batch must fill, in the order in which the trace met them.
  package var inputs: [(name: String, type: TensorType)] {
    leaves.compactMap { id, leaf in
      if case .input(let name) = leaf { (name, values[id].type) } else { nil }
    }
  }

  // MARK: Operations

  /// Applies an operation, and returns its results. After a failure the results are placeholders that
  /// only keep the model's code going.
  package func apply(_ operation: any Operation, _ inputs: [Tensor]) -> [Tensor] {
    let types: [TensorType]
    do throws(GraphError) {
      guard failure == nil, belong(inputs, to: operation.name) else { throw GraphError("") }
      types = try checkedTypes(operation, inputs.map(\.type))
    } catch {
      fail("\(operation.name): \(error.description)")
      return operation.placeholders(inputs.map(\.type)).map { type in
        values.append(Value(type: type, producer: nil, outputIndex: 0))
        return Tensor(graph: self, id: values.count - 1)
      }
    }
    let outputs = types.indices.map { index in
      values.append(Value(type: types[index], producer: nodes.count, outputIndex: index))
      return Tensor(graph: self, id: values.count - 1)
    }
    nodes.append(
      Node(
        operation: operation, inputs: inputs.map(\.id), outputs: outputs.map(\.id), scope: scope))
    return outputs
  }

  /// The types of an operation's results.
  private func checkedTypes(
    _ operation: any Operation, _ inputs: [TensorType]
  ) throws(GraphError) -> [TensorType] {
    for (index, input) in inputs.enumerated() where input.scalar != .float32 {
      try expect(
        operation.acceptsIntegers(index), "expects Float32 values, got integers \(input.shape)")
    }
    let types = try operation.infer(inputs)
    for type in types { if let problem = type.problem { throw GraphError(problem) } }
    return types
  }

  /// Whether all tensors are of this trace. Where one is not, its trace fails too: which of them is
  /// still going on is not known here.
  package func belong(_ tensors: [Tensor], to what: String) -> Bool {
    guard let stranger = tensors.first(where: { $0.graph !== self }) else { return true }
    let message =
      stranger.graph.failure?.description
      ?? "\(what): a tensor of another trace is used; a tensor belongs to the call that made it"
    fail(message)
    stranger.graph.fail(message)
    return false
  }

  /// A tensor of a trace of its own that has failed, for what has no tensor to ask for its trace: the
  /// trace in which it is used fails with the same message.
  package static func failed(_ message: String) -> Tensor {
    let graph = Graph(batchCount: 1, training: false)
    let tensor = graph.constant(0)
    graph.fail(message)
    return tensor
  }

  /// Keeps the first failure of the trace.
  package func fail(_ message: String) {
    if failure == nil {
      failure = GraphError(scope.isEmpty ? message : "layer '\(scope)': \(message)")
    }
  }

  /// Says in other words why the trace has failed.
  package func failInstead(_ message: String) { failure = GraphError(message) }

  /// Whether the trace has failed: shapes mean nothing any more.
  package var hasFailed: Bool { failure != nil }

  /// Throws the first failure of the trace.
  package func check() throws(GraphError) {
    if let failure { throw failure }
  }

  // MARK: Declaration order

  /// Brings parameters and statistics into an order of their names; equal ranks keep the order of
  /// their first use. A trace meets them in call order, the order of everything is declaration order.
  package func sortParameters(by rank: (String) -> Int) {
    func places(_ names: [String]) -> (order: [Int], place: [Int]) {
      let ranks = names.map(rank)
      let order = names.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }
      var place = order
      for (new, old) in order.enumerated() { place[old] = new }
      return (order, place)
    }
    let (parameterOrder, parameterPlace) = places(parameters.map(\.name))
    let (statisticOrder, statisticPlace) = places(statistics.map(\.name))
    parameters = parameterOrder.map { parameters[$0] }
    statistics = statisticOrder.map { statistics[$0] }
    leaves = leaves.map { id, leaf in
      switch leaf {
      case .parameter(let index): (id, .parameter(parameterPlace[index]))
      case .statistic(let index): (id, .statistic(statisticPlace[index]))
      case .vector(let index): (id, .vector(parameterPlace[index]))
      case .input, .constant, .table: (id, leaf)
      }
    }
    observations = observations.map {
      Observation(statistic: statisticPlace[$0.statistic], value: $0.value, scale: $0.scale)
    }
  }

  // MARK: Layer names

  private var names: [ObjectIdentifier: String] = [:]

  /// Gives a layer its dotted name for this trace.
  package func name(_ identity: LayerIdentity, _ name: String) {
    names[ObjectIdentifier(identity)] = name
  }
  /// The dotted name of a layer, or nil where the model's walk did not meet it.
  package func name(of identity: LayerIdentity) -> String? { names[ObjectIdentifier(identity)] }
}

extension Initializer {
  public var problem: String? { nil }
}
