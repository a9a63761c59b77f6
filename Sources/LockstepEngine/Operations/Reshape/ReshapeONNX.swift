extension Reshape: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(site.output, as: onnx.reshaped(site.inputs[0], to: site.outputShapes[0]))
  }
}
