extension Concatenate: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(site.output, as: onnx.add("Concat", site.inputs, [.integer("axis", axis)]))
  }
}
