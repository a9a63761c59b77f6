extension Transpose: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(
      site.output, as: onnx.add("Transpose", site.inputs, [.integers("perm", permutation)]))
  }
}
