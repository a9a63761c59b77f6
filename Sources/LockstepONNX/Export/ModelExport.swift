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
    let graph = try builder.build(
      outputs: trace.outputs.entries.map { (name: $0.name, value: $0.tensor) })
    self.init(
      graph: graph, operatorSet: Self.writtenOperatorSet, producer: producer, metadata: metadata)
  }
}
