import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepState

/// A trained model that answers one example at a time, from memory.
///
/// ```swift
/// let predictor = try Predictor(training)
/// let logits = try predictor.predict([5.1, 3.5, 1.4, 0.2])
/// ```
///
/// It keeps the plan of one example, so that an answer costs no more than the model's own arithmetic. It
/// reads the weights when it is made, and when ``refresh()`` is called. Dropout is off, and batch
/// normalisation uses the running statistics. A model that carries states starts each example from zeros. It
/// is used by one thread at a time.
public final class Predictor {
  /// One input of an example.
  public enum Values: Sendable, Equatable {
    /// Float32 values, row-major.
    case floats([Float])
    /// Int32 values, row-major: tokens, categories.
    case integers([Int32])

    /// The number of values.
    package var count: Int {
      switch self {
      case .floats(let values): values.count
      case .integers(let values): values.count
      }
    }
  }

  /// What the model takes of an example, in order.
  package let inputs: [ExampleField]
  /// The names of the model's outputs, in order.
  public let outputNames: [String]
  /// The shapes of the model's outputs for one example, in the order of their names.
  package let outputShapes: [[Int]]

  /// The names that `outputs(of:for:)` knows: the model's outputs, its layers, and the values that
  /// it marks by `named(_:)`.
  package let readableNames: [String]

  private let source: ModelSource
  private var lane: Lane
  private var parameters: UnsafeMutablePointer<Float>?
  /// The lanes that read out other values than the model's outputs.
  private var readers: [[String]: Lane] = [:]

  /// Answers with the weights of a training, as they are now.
  ///
  /// - Throws: `GraphError` where the model cannot be traced for one example.
  public convenience init(_ training: Training) throws { try self.init(training.source) }

  /// Answers with the weights of a source, as they are now.
  ///
  /// - Throws: `GraphError` where the model cannot be traced for one example.
  public init(_ source: ModelSource) throws {
    self.source = source
    let objective = try source.model.trace(1, false)
    let asked = Set(objective.loss.graph.inputs.map(\.name))
    inputs = source.dataset.inputFields.filter { asked.contains($0.name) }
    outputNames = objective.outputs.names
    outputShapes = objective.outputs.entries.map { Array($0.tensor.shape.dropFirst()) }
    readableNames = objective.readableNames
    lane = try Self.lane(source) { $0.outputs.entries.map(\.tensor) }
    parameters = source.memory.parameters.baseAddress
    try lane.plan.packParameters()
  }

  /// Answers with the weights of a file.
  ///
  /// - Parameters:
  ///   - input: what an example is: a name, a shape, a type.
  ///   - weights: a safetensors file with PyTorch's names, a checkpoint, or a run directory.
  /// - Throws: `GraphError` where the model does not take such an example, `FileError` where the weights
  ///   are not the model's.
  public convenience init(
    _ model: any Model, input: ExampleField, weights: String
  ) throws {
    try self.init(SingleInputModel(model), inputs: [input], weights: weights)
  }

  /// Answers with the weights of a file.
  ///
  /// - Throws: as the initialiser for a simple model.
  public convenience init(
    _ model: any MultipleInputModel, inputs: [ExampleField], weights: String
  ) throws {
    let source = try ModelSource(model, inputs: inputs)
    try Weights(of: source).read(WeightsFile(weights))
    try self.init(source)
  }

  /// The plan of one example, and a lane of it.
  private static func lane(
    _ source: ModelSource, reading tensors: (Objective) throws -> [Tensor]
  ) throws -> Lane {
    let objective = try source.model.trace(1, false)
    let program = try Program(
      evaluating: objective.loss.graph, scalars: [], outputs: tensors(objective))
    guard source.memory.fits(program) else {
      throw GraphError("the model declares other parameters for inference than for training")
    }
    let plan = try Plan(
      program, parameters: source.memory.parameters, statistics: source.memory.runningStatistics,
      isa: source.model.isa, options: source.model.options)
    return try Lane(plan)
  }

  /// Takes the weights as they are now, after more steps of training.
  public func refresh() throws {
    if parameters != source.memory.parameters.baseAddress {
      lane = try Self.lane(source) { $0.outputs.entries.map(\.tensor) }
      parameters = source.memory.parameters.baseAddress
    }
    readers = [:]
    try lane.plan.packParameters()
  }

  // MARK: Answers

  /// The model's first output for the values of its only input, row-major.
  ///
  /// - Throws: `DatasetError` where the model takes several inputs or integers, or the number of values
  ///   is another.
  public func predict(_ input: [Float]) throws -> [Float] {
    try set(only: .floats(input), in: lane)
    try lane.run(RunContext())
    return Array(lane.output(0))
  }

