extension LinearMap: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(site.output, as: onnx.add("Gemm", site.inputs, [.integer("transB", 1)]))
  }
}
