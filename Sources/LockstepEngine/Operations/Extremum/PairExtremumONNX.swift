extension PairExtremum: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(site.output, as: onnx.add(kind == .maximum ? "Max" : "Min", site.inputs))
  }
}
