extension Extremum: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(
      site.output,
      as: onnx.add(
        kind == .maximum ? "ReduceMax" : "ReduceMin", [site.inputs[0], onnx.integers([1])],
        [.integer("keepdims", 1)]))
  }
}
