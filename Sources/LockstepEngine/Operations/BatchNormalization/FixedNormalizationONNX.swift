extension FixedNormalization: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(
      site.output,
      as: onnx.add("BatchNormalization", site.inputs, [.float("epsilon", epsilon)]))
  }
}
