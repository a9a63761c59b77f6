extension RowNormalization: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    let x = site.inputs[0]
    guard !centers else {
      onnx.define(
        site.output,
        as: onnx.add(
          "LayerNormalization", site.inputs, [.integer("axis", -1), .float("epsilon", epsilon)]))
      return
    }
    // ONNX's own operator for it is younger than the set that is written.
    let square = onnx.add("Mul", [x, x])
    let mean = onnx.add(
      "ReduceMean", [square, onnx.integers([-1])], [.integer("keepdims", 1)])
    let root = onnx.add("Sqrt", [onnx.add("Add", [mean, onnx.number(epsilon)])])
    onnx.define(
      site.output, as: onnx.add("Mul", [onnx.add("Div", [x, root]), site.inputs[1]]))
  }
}
