extension Sum: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(
      site.output,
      as: onnx.add(
        "ReduceSum", [site.inputs[0], onnx.integers(axes)], [.integer("keepdims", 1)]))
  }
}