  /// The model's first output for the integers of its only input: tokens, row-major.
  ///
  /// - Throws: `DatasetError` where the model takes several inputs or numbers, the number of values is
  ///   another, or one is outside the vocabulary.
  public func predict(_ input: [Int32]) throws -> [Float] {
    try set(only: .integers(input), in: lane)
    try lane.run(RunContext())
    return Array(lane.output(0))
  }

  /// All of the model's outputs, row-major and by their names, for all of its inputs.
  ///
  /// - Throws: `DatasetError` where an input is missing, not known, of another size or type, or an
  ///   integer is outside its field's limit.
  public func predict(_ values: [String: Values]) throws -> [String: [Float]] {
    try set(all: values, in: lane)
    try lane.run(RunContext())
    return Dictionary(
      uniqueKeysWithValues: outputNames.enumerated().map { ($1, Array(lane.output($0))) })
  }

  // MARK: Values by name

  /// The values of layers, of marked values, or of the model's outputs for the values of its only input,
  /// row-major: features for another model, or a look inside.
  ///
  /// ```swift
  /// let features = try predictor.outputs(of: ["features"], for: pixels)["features"]
  /// ```
  ///
  /// - Parameter names: some of `readableNames`. A plan is kept for each list of names, until
  ///   ``refresh()``.
  /// - Throws: `ArgumentError` for an unknown name; as ``predict(_:)-([Float])``.
  public func outputs(of names: [String], for input: [Float]) throws -> [String: [Float]] {
    try read(names) { try set(only: .floats(input), in: $0) }
  }

  /// As ``outputs(of:for:)-(_,[Float])``, for the integers of the model's only input.
  public func outputs(of names: [String], for input: [Int32]) throws -> [String: [Float]] {
    try read(names) { try set(only: .integers(input), in: $0) }
  }

  /// As ``outputs(of:for:)-(_,[Float])``, for all of the model's inputs by their names.
  public func outputs(
    of names: [String], for values: [String: Values]
  ) throws -> [String: [Float]] {
    try read(names) { try set(all: values, in: $0) }
  }

  /// The shape that a value of a name has for one example.
  ///
  /// - Throws: `ArgumentError` for an unknown name.
  public func outputShape(of name: String) throws -> [Int] {
    let tensor = try source.model.trace(1, false).tensors(named: [name], of: "Predictor")[0]
    return tensor.shape.first == 1 ? Array(tensor.shape.dropFirst()) : tensor.shape
  }

  private func read(
    _ names: [String], _ setInputs: (Lane) throws -> Void
  ) throws -> [String: [Float]] {
    let names = names.uniqued
    guard !names.isEmpty else { return [:] }
    let reader: Lane
    if let known = readers[names] {
      reader = known
    } else {
      reader = try Self.lane(source) { try $0.tensors(named: names, of: "Predictor") }
      try reader.plan.packParameters()
      readers[names] = reader
    }
    try setInputs(reader)
    try reader.run(RunContext())
    return names.enumerated().reduce(into: [:]) {
      $0[$1.element] = Array(reader.output($1.offset))
    }
  }

  // MARK: Inputs

  private func set(all values: [String: Values], in lane: Lane) throws {
    if let unknown = values.keys.sorted().first(where: { name in
      !inputs.contains { $0.name == name }
    }) {
      throw refuse("takes no input '\(unknown)'; it takes \(list)")
    }
    for field in inputs {
      guard let value = values[field.name] else {
        throw refuse("needs the input \(field)")
      }
      try set(field, value, in: lane)
    }
  }

  private var list: String { inputs.map(\.description).joined(separator: ", ") }

  private func refuse(_ reason: String) -> DatasetError { DatasetError("predictor", reason) }

  private func set(only value: Values, in lane: Lane) throws(DatasetError) {
    guard inputs.count == 1 else {
      throw refuse("the model takes \(inputs.count) inputs, \(list): give them by their names")
    }
    try set(inputs[0], value, in: lane)
  }

  /// Writes an input to the lane.
  private func set(
    _ field: ExampleField, _ value: Values, in lane: Lane
  ) throws(DatasetError) {
    guard value.count == field.size else {
      throw refuse("the input \(field) has \(field.size) values, found \(value.count)")
    }
    guard let bytes = lane.input(field.name) else { return }
    switch value {
    case .floats(let values):
      guard !field.isInteger else { throw refuse("the input \(field) is integers") }
      values.withUnsafeBytes { bytes.copyMemory(from: $0) }
    case .integers(let values):
      guard field.isInteger else { throw refuse("the input \(field) is not integers") }
      let invalid = values.withUnsafeBufferPointer { field.firstInvalid($0) }
      if let invalid {
        throw refuse(
          "value \(invalid) of the input \(field) is \(values[invalid]); expected "
            + "0...\((field.limit ?? 1) - 1)")
      }
      values.withUnsafeBytes { bytes.copyMemory(from: $0) }
    }
  }
}
