extension Power: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(site.output, as: onnx.add("Pow", [site.inputs[0], onnx.number(exponent)]))
  }
}
