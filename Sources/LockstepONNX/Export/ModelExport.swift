import LockstepEngine
import LockstepLayers

extension ONNXModel {
  /// The version of ONNX's operators that is written.
  package static let writtenOperatorSet = 20

  /// A trained model, for any number of examples.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - inputs: what an example is. Integers are of 64 bits in the file.
  ///   - producer: the program that writes it.
  ///   - metadata: what is said about it.
  ///   - values: gives a parameter's or statistic's values by its name.
  /// - Throws: `GraphError` that names a layer and its operation where ONNX has no form for it.
  package init(
    exporting model: any MultipleInputModel, inputs: [TracedInput], producer: String,
    metadata: [(key: String, value: String)],
    values: @escaping (String) throws(GraphError) -> [Float]
  ) throws(GraphError) {
    // Two numbers of examples tell which sizes follow them; they are no likely sizes of anything else.
    let trace = try LockstepLayers.trace(model, inputs: inputs, batchCount: 7, training: false)
    let twin = try LockstepLayers.trace(model, inputs: inputs, batchCount: 11, training: false)
    let builder = try ONNXGraphBuilder(trace.graph, twin: twin.graph, values: values)
    var graph = try builder.build(
      outputs: trace.outputs.entries.map { (name: $0.name, value: $0.tensor) })
    graph.separateConstants(
      from: trace.graph.parameters.map(\.name) + trace.graph.statistics.map(\.name))
    self.init(
      graph: graph, operatorSet: Self.writtenOperatorSet, producer: producer, metadata: metadata)
  }
}

extension ONNXGraph {
  /// Makes nodes of all stored tensors but a model's weights: whoever reads the file to train it takes what is
  /// stored for weights.
  fileprivate mutating func separateConstants(from weights: [String]) {
    let weights = Set(weights)
    let constants = initializers.filter { !weights.contains($0.name) }
    initializers.removeAll { !weights.contains($0.name) }
    let made = constants.map {
      ONNXNode(
        "Constant", name: $0.name, inputs: [], outputs: [$0.name],
        attributes: [ONNXAttribute("value", .tensor($0.tensor))])
    }
    nodes = made + nodes
  }
}
