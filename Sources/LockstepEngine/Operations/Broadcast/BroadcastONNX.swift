extension Broadcast: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(
      site.output, as: onnx.add("Expand", [site.inputs[0], onnx.shape(site.outputShapes[0])]))
  }
}
