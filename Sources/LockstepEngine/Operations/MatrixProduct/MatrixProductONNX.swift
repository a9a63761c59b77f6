extension MatrixProduct: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    let axes = Array(site.inputShapes[0].indices)
    let swapped = axes.dropLast(2) + [axes.count - 1, axes.count - 2]
    func turned(_ index: Int, _ turns: Bool) -> String {
      turns
        ? onnx.add("Transpose", [site.inputs[index]], [.integers("perm", Array(swapped))])
        : site.inputs[index]
    }
    onnx.define(
      site.output, as: onnx.add("MatMul", [turned(0, transposeLeft), turned(1, transposeRight)]))
  }
}
