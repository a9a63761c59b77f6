extension Sinusoid: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(site.output, as: onnx.add(kind == .sine ? "Sin" : "Cos", site.inputs))
  }
}
