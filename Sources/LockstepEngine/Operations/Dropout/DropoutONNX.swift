extension Dropout: ONNXConvertible {
  /// Behind training, dropout is the identity.
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(site.output, as: site.inputs[0])
  }
}
