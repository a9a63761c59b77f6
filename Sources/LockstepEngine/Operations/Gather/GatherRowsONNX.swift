extension GatherRows: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    try expect(!hidesPadding, "a row that is read as zeros has no form in ONNX")
    onnx.define(site.output, as: onnx.add("Gather", site.inputs, [.integer("axis", 0)]))
  }
}
