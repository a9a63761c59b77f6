extension LogSoftmax: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(site.output, as: onnx.add("LogSoftmax", site.inputs, [.integer("axis", -1)]))
  }
}
